// What only a real PostgreSQL shows: two processes at once, killed backends, SQL writers' locks,
// keys that no index takes, and that pages come from indexes.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "ddb/wire_json.h"
#include "mapping/mapping_test.h"
#include "target/fiber_store_test.h"
#include "target/postgres/connection.h"
#include "target/postgres/postgres_fixture_test.h"
#include "target/postgres/serve/open.h"
#include "target/served_mapping.h"

namespace offramp::target::postgres {
namespace {

using ddb::Type;
using mapping::TestItem;

// Sessions on plain threads, or on the fibers of one loop, which share connections.
enum class On { kThreads, kFibers };

class PostgresServe : public testing::TestWithParam<On> {
 protected:
  PostgresServe() : url_(PostgresServer::instance().new_database()) {
    store_ = open();
    session_ = session_of(*store_);
  }

  std::unique_ptr<Store> open() {
    auto store = store_entry().open(url_);
    EXPECT_TRUE(store.ok()) << store.error().message();
    if (GetParam() == On::kThreads) return std::move(*store);
    return std::make_unique<FiberStore>(std::move(*store));
  }
  static std::unique_ptr<StoreSession> session_of(Store& store) {
    auto session = store.session();
    EXPECT_TRUE(session.ok()) << session.error().message();
    return std::move(*session);
  }
  ServedTable create(const std::string& name, std::vector<ServedIndex> indexes = {}) {
    ServedTable table;
    table.name = table.id = table.into = name;
    table.key = {.partition = {"pk", Type::kS}, .sort = model::KeyAttribute{"sk", Type::kS}};
    table.indexes = std::move(indexes);
    EXPECT_TRUE(make_mapping(table, store_->limits()).ok());
    Status created = store_->create_table(table, "{}");
    EXPECT_TRUE(created.ok()) << created.error().message();
    return table;
  }
  Connection sql() {
    auto connection = Connection::open(url_);
    EXPECT_TRUE(connection.ok()) << connection.error().message();
    return std::move(*connection);
  }
  std::string ask(const std::string& query) {
    Connection connection = sql();
    auto result = connection.query(query, {}, "ask");
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() && result->rows() > 0 ? std::string(result->text(0, 0)) : "";
  }

  static std::string key(const std::string& pk, const std::string& more = "") {
    return R"({"pk":{"S":")" + pk + R"("},"sk":{"S":"s"})" + more + "}";
  }
  static std::string counter(const std::string& pk, int64_t n) {
    return key(pk, R"(,"n":{"N":")" + std::to_string(n) + "\"}");
  }
  static int64_t count_of(ddb::ItemView item) {
    return item ? std::stoll(std::string(item.find("n").bytes())) : 0;
  }
  static Status put(StoreSession& session, const ServedTable& table, const std::string& json) {
    TestItem item(json);
    ItemRef ref{&table, item.view()};
    Decision decision{Decision::Kind::kPut, item.view()};
    return session.write_blind({&ref, 1}, {&decision, 1});
  }
  static std::string get(StoreSession& session, const ServedTable& table, const std::string& json) {
    TestItem item(json);
    ItemRef ref{&table, item.view()};
    ddb::ItemBatch batch;
    std::vector<ddb::ItemView> found;
    Status status = session.get({&ref, 1}, batch, found);
    EXPECT_TRUE(status.ok()) << status.error().message();
    return status.ok() && found[0] ? ddb::canonical_item_json(found[0]) : "";
  }
  int64_t counted(StoreSession& session, const ServedTable& table, const std::string& pk) {
    std::string json = get(session, table, key(pk));
    return json.empty() ? 0 : count_of(TestItem(json).view());
  }

  // Adds `amounts[i]` to the counter `pks[i]`, all in one write.
  static Status add(StoreSession& session, const ServedTable& table,
                    const std::vector<std::string>& pks, const std::vector<int64_t>& amounts) {
    std::vector<TestItem> keys;
    std::vector<ItemRef> refs;
    for (const std::string& pk : pks) keys.emplace_back(key(pk));
    for (const TestItem& item : keys) refs.push_back({&table, item.view()});
    std::vector<TestItem> items;
    return session.write(refs, [&](auto old, std::span<Decision> out) -> Status {
      items.clear();
      for (size_t i = 0; i < pks.size(); ++i)
        items.emplace_back(counter(pks[i], count_of(old[i]) + amounts[i]));
      for (size_t i = 0; i < pks.size(); ++i) out[i] = {Decision::Kind::kPut, items[i].view()};
      return {};
    });
  }

  const std::string url_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<StoreSession> session_;
};

// A request, or a batch of several, may come while an index is added: it knows the table from
// before and from after.
TEST_P(PostgresServe, OneCallKnowsATableTwice) {
  ServedTable before = create("twice"), after = before;
  ASSERT_TRUE(make_mapping(after, store_->limits()).ok());
  ASSERT_NE(before.mapping, after.mapping);
  for (const char* pk : {"a", "b", "c", "d"})
    ASSERT_TRUE(put(*session_, before, counter(pk, 1)).ok());
  for (int round = 0; round < 3; ++round) {
    std::vector<TestItem> keys, items;
    std::vector<ItemRef> refs;
    for (const char* pk : {"a", "b", "c", "d"}) keys.emplace_back(key(pk));
    for (size_t i = 0; i < keys.size(); ++i)
      refs.push_back({i % 2 ? &after : &before, keys[i].view()});
    ddb::ItemBatch batch;
    std::vector<ddb::ItemView> found;
    ASSERT_TRUE(session_->get(refs, batch, found).ok());
    for (ddb::ItemView item : found) EXPECT_EQ(count_of(item), round + 1);
    Status written = session_->write(refs, [&](auto old, std::span<Decision> out) -> Status {
      items.clear();
      for (size_t i = 0; i < refs.size(); ++i)
        items.emplace_back(
            counter(std::string(1, static_cast<char>('a' + i)), count_of(old[i]) + 1));
      for (size_t i = 0; i < refs.size(); ++i) out[i] = {Decision::Kind::kPut, items[i].view()};
      return {};
    });
    ASSERT_TRUE(written.ok()) << written.error().message();
  }
}

// A table that is known anew: the statements of before are given up in the message of a read that
// sets its transaction's isolation level.
TEST_P(PostgresServe, StatementsAreGivenUpBesideASnapshot) {
  ServedTable table = create("t");
  TestItem one(key("a")), two(key("b"));
  ASSERT_TRUE(put(*session_, table, key("a")).ok());
  for (int round = 0; round < 3; ++round) {
    ItemRef refs[] = {{&table, one.view()}, {&table, two.view()}};
    ddb::ItemBatch batch;
    std::vector<ddb::ItemView> found;
    Status status = session_->get(refs, batch, found);
    ASSERT_TRUE(status.ok()) << status.error().message();
    EXPECT_TRUE(found[0] && !found[1]);
    ASSERT_TRUE(make_mapping(table, store_->limits()).ok());
  }
  EXPECT_NE(get(*session_, table, key("a")), "");
}

TEST_P(PostgresServe, TwoProcessesCountAndTransferExactly) {
  ServedTable table = create("t");
  std::unique_ptr<Store> other = open();
  constexpr int kThreads = 16, kRounds = 60;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto session = session_of(t % 2 ? *other : *store_);
      for (int i = 0; i < kRounds; ++i) {
        Status one = add(*session, table, {"counter"}, {1});
        EXPECT_TRUE(one.ok()) << one.error().message();
        std::string from = "account" + std::to_string((t + i) % 5),
                    to = "account" + std::to_string((t + i * 3 + 1 + (t + i) % 4) % 5);
        if (from == to) continue;
        Status both = add(*session, table, {from, to}, {-7, 7});
        EXPECT_TRUE(both.ok()) << both.error().message();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counted(*session_, table, "counter"), kThreads * kRounds);
  int64_t sum = 0;
  for (int i = 0; i < 5; ++i) sum += counted(*session_, table, "account" + std::to_string(i));
  EXPECT_EQ(sum, 0);
}

TEST_P(PostgresServe, KilledBackendsLoseNothingThatWasAcknowledged) {
  ServedTable table = create("t");
  std::unique_ptr<Store> other = open();
  constexpr int kThreads = 8, kRounds = 80;
  std::atomic<int64_t> acknowledged = 0, unknown = 0;
  std::atomic<int> running = kThreads;
  std::vector<std::unique_ptr<StoreSession>> sessions;
  for (int t = 0; t < kThreads; ++t) sessions.push_back(session_of(t % 2 ? *other : *store_));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        Status status = t < 4 ? add(*sessions[t], table, {"counter"}, {1})
                              : add(*sessions[t], table, {"a", "b"}, {-1, 1});
        if (!status.ok()) {
          EXPECT_EQ(status.error().kind(), ErrorKind::kUnavailable)
              << status.error().code() << " " << status.error().message();
        }
        if (t < 4) ++(status.ok() ? acknowledged : unknown);
      }
      --running;
    });
  Connection killer = sql();
  int killed = 0;
  while (running > 0) {
    auto result = killer.query(
        "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE pid "
        "<> pg_backend_pid() AND datname = current_database() AND state <> 'idle' ORDER BY "
        "random() LIMIT 1) p",
        {}, "kill a backend");
    ASSERT_TRUE(result.ok()) << result.error().message();
    killed += result->text(0, 0) == "1";
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(killed, 0);
  int64_t counter = counted(*session_, table, "counter");
  EXPECT_GE(counter, acknowledged.load());
  EXPECT_LE(counter, acknowledged + unknown);
  EXPECT_EQ(counted(*session_, table, "a") + counted(*session_, table, "b"), 0);
}

// An item goes to and fro between its table and the overflow table, by two processes at once: it
// never is in both.
TEST_P(PostgresServe, AnItemNeverIsInTwoTables) {
  ServedTable table = create("t", {{"g", {{"g", Type::kS}}, {}, false}});
  std::unique_ptr<Store> other = open();
  const std::string short_value = key("p", R"(,"g":{"S":"x"})"),
                    long_value = key("p", R"(,"g":{"S":")" + std::string(3000, 'x') + "\"}");
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      auto session = session_of(t % 2 ? *other : *store_);
      TestItem small(short_value), large(long_value);
      for (int i = 0; i < 25; ++i) {
        bool to_overflow = (t + i) % 3 == 0;
        const TestItem& item = to_overflow ? large : small;
        ItemRef ref{&table, item.view()};
        Decision decision{Decision::Kind::kPut, item.view()};
        Status status = i % 2 ? session->write_blind({&ref, 1}, {&decision, 1})
                              : session->write({&ref, 1}, [&](auto old, auto out) -> Status {
                                  out[0] = decision;
                                  if (old[0] && i % 8 == 0) out[0] = {Decision::Kind::kDelete, {}};
                                  return {};
                                });
        EXPECT_TRUE(status.ok()) << status.error().message();
      }
    });
  // A reader never finds the item missing for being on the move: it is put at the end.
  for (std::thread& thread : threads) thread.join();
  ASSERT_TRUE(put(*session_, table, long_value).ok());
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM offramp_overflow_t"), "1");
  ASSERT_TRUE(put(*session_, table, short_value).ok());
  EXPECT_EQ(ask("SELECT count(*) FROM t"), "1");
  EXPECT_EQ(ask("SELECT count(*) FROM offramp_overflow_t"), "0");
}

TEST_P(PostgresServe, ASqlWritersRowLockIsWaitedFor) {
  ServedTable table = create("t");
  ASSERT_TRUE(put(*session_, table, counter("p", 1)).ok());
  Connection writer = sql();
  ASSERT_TRUE(writer
                  .execute("BEGIN; UPDATE t SET extra = jsonb_set(extra, '{n,N}', '\"41\"')",
                           "change a row")
                  .ok());
  Status added;
  std::thread waiting([&] { added = add(*session_, table, {"p"}, {1}); });
  while (ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
             "current_database()") == "0")
    std::this_thread::yield();
  ASSERT_TRUE(writer.execute("COMMIT", "commit").ok());
  waiting.join();
  ASSERT_TRUE(added.ok()) << added.error().message();
  EXPECT_EQ(counted(*session_, table, "p"), 42);
}

TEST_P(PostgresServe, AConnectionIsKeptWhateverHappens) {
  ServedTable table = create("t");
  ASSERT_TRUE(sql().execute("ALTER TABLE t ADD CHECK (pk <> 'no')", "constrain").ok());
  auto backend = [&] {
    return ask(
        "SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE datname "
        "= current_database() AND pid <> pg_backend_pid() AND query LIKE '%\"sk\"%'");
  };
  ASSERT_TRUE(put(*session_, table, counter("p", 1)).ok());
  std::string before;
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(put(*session_, table, counter("no", 1)).ok());
    EXPECT_FALSE(add(*session_, table, {"p", "no"}, {1, 1}).ok());
    TestItem item(key("p"));
    ItemRef refs[] = {{&table, item.view()}};
    EXPECT_EQ(
        session_
            ->write(refs,
                    [](auto, auto) -> Status { return Error(ErrorKind::kBadItem, "mine", "no"); })
            .error()
            .code(),
        "mine");
    EXPECT_TRUE(add(*session_, table, {"p"}, {1}).ok());
    EXPECT_TRUE(add(*session_, table, {"p", "q"}, {1, 1}).ok());
    EXPECT_EQ(counted(*session_, table, "p"), 3 + 2 * i);
    // The first round connects.
    if (i == 0) before = backend();
    EXPECT_NE(before, "");
    EXPECT_EQ(backend(), before);
  }
}

TEST_P(PostgresServe, AHeldLockHoldsUpItsItemOnly) {
  ServedTable table = create("t");
  for (const char* name : {"held", "free"})
    ASSERT_TRUE(put(*session_, table, counter(name, 0)).ok());
  Connection holder = sql();
  ASSERT_TRUE(holder.execute("BEGIN; UPDATE t SET sk = sk WHERE pk = 'held'", "hold a row").ok());
  constexpr int kThreads = 4;
  std::atomic<int> done = 0;
  std::vector<std::unique_ptr<StoreSession>> sessions;
  for (int t = 0; t < 2 * kThreads; ++t) sessions.push_back(session_of(*store_));
  std::vector<std::thread> held, free;
  for (int t = 0; t < kThreads; ++t) {
    held.emplace_back([&, t] {
      EXPECT_TRUE(add(*sessions[t], table, {"held"}, {1}).ok());
      ++done;
    });
    free.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(add(*sessions[kThreads + t], table, {"free"}, {1}).ok());
        EXPECT_TRUE(
            put(*sessions[kThreads + t], table, counter("own" + std::to_string(t), i)).ok());
      }
    });
  }
  for (std::thread& thread : free) thread.join();
  EXPECT_EQ(done, 0);
  EXPECT_EQ(counted(*session_, table, "free"), 20 * kThreads);
  ASSERT_TRUE(holder.execute("COMMIT", "let it go").ok());
  for (std::thread& thread : held) thread.join();
  EXPECT_EQ(counted(*session_, table, "held"), kThreads);
}

TEST_P(PostgresServe, ALostConnectionIsReplaced) {
  ServedTable table = create("t");
  ASSERT_TRUE(put(*session_, table, counter("p", 1)).ok());
  auto kill = [&] {
    ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> "
        "pg_backend_pid() AND datname = current_database()");
  };
  kill();
  EXPECT_EQ(counted(*session_, table, "p"), 1);
  kill();
  EXPECT_TRUE(store_->catalog_version().ok());
  // What was not sent yet can be sent again.
  while (ask("SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
             "current_database() AND query NOT LIKE '%served_version%'") != "0")
    std::this_thread::yield();
  Status status = add(*session_, table, {"p"}, {1});
  EXPECT_TRUE(status.ok()) << status.error().message();
  EXPECT_EQ(counted(*session_, table, "p"), 2);
}

TEST_P(PostgresServe, KeysThatNoIndexTakesAreServedInOrder) {
  ServedTable table = create("t", {{"g", {{"g", Type::kS}}, {{"h", Type::kS}}, false}});
  const std::string pk(2048, 'p');
  auto item = [&](const std::string& sk, const std::string& h) {
    return R"({"pk":{"S":")" + pk + R"("},"sk":{"S":")" + sk + R"("},"g":{"S":"g"},"h":{"S":")" +
           h + "\"}}";
  };
  std::vector<std::string> expected;
  for (int i = 0; i < 6; ++i) {
    // The odd ones are too long for the table's key, or for the index.
    std::string sk = std::to_string(i) + std::string(i == 1 || i == 3 ? 1000 : 10, 'k');
    std::string h = std::to_string(i) + std::string(i == 5 ? 1024 : 10, 'h');
    expected.push_back(ddb::canonical_item_json(TestItem(item(sk, h)).view()));
    ASSERT_TRUE(put(*session_, table, item(sk, h)).ok());
  }
  EXPECT_EQ(ask("SELECT count(*) FROM offramp_overflow_t"), "3");
  TestItem values(R"({"g":{"S":"g"},"pk":{"S":")" + pk + "\"}}");
  for (bool by_index : {false, true})
    for (bool forward : {true, false}) {
      PageRequest request;
      request.table = &table;
      request.index = by_index ? &table.indexes[0] : nullptr;
      request.partition = {values.view().find(by_index ? "g" : "pk")};
      request.forward = forward;
      request.items_max = 2;
      std::vector<std::string> read;
      std::unique_ptr<TestItem> last;
      Page page;
      do {
        request.after = last ? last->view() : ddb::ItemView();
        Status status = session_->read(request, page);
        ASSERT_TRUE(status.ok()) << status.error().message();
        for (size_t i = 0; i < page.items.size(); ++i)
          read.push_back(ddb::canonical_item_json(page.items.item(i)));
        if (!read.empty()) last = std::make_unique<TestItem>(read.back());
      } while (page.more);
      if (!forward) std::reverse(read.begin(), read.end());
      EXPECT_EQ(read, expected);
    }
  for (const std::string& json : expected) EXPECT_EQ(get(*session_, table, json), json);
}

TEST_P(PostgresServe, PagesComeFromIndexesNotFromSorting) {
  ServedTable table = create("t", {{"g", {{"g", Type::kS}}, {{"n", Type::kN}}, false}});
  ASSERT_TRUE(sql()
                  .execute("INSERT INTO t (pk, sk, g, n) SELECT 'p' || i % 10, lpad(i::text, 6, "
                           "'0'), 'g' || i % 10, i FROM generate_series(1, 20000) i",
                           "fill")
                  .ok());
  TestItem values(R"({"pk":{"S":"p3"},"g":{"S":"g3"},"low":{"N":"10000"}})");
  for (const ServedIndex* index : std::vector<const ServedIndex*>{nullptr, &table.indexes[0]})
    for (bool forward : {true, false}) {
      PageRequest request;
      request.table = &table;
      request.index = index;
      request.partition = {values.view().find(index ? "g" : "pk")};
      if (index) request.lower = SortBound{{values.view().find("low")}, false};
      request.forward = forward;
      request.items_max = 10;
      Page page;
      session_ = session_of(*store_);
      ASSERT_TRUE(session_->read(request, page).ok());
      EXPECT_EQ(page.items.size(), 10u);
    }
  session_.reset();
  store_.reset();  // its connections tell their statistics when they end
  auto waiting = [&] {
    return ask("SELECT idx_scan FROM pg_stat_user_indexes WHERE relname = 't' AND indexrelname <> "
               "'t_pkey'") != "2";
  };
  for (int tries = 0; waiting() && tries < 2000; ++tries) std::this_thread::yield();
  ASSERT_FALSE(waiting()) << "an index was not used";
  EXPECT_LT(std::stoi(ask("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname = "
                          "'t' AND indexrelname <> 't_pkey'")),
            100);
}

// Templates, typed key columns and attributes in `extra` are ordered by indexes that attach()
// makes.
TEST_P(PostgresServe, PagesOfAPlanComeFromIndexes) {
  model::TableMapping orders, events;
  orders.into = "orders";
  orders.key = {{"pk", "CUSTOMER#{customer}", {}}, {"sk", "ORDER#{number}", {}}};
  events.into = "events";
  events.key = {{"pk", "LOG#{log}", {}}, {"sk", "AT#{at}", {}}};
  events.columns = {{"at", {}, model::ColumnType::kTimestamptz, {}, {}, {}}};
  ServedTable table;
  table.name = table.id = "plan";
  table.key = {.partition = {"pk", Type::kS}, .sort = model::KeyAttribute{"sk", Type::kS}};
  table.indexes = {{"state", {{"state", Type::kS}}, {{"rank", Type::kN}}, false}};
  table.made_here = false;
  auto mapping = mapping::CompiledMapping::compile({orders, events}, table.key, store_->limits());
  ASSERT_TRUE(mapping.ok()) << mapping.error().message();
  table.mapping = *mapping;
  ASSERT_TRUE(
      sql()
          .execute(
              "CREATE TABLE orders (customer text COLLATE \"C\", number text COLLATE \"C\", extra "
              "jsonb, PRIMARY KEY (customer, number));"
              "CREATE TABLE events (log text COLLATE \"C\", at timestamptz, extra jsonb, PRIMARY "
              "KEY (log, at));"
              "CREATE TABLE offramp_overflow (key_hash bytea PRIMARY KEY, reason text, item jsonb);"
              "INSERT INTO orders SELECT 'c' || i % 5, lpad(i::text, 6, '0'), jsonb_build_object("
              "'state', jsonb_build_object('S', 's' || i % 5), 'rank', jsonb_build_object('N', "
              "i::text)) FROM generate_series(1, 10000) i;"
              "INSERT INTO events SELECT 'l' || i % 5, timestamptz '2024-01-01 00:00Z' + i * "
              "interval '0.5 s', NULL FROM generate_series(1, 10000) i",
              "make a plan's tables")
          .ok());
  Status attached = store_->attach(table);
  ASSERT_TRUE(attached.ok()) << attached.error().message();
  ASSERT_TRUE(store_->attach(table).ok()) << "again: everything is there";

  TestItem values(
      R"({"orders":{"S":"CUSTOMER#c3"},"events":{"S":"LOG#l3"},"state":{"S":"s3"},)"
      R"("order":{"S":"ORDER#005000"},"event":{"S":"AT#2024-01-01T01:00:00.5Z"},"rank":{"N":"5000"}})");
  auto read = [&](const char* partition, const char* after, const ServedIndex* index) {
    PageRequest request;
    request.table = &table;
    request.index = index;
    request.partition = {values.view().find(partition)};
    request.lower = SortBound{{values.view().find(after)}, true};
    request.items_max = 2;
    Page page;
    Status status = session_->read(request, page);
    EXPECT_TRUE(status.ok()) << status.error().message();
    std::string out;
    for (size_t i = 0; i < page.items.size(); ++i)
      out += std::string(page.items.item(i).find("sk").bytes()) + " ";
    return out;
  };
  EXPECT_EQ(read("orders", "order", nullptr), "ORDER#005003 ORDER#005008 ");
  EXPECT_EQ(read("events", "event", nullptr),
            "AT#2024-01-01T01:00:01.500Z AT#2024-01-01T01:00:04Z ");
  EXPECT_EQ(read("state", "rank", &table.indexes[0]), "ORDER#005003 ORDER#005008 ");
  session_.reset();
  store_.reset();  // its connections tell their statistics when they end
  auto waiting = [&] {
    return ask("SELECT count(*) FROM pg_stat_user_indexes WHERE idx_scan > 0 AND relname IN "
               "('orders', 'events')") < "3";
  };
  for (int tries = 0; waiting() && tries < 2000; ++tries) std::this_thread::yield();
  ASSERT_FALSE(waiting()) << "an index was not used";
  EXPECT_LT(std::stoi(ask("SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname IN "
                          "('orders', 'events')")),
            100);
}

// A large table that PostgreSQL has not looked at: its rows are estimated from the first ones.
TEST_P(PostgresServe, TheSizeOfALargeTableIsEstimated) {
  ServedTable table = create("l'arge");
  const std::string& rows = table.mapping->tables()[0].name;
  Connection connection = sql();
  std::string quoted = "\"" + rows + "\"";
  ASSERT_TRUE(
      connection.execute("ALTER TABLE " + quoted + " SET (autovacuum_enabled = off)", "").ok());
  ASSERT_TRUE(connection
                  .execute("INSERT INTO " + quoted +
                               " (pk, sk, extra) SELECT g, repeat('x', 400), '{}' FROM "
                               "generate_series(1, 50000) g",
                           "")
                  .ok());
  ASSERT_EQ(ask("SELECT reltuples::bigint FROM pg_class WHERE relname = 'l''arge'"), "-1");
  auto size = store_->table_size(table);
  ASSERT_TRUE(size.ok()) << size.error().message();
  EXPECT_NEAR(static_cast<double>(size->items), 50000, 2500);
  EXPECT_GT(size->bytes, 50000u * 400);
  ASSERT_TRUE(connection.execute("ANALYZE " + quoted, "").ok());
  EXPECT_NEAR(static_cast<double>(store_->table_size(table).value().items), 50000, 500);
}

TEST_P(PostgresServe, AnOwnersConstraintRefusesAnItem) {
  ServedTable table = create("t", {{"n", {{"n", Type::kN}}, {}, false}});
  ASSERT_TRUE(sql().execute("ALTER TABLE t ADD CHECK (n > 0), ADD UNIQUE (n)", "constrain").ok());
  auto item = [](const char* pk, const char* n) {
    return key(pk, std::string(R"(,"n":{"N":")") + n + "\"}");
  };
  EXPECT_TRUE(put(*session_, table, item("a", "1")).ok());
  for (const std::string& json : {item("b", "-1"), item("b", "1")}) {
    Status blind = put(*session_, table, json);
    ASSERT_FALSE(blind.ok());
    EXPECT_EQ(blind.error().code(), "store.refused");
    TestItem refused(json);
    ItemRef ref{&table, refused.view()};
    Status decided = session_->write({&ref, 1}, [&](auto, auto out) -> Status {
      out[0] = {Decision::Kind::kPut, refused.view()};
      return {};
    });
    ASSERT_FALSE(decided.ok());
    EXPECT_EQ(decided.error().code(), "store.refused");
    EXPECT_EQ(get(*session_, table, key("b")), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, PostgresServe, testing::Values(On::kThreads));
INSTANTIATE_TEST_SUITE_P(Fibers, PostgresServe, testing::Values(On::kFibers));

}  // namespace
}  // namespace offramp::target::postgres
