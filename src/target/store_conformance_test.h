// The suite that every store passes. A store's own test includes this header and names its
// database:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(&make_database));
// Here: the catalog, single items, decisions, pages of hand-made tables, threads. Random requests
// against the model are in store_conformance_random_test.h, tables of a plan in
// store_conformance_plan_test.h.
#pragma once

#include <atomic>
#include <thread>

#include "target/store_conformance_fixture.h"

namespace offramp::target {

using ddb::Type;

inline model::KeySchema key_of(Type partition, std::optional<Type> sort = std::nullopt) {
  return mapping::key_schema(partition, sort);
}
inline PageRequest all_of(const ServedTable& table) {
  PageRequest request;
  request.table = &table;
  return request;
}
inline std::string numbered(const std::string& pk, int n, const std::string& more = "") {
  return "{\"pk\":" + string_json(pk) + ",\"sk\":" + number_json(std::to_string(n)) + more + "}";
}

TEST_P(StoreConformance, TheCatalogIsKeptAndHasAVersion) {
  uint64_t version = store_->catalog_version().value();
  ServedTable table = create("Music", key_of(Type::kS));
  EXPECT_NE(store_->catalog_version().value(), version);
  version = store_->catalog_version().value();
  auto entries = store_->catalog();
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ((*entries)[0].name, "Music");
  EXPECT_EQ((*entries)[0].json, "{\"table\":\"Music\"}");
  EXPECT_EQ(store_->catalog_version().value(), version) << "reading changes nothing";

  expect_error(store_->create_table(table, "{}"), ErrorKind::kConflict, "store.table_exists");
  expect_error(store_->update_entry("Music", "{\"other\":1}", "{}"), ErrorKind::kConflict,
               "store.catalog_changed");
  expect_error(store_->update_entry("None", "{}", "{}"), ErrorKind::kConflict,
               "store.catalog_changed");
  EXPECT_EQ(store_->catalog_version().value(), version) << "a refused change is none";
  expect_ok(store_->update_entry("Music", "{\"table\":\"Music\"}", "{\"ttl\":\"x\"}"));
  EXPECT_NE(store_->catalog_version().value(), version);
  EXPECT_EQ(store_->catalog().value().at(0).json, "{\"ttl\":\"x\"}");

  version = store_->catalog_version().value();
  expect_ok(store_->drop_table(table));
  EXPECT_NE(store_->catalog_version().value(), version);
  EXPECT_TRUE(store_->catalog().value().empty());
  expect_error(store_->drop_table(table), ErrorKind::kConfig, "store.no_table");
}

TEST_P(StoreConformance, NamesOfForeignTablesAreTaken) {
  ServedTable table = describe("Music", key_of(Type::kS));
  expect_ok(database_->sql("CREATE TABLE \"Music\" (x int)"));
  expect_error(store_->create_table(table, "{}"), ErrorKind::kConflict, "store.name_taken");
  EXPECT_TRUE(store_->catalog().value().empty());
  table.into = unique_table_name(table, store_->limits());
  expect_ok(make_mapping(table, store_->limits()));
  expect_ok(store_->create_table(table, "{}"));
  expect_ok(put(*session_, table, R"({"pk":{"S":"a"}})"));
  EXPECT_EQ(get(*session_, table, R"({"pk":{"S":"a"}})"), canonical(R"({"pk":{"S":"a"}})"));
}

TEST_P(StoreConformance, ADroppedTableIsGoneAndCanBeMadeAgain) {
  ServedTable table = create("Music", key_of(Type::kS, Type::kN));
  expect_ok(put(*session_, table, numbered("a", 1)));
  EXPECT_NE(get(*session_, table, numbered("a", 1)), "");
  expect_ok(store_->drop_table(table));
  mapping::TestItem key(numbered("a", 1));
  ItemRef ref{&table, key.view()};
  ddb::ItemBatch batch;
  std::vector<ddb::ItemView> found;
  expect_error(session_->get({&ref, 1}, batch, found), ErrorKind::kConfig, "store.no_table");
  expect_error(put(*session_, table, numbered("a", 1)), ErrorKind::kConfig, "store.no_table");
  Page page;
  expect_error(session_->read(all_of(table), page), ErrorKind::kConfig, "store.no_table");
  expect_error(session_->write({&ref, 1}, [](auto, auto) { return Status(); }), ErrorKind::kConfig,
               "store.no_table");
  ServedTable again = create("Music", key_of(Type::kS, Type::kN));
  EXPECT_EQ(get(*session_, again, numbered("a", 1)), "");
  expect_ok(put(*session_, again, numbered("a", 2)));
  EXPECT_EQ(read_pages(*session_, all_of(again)).size(), 1u);
}

TEST_P(StoreConformance, PutReplacesAndDeleteRemoves) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  std::string big(100'000, 'x');
  for (std::string more : {std::string(R"(,"a":{"S":"x"},"b":{"L":[{"N":"1"}]})"),
                           std::string(R"(,"c":{"NULL":true})"), ",\"a\":" + string_json(big)}) {
    expect_ok(put(*session_, table, numbered("p", 1, more)));
    EXPECT_EQ(get(*session_, table, numbered("p", 1)), canonical(numbered("p", 1, more)));
  }
  EXPECT_EQ(get(*session_, table, numbered("p", 2)), "");
  expect_ok(remove(*session_, table, numbered("p", 2)));
  expect_ok(remove(*session_, table, numbered("p", 1)));
  EXPECT_EQ(get(*session_, table, numbered("p", 1)), "");
}

TEST_P(StoreConformance, NumbersThatAreEqualAreOneKey) {
  ServedTable table = create("t", key_of(Type::kN));
  for (const char* number :
       {"1", "-0.5", "12345678901234567890123456789012345678", "1e-130", "9.9e125",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "0.1",
        "0.30000000000000004", "100000000000000000000000"}) {
    std::string json = R"({"pk":)" + number_json(number) + R"(,"n":{"S":")" + number + "\"}}";
    expect_ok(put(*session_, table, json));
    expect_ok(put(*session_, table, json));
    EXPECT_EQ(get(*session_, table, json), canonical(json)) << number;
  }
  EXPECT_EQ(read_pages(*session_, all_of(table)).size(), 11u);
}

TEST_P(StoreConformance, GetGivesEachKeyItsItem) {
  ServedTable one = create("one", key_of(Type::kS)),
              two = create("two", key_of(Type::kS, Type::kN));
  expect_ok(put(*session_, one, R"({"pk":{"S":"a"},"x":{"S":"1"}})"));
  expect_ok(put(*session_, two, numbered("a", 7, R"(,"x":{"S":"2"})")));
  mapping::TestItem a(R"({"pk":{"S":"a"},"ignored":{"S":""}})"), b(numbered("a", 7)),
      none(numbered("a", 8));
  ItemRef refs[] = {{&two, none.view()}, {&two, b.view()}, {&one, a.view()}};
  ddb::ItemBatch batch;
  std::vector<ddb::ItemView> found;
  expect_ok(session_->get(refs, batch, found));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_FALSE(found[0]);
  ASSERT_TRUE(found[1] && found[2]);
  EXPECT_EQ(found[1].find("x").bytes(), "2");
  EXPECT_EQ(found[2].find("x").bytes(), "1");
}

TEST_P(StoreConformance, DecideSeesWhatIsThereAndItsErrorChangesNothing) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  expect_ok(put(*session_, table, numbered("p", 1, R"(,"v":{"S":"old"})")));
  mapping::TestItem one(numbered("p", 1, R"(,"v":{"S":"new"})")), two(numbered("p", 2)),
      three(numbered("p", 3));
  ItemRef refs[] = {{&table, one.view()}, {&table, two.view()}, {&table, three.view()}};
  int calls = 0;
  Status status = session_->write(refs, [&](auto old, auto decisions) -> Status {
    ++calls;
    EXPECT_EQ(old.size(), 3u);
    EXPECT_EQ(old[0].find("v").bytes(), "old");
    EXPECT_FALSE(old[1]);
    decisions[0] = {Decision::Kind::kDelete, {}};
    decisions[1] = {Decision::Kind::kPut, two.view()};
    return Error(ErrorKind::kBadItem, "test.no", "the condition does not hold");
  });
  expect_error(status, ErrorKind::kBadItem, "test.no");
  EXPECT_EQ(calls, 1);
  EXPECT_NE(get(*session_, table, numbered("p", 1)), "");
  EXPECT_EQ(get(*session_, table, numbered("p", 2)), "");

  expect_ok(session_->write(refs, [&](auto old, auto decisions) -> Status {
    decisions[0] = {Decision::Kind::kPut, one.view()};
    decisions[1] = {Decision::Kind::kPut, two.view()};
    decisions[2] = {Decision::Kind::kKeep, {}};
    return {};
  }));
  EXPECT_EQ(get(*session_, table, numbered("p", 1)),
            canonical(numbered("p", 1, R"(,"v":{"S":"new"})")));
  EXPECT_EQ(get(*session_, table, numbered("p", 2)), canonical(numbered("p", 2)));
  EXPECT_EQ(get(*session_, table, numbered("p", 3)), "");
  expect_ok(session_->write({refs, 1}, [&](auto old, auto decisions) -> Status {
    EXPECT_EQ(old[0].find("v").bytes(), "new");
    decisions[0] = {Decision::Kind::kDelete, {}};
    return {};
  }));
  EXPECT_EQ(get(*session_, table, numbered("p", 1)), "");
}

TEST_P(StoreConformance, PagesEndWhereTheyAreFull) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  std::string payload = ",\"v\":" + string_json(std::string(1000, 'v'));
  // Of one size: a zero is a byte shorter.
  for (int n = 1; n <= 10; ++n) expect_ok(put(*session_, table, numbered("p", n, payload)));
  expect_ok(put(*session_, table, numbered("q", 1)));
  KeyValue p(string_json("p"));
  PageRequest request = all_of(table);
  request.partition = {p.view()};
  Page page;
  request.items_max = 10;
  expect_ok(session_->read(request, page));
  EXPECT_EQ(page.items.size(), 10u);
  EXPECT_TRUE(page.more) << "it ended because of items_max, whatever follows";
  request.items_max = 11;
  expect_ok(session_->read(request, page));
  EXPECT_EQ(page.items.size(), 10u);
  EXPECT_FALSE(page.more);
  size_t size = ddb::item_size(page.items.item(0));
  request.bytes_max = 3 * size;
  expect_ok(session_->read(request, page));
  EXPECT_EQ(page.items.size(), 3u);
  EXPECT_TRUE(page.more);
  request.bytes_max = 3 * size + 1;
  expect_ok(session_->read(request, page));
  EXPECT_EQ(page.items.size(), 4u);
  request.bytes_max = 1;
  expect_ok(session_->read(request, page));
  EXPECT_EQ(page.items.size(), 1u);
  KeyValue nobody(string_json("nobody"));
  request.partition = {nobody.view()};
  expect_ok(session_->read(request, page));
  EXPECT_EQ(page.items.size(), 0u);
  EXPECT_FALSE(page.more);
}

TEST_P(StoreConformance, SegmentsCutAScan) {
  ServedTable table =
      create("t", key_of(Type::kS, Type::kN), {{"g", {{"g", Type::kN}}, {}, false}});
  ModelTable model(table);
  for (int n = 0; n < 200; ++n) {
    std::string item = numbered("p" + std::to_string(n % 40), n,
                                n % 3 ? ",\"g\":" + number_json(std::to_string(n % 7) + ".5") : "");
    model.put(item);
    expect_ok(put(*session_, table, item));
  }
  const ServedIndex* none = nullptr;
  for (const ServedIndex* index : {none, std::as_const(table).indexes.data()}) {
    std::vector<std::string> all;
    int used = 0;
    for (uint32_t segment = 0; segment < 4; ++segment) {
      PageRequest request = all_of(table);
      request.index = index;
      request.segment = segment;
      request.segments = 4;
      std::vector<std::string> part = read_pages(*session_, request, 0);
      used += !part.empty();
      all.insert(all.end(), part.begin(), part.end());
    }
    std::sort(all.begin(), all.end());
    PageRequest whole = all_of(table);
    whole.index = index;
    EXPECT_EQ(all, index ? read_sorted(*session_, whole) : model.all());
    EXPECT_EQ(all.size(), index ? 133u : 200u);
    EXPECT_GE(used, 2) << "one segment has everything";
  }
}

TEST_P(StoreConformance, SqlWritersAreSeen) {
  ServedTable table =
      create("t", key_of(Type::kS, Type::kN), {{"g", {{"g", Type::kS}}, {}, false}});
  expect_ok(put(*session_, table, numbered("p", 1, R"(,"g":{"S":"old"})")));
  expect_ok(database_->sql("UPDATE t SET g = 'new'"));
  std::string changed = canonical(numbered("p", 1, R"(,"g":{"S":"new"})"));
  EXPECT_EQ(get(*session_, table, numbered("p", 1)), changed);
  KeyValue g(string_json("new"));
  PageRequest request = all_of(table);
  request.index = &table.indexes[0];
  request.partition = {g.view()};
  EXPECT_EQ(read_pages(*session_, request), std::vector{changed});
  expect_ok(database_->sql("INSERT INTO t (pk, sk, g) VALUES ('p', 2.5, NULL)"));
  EXPECT_EQ(get(*session_, table, R"({"pk":{"S":"p"},"sk":{"N":"2.5"}})"),
            canonical(R"({"pk":{"S":"p"},"sk":{"N":"2.5"}})"));
  expect_ok(database_->sql("DELETE FROM t"));
  EXPECT_EQ(get(*session_, table, numbered("p", 1)), "");
}

TEST_P(StoreConformance, AnotherStoreSeesTablesAndItems) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  expect_ok(put(*session_, table, numbered("p", 1)));
  auto other = open_store();
  if (other->catalog().value().empty()) {
    // A database in memory has one store: its items must still be there.
    EXPECT_EQ(get(*session_, table, numbered("p", 1)), canonical(numbered("p", 1)));
    return;
  }
  auto session = open_session(*other);
  EXPECT_EQ(get(*session, table, numbered("p", 1)), canonical(numbered("p", 1)));
  expect_ok(put(*session, table, numbered("p", 2)));
  EXPECT_EQ(get(*session_, table, numbered("p", 2)), canonical(numbered("p", 2)));
  uint64_t version = store_->catalog_version().value();
  expect_ok(other->drop_table(table));
  EXPECT_NE(store_->catalog_version().value(), version);
}

TEST_P(StoreConformance, TableSizeIsAboutRight) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  EXPECT_EQ(store_->table_size(table).value().items, 0u);
  for (int n = 0; n < 20; ++n) expect_ok(put(*session_, table, numbered("p", n)));
  auto size = store_->table_size(table);
  ASSERT_TRUE(size.ok()) << size.error().message();
  EXPECT_LE(size->items, 40u);
}

// Every thread adds to one counter, to its own, and moves money: nothing is lost, nothing is seen
// half.
TEST_P(StoreConformance, ThreadsLoseNoUpdate) {
  ServedTable table = create("t", key_of(Type::kS));
  constexpr int kThreads = 8, kRounds = 40, kAccounts = 5;
  auto account = [](int n) {
    return "{\"pk\":" + string_json("account" + std::to_string(n)) + "}";
  };
  auto with = [](std::string key, int64_t value) {
    key.pop_back();
    return key + ",\"v\":" + number_json(std::to_string(value)) + "}";
  };
  auto value = [](ddb::ItemView item) {
    return item ? std::strtoll(std::string(item.find("v").bytes()).c_str(), nullptr, 10) : 0;
  };
  for (int n = 0; n < kAccounts; ++n) expect_ok(put(*session_, table, with(account(n), 100)));
  std::atomic<int> added{0}, half_seen{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto session = open_session(*store_);
      std::mt19937 random(static_cast<unsigned>(t));
      mapping::TestItem counter(R"({"pk":{"S":"counter"}})");
      for (int round = 0; round < kRounds; ++round) {
        ItemRef ref{&table, counter.view()};
        std::optional<mapping::TestItem> next;
        Status status = session->write({&ref, 1}, [&](auto old, auto decisions) -> Status {
          next.emplace(with(R"({"pk":{"S":"counter"}})", value(old[0]) + 1));
          decisions[0] = {Decision::Kind::kPut, next->view()};
          return {};
        });
        if (status.ok()) ++added;
        int from = static_cast<int>(random() % kAccounts),
            to = static_cast<int>((from + 1 + random() % (kAccounts - 1)) % kAccounts);
        mapping::TestItem a(account(from)), b(account(to));
        ItemRef pair[] = {{&table, a.view()}, {&table, b.view()}};
        std::optional<mapping::TestItem> first, second;
        (void)session->write(pair, [&](auto old, auto decisions) -> Status {
          if (value(old[0]) < 7) return Error(ErrorKind::kBadItem, "test.poor", "not enough");
          first.emplace(with(account(from), value(old[0]) - 7));
          second.emplace(with(account(to), value(old[1]) + 7));
          decisions[0] = {Decision::Kind::kPut, first->view()};
          decisions[1] = {Decision::Kind::kPut, second->view()};
          return {};
        });
        std::vector<mapping::TestItem> keys;
        std::vector<ItemRef> refs;
        for (int n = 0; n < kAccounts; ++n) keys.emplace_back(account(n));
        for (auto& key : keys) refs.push_back({&table, key.view()});
        ddb::ItemBatch batch;
        std::vector<ddb::ItemView> found;
        Status read = session->get(refs, batch, found);
        int64_t sum = 0;
        for (ddb::ItemView item : found) sum += value(item);
        if (!read.ok() || sum != 100 * kAccounts) ++half_seen;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(added, kThreads * kRounds);
  EXPECT_EQ(half_seen, 0);
  EXPECT_EQ(get(*session_, table, R"({"pk":{"S":"counter"}})"),
            canonical(with(R"({"pk":{"S":"counter"}})", kThreads * kRounds)));
}

}  // namespace offramp::target
