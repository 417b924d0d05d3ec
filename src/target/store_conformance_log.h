// The change log's part of the suite that every store passes. A store's own test says
//   INSTANTIATE_TEST_SUITE_P(Sqlite, StoreLog, testing::Values(&make_database));
// and its database knows sql_with_origin().
#pragma once

#include <set>

#include "target/store_conformance_log_fixture.h"
#include "target/store_conformance_test.h"

namespace offramp::target {

TEST_P(StoreLog, EveryChangeIsToldOnceWithBothItems) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  expect_ok(put(*session_, table, numbered("p", 9)));
  ChangeLogName log = begin(table);
  EXPECT_TRUE(read_all(table, log).empty()) << "what was there before is no change";
  int64_t before = wall_ms();
  std::string one = numbered("p", 1, R"(,"a":{"S":"x"})"),
              two = numbered("p", 1, R"(,"b":{"L":[{"N":"1.50"},{"NULL":true}]})"),
              bare = numbered("p", 2);
  expect_ok(put(*session_, table, one));
  expect_ok(put(*session_, table, two));
  expect_ok(put(*session_, table, bare));
  expect_ok(remove(*session_, table, numbered("p", 1)));
  expect_ok(remove(*session_, table, numbered("p", 1)));
  expect_ok(remove(*session_, table, numbered("p", 9)));
  std::vector<SeenChange> changes = read_all(table, log);
  EXPECT_EQ(told(changes), (std::vector{step("", one), step(one, two), step("", bare),
                                        step(two, ""), step(numbered("p", 9), "")}));
  for (const SeenChange& change : changes) {
    EXPECT_GE(change.at_ms, before - 1);
    EXPECT_LE(change.at_ms, wall_ms() + 1);
    EXPECT_EQ(change.origin, "");
  }
}

TEST_P(StoreLog, WritesThatChangeNothingAreNoChanges) {
  ServedTable table =
      create("t", key_of(Type::kS, Type::kN), {{"g", {{"g", Type::kS}}, {}, false}});
  std::string item = numbered("p", 1, R"(,"a":{"M":{"x":{"N":"1"},"y":{"BOOL":true}}})"),
              indexed = numbered("p", 2, R"(,"g":{"S":"g"})");
  expect_ok(put(*session_, table, item));
  expect_ok(put(*session_, table, indexed));
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, item));
  expect_ok(put(*session_, table, indexed));
  expect_ok(remove(*session_, table, numbered("p", 3)));
  expect_ok(database_->sql("UPDATE t SET pk = pk, sk = sk, g = g, extra = extra"));
  expect_ok(database_->sql("DELETE FROM t WHERE pk = 'nobody'"));
  EXPECT_TRUE(read_all(table, log).empty());
}

TEST_P(StoreLog, ATransactionIsToldWholeOrNotAtAll) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN)),
              other = create("other", key_of(Type::kS, Type::kN));
  ChangeLogName log = begin(table), other_log = begin(other);
  mapping::TestItem one(numbered("p", 1)), two(numbered("p", 2)), elsewhere(numbered("o", 1));
  ItemRef refs[] = {{&table, one.view()}, {&other, elsewhere.view()}, {&table, two.view()}};
  auto put_all = [&](auto, auto decisions) -> Status {
    decisions[0] = {Decision::Kind::kPut, one.view()};
    decisions[1] = {Decision::Kind::kPut, elsewhere.view()};
    decisions[2] = {Decision::Kind::kPut, two.view()};
    return {};
  };
  expect_error(session_->write(refs,
                               [&](auto old, auto decisions) -> Status {
                                 TRY(put_all(old, decisions));
                                 return Error(ErrorKind::kBadItem, "test.no", "no");
                               }),
               ErrorKind::kBadItem, "test.no");
  (void)database_->sql("BEGIN; INSERT INTO t (pk, sk) VALUES ('p', 7); ROLLBACK");
  EXPECT_TRUE(read_all(table, log).empty()) << "what is taken back was never made";
  EXPECT_TRUE(read_all(other, other_log).empty());
  expect_ok(session_->write(refs, put_all));
  std::vector<std::string> seen = told(read_all(table, log));
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, (std::vector{step("", numbered("p", 1)), step("", numbered("p", 2))}));
  EXPECT_EQ(told(read_all(other, other_log)), std::vector{step("", numbered("o", 1))})
      << "each log has its own table's changes";
}

TEST_P(StoreLog, SqlWritersAreTold) {
  ServedTable table =
      create("t", key_of(Type::kS, Type::kN), {{"g", {{"g", Type::kS}}, {}, false}});
  std::string one = numbered("p", 1, R"(,"g":{"S":"old"},"x":{"SS":["a","b"]})"),
              changed = numbered("p", 1, R"(,"g":{"S":"new"},"x":{"SS":["a","b"]})"),
              made = R"({"pk":{"S":"p"},"sk":{"N":"2.5"}})";
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, one));
  expect_ok(database_->sql("UPDATE t SET g = 'new'"));
  expect_ok(database_->sql("INSERT INTO t (pk, sk, g) VALUES ('p', 2.5, NULL)"));
  expect_ok(database_->sql("DELETE FROM t WHERE sk = 1"));
  EXPECT_EQ(told(read_all(table, log)),
            (std::vector{step("", one), step(one, changed), step("", made), step(changed, "")}));
}

TEST_P(StoreLog, AnotherKeyIsARemovalAndAnInsertion) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  std::string from = numbered("p", 1, R"(,"x":{"S":"y"})"),
              to = numbered("q", 1, R"(,"x":{"S":"y"})");
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, from));
  expect_ok(database_->sql("UPDATE t SET pk = 'q'"));
  EXPECT_EQ(told(read_all(table, log)),
            (std::vector{step("", from), step(from, ""), step("", to)}));
}

TEST_P(StoreLog, AWriterMaySayWhoItIs) {
  ServedTable table = create("t", key_of(Type::kS));
  ChangeLogName log = begin(table);
  expect_ok(session_->set_origin("offramp:ttl"));
  expect_ok(put(*session_, table, R"({"pk":{"S":"a"}})"));
  mapping::TestItem key(R"({"pk":{"S":"a"}})");
  ItemRef ref{&table, key.view()};
  expect_ok(session_->write({&ref, 1}, [](auto, auto decisions) -> Status {
    decisions[0] = {Decision::Kind::kDelete, {}};
    return {};
  }));
  auto other = open_session(*store_);
  expect_ok(put(*other, table, R"({"pk":{"S":"b"}})"));
  expect_ok(session_->set_origin(""));
  expect_ok(put(*session_, table, R"({"pk":{"S":"c"}})"));
  expect_ok(database_->sql_with_origin("O'Brien", "DELETE FROM t WHERE pk = 'c'"));
  expect_ok(database_->sql("DELETE FROM t WHERE pk = 'b'"));
  std::vector<std::string> origins;
  for (const SeenChange& change : read_all(table, log)) origins.push_back(change.origin);
  EXPECT_EQ(origins,
            (std::vector<std::string>{"offramp:ttl", "offramp:ttl", "", "", "O'Brien", ""}));
}

TEST_P(StoreLog, ItemsOfEveryKindComeBackExactly) {
  ServedTable table =
      create("t", key_of(Type::kB, Type::kN), {{"g", {{"g", Type::kN}}, {{"h", Type::kS}}, false}});
  ChangeLogName log = begin(table);
  std::vector<std::string> items;
  std::string big = ",\"big\":" + string_json(std::string(390'000, 'b'));
  for (const char* number : {"0", "-1", "9223372036854775808", "1e-130", "9.9e125",
                             "12345678901234567890123456789012345678", "0.1"})
    for (const std::string& more :
         {std::string(R"(,"g":{"N":"12345678901234567890.5"},"h":{"S":"\u0000x"})"),
          std::string(R"(,"g":{"S":"not in the index"},"h":{"NULL":true})"),
          std::string(R"(,"s":{"BS":["AA==","/w=="]},"m":{"M":{"":{"NS":["1","2.5"]}}})")})
      items.push_back(R"({"pk":{"B":"AP8="},"sk":)" + number_json(number) + more + "}");
  items.push_back(R"({"pk":{"B":"AA=="},"sk":{"N":"1"})" + big + "}");
  std::map<std::string, std::string> there;
  std::vector<std::string> expected;
  ModelTable model(table);
  for (const std::string& item : items) {
    std::string& old = there[model.key_of(mapping::TestItem(item).view())];
    expected.push_back(step(old, item));
    old = item;
    expect_ok(put(*session_, table, item));
  }
  EXPECT_EQ(told(read_all(table, log)), expected);
}

// Some stores keep an item elsewhere when it has what their columns do not take; nobody sees that.
TEST_P(StoreLog, AnItemThatMovesInsideTheStoreIsOneChange) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName log = begin(table);
  std::string plain = numbered("p", 1, R"(,"v":{"S":"plain"})"),
              zero = numbered("p", 1, R"(,"v":{"S":"a\u0000b"},"n\u0000":{"N":"1"})"),
              other = numbered("p", 1, R"(,"v":{"S":"c\u0000"})");
  std::string odd_key = R"({"pk":{"S":"k\u0000"},"sk":{"N":"1"}})",
              odd_more = R"({"pk":{"S":"k\u0000"},"sk":{"N":"1"},"v":{"S":"x"}})";
  for (const std::string* item : {&plain, &zero, &other, &plain, &odd_key, &odd_more})
    expect_ok(put(*session_, table, *item));
  expect_ok(put(*session_, table, odd_more));
  expect_ok(put(*session_, table, other));
  expect_ok(remove(*session_, table, odd_key));
  expect_ok(remove(*session_, table, plain));
  EXPECT_EQ(told(read_all(table, log)),
            (std::vector{step("", plain), step(plain, zero), step(zero, other), step(other, plain),
                         step("", odd_key), step(odd_key, odd_more), step(plain, other),
                         step(odd_more, ""), step(other, "")}));
}

TEST_P(StoreLog, PagesAreBoundedAndEndAtTheMark) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName log = begin(table);
  std::string payload = ",\"v\":" + string_json(std::string(10'000, 'v'));
  for (int n = 0; n < 20; ++n) expect_ok(put(*session_, table, numbered("p", n, payload)));
  uint64_t cut = mark(log);
  for (int n = 20; n < 30; ++n) expect_ok(put(*session_, table, numbered("p", n, payload)));
  uint64_t last = mark(log);
  EXPECT_GT(last, cut);
  std::vector<SeenChange> first, rest, by_one, by_bytes;
  read_on(*session_, table, log, 0, cut, first);
  EXPECT_EQ(first.size(), 20u) << "a mark is a place between changes";
  for (const SeenChange& change : first) EXPECT_NE(change.number, cut) << "and no change has it";
  read_on(*session_, table, log, cut, last, rest);
  EXPECT_EQ(rest.size(), 10u);
  read_on(*session_, table, log, 0, last, by_one, 1);
  EXPECT_EQ(by_one.size(), 30u);
  ChangePage page;
  expect_ok(session_->changes(table, log, 0, last, 1000, 50'000, page));
  EXPECT_GE(page.changes.size(), 4u);
  EXPECT_LE(page.changes.size(), 7u) << "the page ends at about so many bytes";
  expect_ok(session_->changes(table, log, 0, last, 1000, 1, page));
  EXPECT_EQ(page.changes.size(), 1u) << "but never without having gone on";
  read_on(*session_, table, log, 0, last, by_bytes, 1000, 25'000);
  EXPECT_EQ(told(by_bytes), told(by_one));
  expect_ok(session_->changes(table, log, last, last, 1000, 1 << 20, page));
  EXPECT_EQ(page.next, last);
  EXPECT_TRUE(page.changes.empty());
}

TEST_P(StoreLog, TheRangeSaysWhatIsKept) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName log = begin(table);
  auto range = store_->log_range(log);
  ASSERT_TRUE(range.ok()) << range.error().message();
  EXPECT_EQ(range->first, range->next);
  for (int n = 0; n < 5; ++n) expect_ok(put(*session_, table, numbered("p", n)));
  std::vector<SeenChange> changes = read_all(table, log);
  ASSERT_EQ(changes.size(), 5u);
  range = store_->log_range(log);
  EXPECT_EQ(range->first, changes.front().number);
  EXPECT_GT(range->next, changes.back().number);
  expect_ok(put(*session_, table, numbered("p", 5)));
  EXPECT_GE(read_all(table, log).back().number, range->next);
}

TEST_P(StoreLog, WhatIsOldIsTrimmed) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName log = begin(table);
  for (int n = 0; n < 5; ++n) expect_ok(put(*session_, table, numbered("p", n)));
  std::vector<SeenChange> before = read_all(table, log);
  ASSERT_EQ(before.size(), 5u);
  EXPECT_EQ(store_->trim_log(log, before.front().at_ms).value(), 0u) << "made before, not at";
  EXPECT_EQ(read_all(table, log).size(), 5u);
  uint64_t trimmed = 0;
  for (;;) {
    uint64_t now = store_->trim_log(log, before.back().at_ms + 1).value();
    trimmed += now;
    if (now == 0) break;
  }
  EXPECT_EQ(trimmed, 5u);
  EXPECT_TRUE(read_all(table, log).empty());
  auto range = store_->log_range(log);
  EXPECT_EQ(range->first, range->next);
  EXPECT_GT(range->next, before.back().number) << "numbers are not given out again";
  expect_ok(put(*session_, table, numbered("p", 7)));
  std::vector<SeenChange> after = read_all(table, log);
  ASSERT_EQ(after.size(), 1u);
  EXPECT_GE(after[0].number, range->next);
  EXPECT_EQ(store_->log_range(log).value().first, after[0].number);
}

TEST_P(StoreLog, SwitchedOffAndOnItIsAnotherLog) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName first = begin(table, "first");
  EXPECT_TRUE(is_on(first));
  expect_ok(put(*session_, table, numbered("p", 1)));
  end(table, first);
  EXPECT_FALSE(is_on(first));
  expect_ok(put(*session_, table, numbered("p", 2)));
  expect_ok(database_->sql("INSERT INTO t (pk, sk) VALUES ('p', 7)"));
  ChangeLogName second = begin(table, "second");
  expect_ok(put(*session_, table, numbered("p", 3)));
  EXPECT_EQ(told(read_all(table, first)), std::vector{step("", numbered("p", 1))});
  EXPECT_EQ(told(read_all(table, second)), std::vector{step("", numbered("p", 3))});
  EXPECT_FALSE(is_on(first));
  EXPECT_TRUE(is_on(second));
  EXPECT_EQ(store_->logs().value().size(), 2u);
  expect_ok(store_->drop_log(first));
  EXPECT_EQ(store_->logs().value().size(), 1u);
  auto gone = store_->log_range(first);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), "store.no_log");
  ChangePage page;
  expect_error(session_->changes(table, first, 0, 10, 10, 1000, page), ErrorKind::kConfig,
               "store.no_log");
  EXPECT_EQ(read_all(table, second).size(), 1u);
}

TEST_P(StoreLog, ADroppedTablesLogCanStillBeRead) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, numbered("p", 1)));
  expect_ok(store_->drop_table(table));
  EXPECT_FALSE(is_on(log));
  EXPECT_EQ(told(read_all(table, log)), std::vector{step("", numbered("p", 1))})
      << "that the table went away removed no item";
  ServedTable again = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName log_again = begin(again);
  expect_ok(put(*session_, again, numbered("p", 2)));
  EXPECT_EQ(read_all(table, log).size(), 1u);
  EXPECT_EQ(read_all(again, log_again).size(), 1u);
  expect_ok(store_->drop_log(log));
  EXPECT_EQ(store_->logs().value().size(), 1u);
  EXPECT_EQ(read_all(again, log_again).size(), 1u);
}

TEST_P(StoreLog, EntriesAreChangedByOneAtATime) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogEntry entry{log_name(table), "{\"shards\":1}", true};
  uint64_t version = store_->logs_version().value(), catalog = store_->catalog_version().value();
  expect_error(store_->begin_log(table, entry, "{\"other\":1}", "{}"), ErrorKind::kConflict,
               "store.catalog_changed");
  EXPECT_TRUE(store_->logs().value().empty());
  EXPECT_EQ(store_->logs_version().value(), version) << "a refused change is none";
  expect_ok(store_->begin_log(table, entry, entry_json(table), "{\"stream\":\"one\"}"));
  EXPECT_NE(store_->logs_version().value(), version);
  EXPECT_NE(store_->catalog_version().value(), catalog);
  EXPECT_EQ(store_->catalog().value().at(0).json, "{\"stream\":\"one\"}");
  ASSERT_EQ(store_->logs().value().size(), 1u);
  EXPECT_EQ(store_->logs().value()[0].json, entry.json);
  EXPECT_EQ(store_->logs().value()[0].name.table_id, table.id);
  EXPECT_EQ(store_->logs().value()[0].name.label, "one");

  version = store_->logs_version().value();
  expect_error(store_->update_log(entry.name, "{}", "{\"shards\":2}"), ErrorKind::kConflict,
               "store.catalog_changed");
  EXPECT_EQ(store_->logs_version().value(), version);
  expect_ok(store_->update_log(entry.name, entry.json, "{\"shards\":2}"));
  EXPECT_NE(store_->logs_version().value(), version);
  EXPECT_EQ(store_->logs().value()[0].json, "{\"shards\":2}");
  expect_error(store_->end_log(table, entry.name, entry_json(table), "{}"), ErrorKind::kConflict,
               "store.catalog_changed");
  EXPECT_TRUE(is_on(entry.name)) << "and nothing is half done";
  expect_ok(put(*session_, table, numbered("p", 1)));
  EXPECT_EQ(read_all(table, entry.name).size(), 1u);
  version = store_->logs_version().value();
  expect_ok(store_->end_log(table, entry.name, "{\"stream\":\"one\"}", entry_json(table)));
  EXPECT_NE(store_->logs_version().value(), version);
  EXPECT_EQ(store_->catalog().value().at(0).json, entry_json(table));
  expect_error(store_->update_log({table.id, "nobody"}, "{}", "{}"), ErrorKind::kConflict,
               "store.catalog_changed");
}

TEST_P(StoreLog, AnotherProcessWritesAndReadsTheSameLog) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  auto other = open_store();
  auto session = open_session(*other);
  // It has written before the log begins, so its statements are ready.
  expect_ok(put(*session, table, numbered("p", 0)));
  ChangeLogName log = begin(table);
  expect_ok(put(*session, table, numbered("p", 1)));
  expect_ok(put(*session_, table, numbered("p", 2)));
  EXPECT_EQ(told(read_all(table, log)),
            (std::vector{step("", numbered("p", 1)), step("", numbered("p", 2))}));
  uint64_t cut = other->log_mark(log).value();
  EXPECT_EQ(other->logs().value().size(), 1u);
  std::vector<SeenChange> seen;
  read_on(*session, table, log, 0, cut, seen);
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_LT(cut, mark(log));
}

// Writers with transactions of one to three of a few items, while somebody reads on: each item's
// changes are a chain, none is missing, and nothing appears behind what was read.
TEST_P(StoreLog, WritersTogetherMakeOneOrder) {
  ServedTable table = create("t", key_of(Type::kS, Type::kN));
  ChangeLogName log = begin(table);
  constexpr int kThreads = 8, kRounds = 60, kItems = 5;
  std::atomic<int> running{kThreads}, written{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto session = open_session(*store_);
      std::mt19937 random(static_cast<unsigned>(seed_) + static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        std::vector<mapping::TestItem> items;
        std::set<int> used;
        for (size_t count = 1 + random() % 3; used.size() < count;)
          used.insert(static_cast<int>(random() % kItems));
        for (int n : used)
          items.emplace_back(numbered(
              "p", n, ",\"v\":" + string_json(std::to_string(t) + "/" + std::to_string(round))));
        std::vector<ItemRef> refs;
        for (const auto& item : items) refs.push_back({&table, item.view()});
        bool removes = random() % 4 == 0, fails = random() % 5 == 0;
        int changed = 0;
        Status status = session->write(refs, [&](auto old, auto decisions) -> Status {
          changed = 0;
          for (size_t i = 0; i < items.size(); ++i) {
            decisions[i] = removes ? Decision{Decision::Kind::kDelete, {}}
                                   : Decision{Decision::Kind::kPut, items[i].view()};
            changed += !removes || old[i];
          }
          if (fails) return Error(ErrorKind::kBadItem, "test.no", "no");
          return {};
        });
        if (status.ok()) written += changed;
      }
      --running;
    });
  std::vector<SeenChange> seen = read_beside(table, log, threads, running);
  EXPECT_EQ(seen.size(), static_cast<size_t>(written));
  std::map<std::string, std::string> there = ends_of_chains(table, seen);
  for (int n = 0; n < kItems; ++n)
    EXPECT_EQ(get(*session_, table, numbered("p", n)), there[key_text(table, numbered("p", n))]);
}

}  // namespace offramp::target
