// Change logs where only a real PostgreSQL shows what happens: transactions that end in another
// order than they began, beginning beside writers, many writers at once.
#include <atomic>
#include <map>
#include <random>

#include "target/postgres/ddl.h"
#include "target/postgres/serve/change_log_fixture_test.h"

namespace offramp::target::postgres {
namespace {

using mapping::TestItem;

// The open transaction is the newest that has begun: no snapshot lists it as under way.
TEST_F(PostgresLog, NothingIsToldThatALowerNumberMayComeBefore) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  expect_ok(put(*session_, table, item("a", 1)));
  std::vector<Seen> seen;
  uint64_t first = read_page(*session_, table, log, 0, store_->log_mark(log).value(), seen);
  ASSERT_EQ(seen.size(), 1u);
  Connection slow = sql();
  expect_ok(slow.execute("BEGIN; INSERT INTO t (pk, sk) VALUES ('slow', 1)", "begin"));
  uint64_t until = store_->log_mark(log).value();
  EXPECT_LT(read_page(*session_, table, log, first, until, seen), until - 1);
  expect_ok(put(*session_, table, item("b", 1)));
  until = store_->log_mark(log).value();
  std::unique_ptr<Store> other = open();
  std::unique_ptr<StoreSession> others = session_of(*other);
  for (StoreSession* reader : {session_.get(), others.get()}) {
    EXPECT_LT(read_page(*reader, table, log, first, until, seen), until);
    EXPECT_EQ(seen.size(), 1u) << "the later one would be told before the earlier";
  }
  expect_ok(slow.execute("COMMIT", "commit"));
  while (first < until) first = read_page(*session_, table, log, first, until, seen);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[1].new_item, canonical(item("slow", 1)));
  EXPECT_EQ(seen[2].new_item, canonical(item("b", 1)));
}

TEST_F(PostgresLog, OnlyWritersHoldItBackAndOnlyFromTheirNumberOn) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  Connection reader = sql(), elsewhere = sql();
  expect_ok(reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM t", "read"));
  expect_ok(put(*session_, table, item("a", 1)));
  std::vector<Seen> seen;
  uint64_t mark = store_->log_mark(log).value();
  uint64_t next = 0;
  while (next < mark) next = read_page(*session_, table, log, next, mark, seen);
  EXPECT_EQ(seen.size(), 1u) << "who reads holds nothing back";
  expect_ok(elsewhere.execute("CREATE TABLE other (n int); BEGIN; INSERT INTO other VALUES (1)",
                              "write elsewhere"));
  expect_ok(put(*session_, table, item("b", 1)));
  uint64_t until = store_->log_mark(log).value();
  EXPECT_EQ(read_page(*session_, table, log, next, until, seen), next);
  std::vector<Seen> again;
  EXPECT_EQ(read_page(*session_, table, log, 0, mark, again), mark) << "what was known stays known";
  expect_ok(elsewhere.execute("ROLLBACK", "roll back"));
  while (next < until) next = read_page(*session_, table, log, next, until, seen);
  EXPECT_EQ(seen.back().new_item, canonical(item("b", 1)));
}

TEST_F(PostgresLog, BeginningWaitsForOpenWriters) {
  ServedTable table = create("t");
  Connection writer = sql();
  expect_ok(writer.execute("BEGIN; INSERT INTO t (pk, sk) VALUES ('before', 1)", "write"));
  ChangeLogName log;
  std::thread beginning([&] { log = begin(table); });
  wait_for_a_waiter();
  expect_ok(writer.execute("INSERT INTO t (pk, sk) VALUES ('before', 2); COMMIT", "commit"));
  beginning.join();
  run("INSERT INTO t (pk, sk) VALUES ('after', 1)");
  EXPECT_EQ(told(table, log), std::vector{step("", item("after", 1))});
}

TEST_F(PostgresLog, BeginningGivesUpWhenAWriterStaysOpen) {
  ServedTable table = create("t");
  Connection writer = sql();
  expect_ok(writer.execute("BEGIN; INSERT INTO t (pk, sk) VALUES ('open', 1)", "write"));
  Status status = store_->begin_log(table, {{table.id, "one"}, "{}", true}, "{}", "{\"on\":1}");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "store.conflict");
  EXPECT_TRUE(store_->logs().value().empty());
  EXPECT_EQ(store_->catalog().value()[0].json, "{}");
  expect_ok(writer.execute("COMMIT", "commit"));
  begin(table);
}

TEST_F(PostgresLog, OnlyOneLogIsOnAndOnlyAnEndedOneIsDropped) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  Status second = store_->begin_log(table, {{table.id, "two"}, "{}", true}, "{}", "{}");
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), "store.catalog_changed");
  Status early = store_->drop_log(log);
  ASSERT_FALSE(early.ok());
  EXPECT_EQ(early.error().code(), "store.log_on");
  expect_ok(put(*session_, table, item("a", 1)));
  EXPECT_EQ(told(table, log).size(), 1u);
  expect_ok(store_->drop_table(table));
  expect_ok(store_->drop_log(log));
  Status again = store_->drop_log(log);
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), "store.no_log");
  EXPECT_EQ(ask("SELECT count(*) FROM pg_class WHERE relname LIKE '\\_offramp\\_log%'"), "0");
  EXPECT_EQ(ask("SELECT count(*) FROM pg_proc WHERE proname LIKE '\\_offramp\\_log%'"), "0");
}

TEST_F(PostgresLog, TrimmingIsBoundedAndLeavesNoHoles) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  // By turns in both of the log's tables.
  run("DO $$BEGIN FOR i IN 1..3000 LOOP INSERT INTO t (pk, sk) VALUES ('p', i); UPDATE t SET "
      "extra = '{\"v\":{\"N\":\"1\"}}' WHERE sk = i; END LOOP; END$$");
  // One in between is younger: what is behind it stays.
  for (const char* kind : {"", "_moves"})
    run("UPDATE \"" + log_base_name(log) + kind + "\" SET at = 'epoch' WHERE number <> 5500");
  EXPECT_EQ(store_->trim_log(log, 1).value(), 5000u);
  EXPECT_EQ(store_->trim_log(log, 1).value(), 499u);
  EXPECT_EQ(store_->trim_log(log, 1).value(), 0u);
  EXPECT_EQ(store_->log_range(log).value().first, 5500u);
  EXPECT_EQ(read_all(table, log).size(), 501u);
}

TEST_F(PostgresLog, APageIsReadWithoutSortingWhatIsBehindIt) {
  ServedTable table = create("t");
  LogNames names{"public", log_base_name(begin(table))};
  Connection connection = sql();
  expect_ok(connection.execute(
      "SET plan_cache_mode = force_generic_plan; PREPARE page(bigint, bigint, bigint) AS " +
          read_log_statement(names, table.mapping->tables()[0]).sql,
      "prepare"));
  auto plan = connection.query("EXPLAIN (FORMAT JSON) EXECUTE page(1, 2, 3)", {}, "explain");
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  EXPECT_NE(plan->text(0, 0).find("Merge Append"), std::string_view::npos) << plan->text(0, 0);
  EXPECT_EQ(plan->text(0, 0).find("\"Sort\""), std::string_view::npos) << plan->text(0, 0);
}

// Whoever took a number that will be given out for one that was would miss the change that gets it.
TEST_F(PostgresLog, TheLastNumberIsNeverOneThatIsStillToCome) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  LogNames names{"public", log_base_name(log)};
  const std::string sequence = quote_literal(names.sequence());
  std::atomic<bool> enough = false;
  std::thread writer([&] {
    Connection connection = sql();
    while (!enough)
      expect_ok(connection.execute(
          "DO $$BEGIN FOR i IN 1..100000 LOOP PERFORM nextval(" + sequence + "); END LOOP; END$$",
          "write"));
  });
  Connection reader = sql();
  expect_ok(reader.execute(
      "CREATE FUNCTION too_high() RETURNS bigint LANGUAGE plpgsql AS $$DECLARE n bigint; high "
      "bigint := 0; BEGIN FOR i IN 1..150000 LOOP n := (" +
          last_number_statement(names).sql + "); IF n >= nextval(" + sequence +
          ") THEN high := high + 1; END IF; END LOOP; RETURN high; END$$",
      "prepare"));
  auto high = reader.query("SELECT too_high()", {}, "look");
  enough = true;
  writer.join();
  ASSERT_TRUE(high.ok()) << high.error().message();
  EXPECT_EQ(high->text(0, 0), "0");
}

TEST_F(PostgresLog, ACatalogOfBeforeGetsWhatIsMissing) {
  ServedTable table = create("t");
  run("DROP TABLE offramp.logs, offramp.logs_version");
  std::unique_ptr<Store> other = open();
  EXPECT_TRUE(other->logs().value().empty());
  EXPECT_GT(other->logs_version().value(), 0u);
  begin(table);
  EXPECT_EQ(other->logs().value().size(), 1u);
}

// One SQL transaction of random length over a few items, which may move, or is rolled back.
void write_at_random(Connection& connection, std::mt19937& random, int writer) {
  std::string text = "BEGIN;";
  // In one order, so that writers do not wait for each other in a ring.
  for (int sk = 0, count = 0; sk < 5; ++sk) {
    if (random() % 2) continue;
    std::string n = std::to_string(sk),
                value = std::to_string(writer) + "/" + std::to_string(count++);
    std::string hash = "'\\x0" + n + "'", v = "{\"v\":{\"S\":\"" + value + "\"}}";
    std::string whole =
        "{\"pk\":{\"S\":\"p\"},\"sk\":{\"N\":\"" + n + "\"},\"v\":{\"S\":\"" + value + "\"}}";
    text += "SELECT pg_advisory_xact_lock(" + n + ");";
    switch (random() % 4) {
      case 0:
        text += "DELETE FROM t WHERE sk = " + n +
                "; DELETE FROM offramp_overflow_t WHERE key_hash = " + hash + ";";
        break;
      case 1:
        text += "DELETE FROM t WHERE sk = " + n + "; INSERT INTO offramp_overflow_t VALUES (" +
                hash + ", '', '" + whole +
                "') ON CONFLICT (key_hash) DO UPDATE SET item = EXCLUDED.item;";
        break;
      default:
        text += "INSERT INTO t (pk, sk, extra) VALUES ('p', " + n + ", '" + v +
                "') ON CONFLICT (pk, sk) DO UPDATE SET extra = EXCLUDED.extra; DELETE FROM "
                "offramp_overflow_t WHERE key_hash = " +
                hash + ";";
    }
  }
  Status status = connection.execute(text + (random() % 5 ? "COMMIT" : "ROLLBACK"), "write");
  EXPECT_TRUE(status.ok()) << status.error().message();
}

// Sixteen writers of two processes' and with SQL; two readers follow. Each item's changes are a
// chain that ends in what is there, both readers were told the same, and it is all there is.
TEST_F(PostgresLog, SixteenWritersMakeOneOrderForEveryReader) {
  ServedTable table = create("t");
  ChangeLogName log = begin(table);
  constexpr int kThreads = 16, kRounds = 60;
  std::atomic<int> running{kThreads};
  std::unique_ptr<Store> other = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<unsigned>(t));
      Connection connection = sql();
      auto session = session_of(t % 4 == 1 ? *other : *store_);
      for (int round = 0; round < kRounds; ++round) {
        if (t % 2 == 0) {
          write_at_random(connection, random, t);
          continue;
        }
        // Of items that no SQL writer moves: a hash of its own is where the store looks.
        std::string more = R"(,"g":{"S":")" + std::string(random() % 3 ? 3 : 3000, 'g') + "\"}" +
                           R"(,"v":{"S":")" + std::to_string(t * 1000 + round) + "\"}";
        // Whoever loses too many races has written nothing.
        Status written = put(*session, table, item("q", static_cast<int>(random() % 3), more));
        if (!written.ok()) {
          EXPECT_EQ(written.error().kind(), ErrorKind::kConflict) << written.error().message();
        }
      }
      --running;
    });
  std::vector<Seen> seen[2];
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&, r] {
      auto reader = session_of(r ? *other : *store_);
      uint64_t after = 0;
      for (bool last = false; !last;) {
        last = running == 0;
        uint64_t until = store_->log_mark(log).value();
        do {
          after = read_page(*reader, table, log, after, until, seen[r]);
        } while (last && after < until);
      }
    });
  for (auto& thread : threads) thread.join();
  for (auto& reader : readers) reader.join();
  std::vector<Seen> all = read_all(table, log);
  std::map<std::string, std::string> there;
  for (size_t i = 0; i < all.size(); ++i) {
    for (const auto& one : seen) {
      ASSERT_LT(i, one.size());
      EXPECT_EQ(one[i].number, all[i].number) << "each is told once, to everybody";
    }
    const std::string& some = all[i].new_item.empty() ? all[i].old_item : all[i].new_item;
    TestItem parsed(some);
    std::string key = std::string(parsed.view().find("pk").bytes()) +
                      std::string(parsed.view().find("sk").bytes());
    EXPECT_EQ(all[i].old_item, there[key]) << "change " << all[i].number << " of " << key;
    there[key] = all[i].new_item;
  }
  EXPECT_EQ(seen[0].size(), all.size());
  EXPECT_EQ(seen[1].size(), all.size());
  EXPECT_GT(all.size(), 500u);
  std::map<std::string, std::string> now;
  Page page;
  PageRequest request;
  request.table = &table;
  expect_ok(session_->read(request, page));
  for (size_t i = 0; i < page.items.size(); ++i) {
    ddb::ItemView view = page.items.item(i);
    now[std::string(view.find("pk").bytes()) + std::string(view.find("sk").bytes())] =
        ddb::canonical_item_json(view);
  }
  std::erase_if(there, [](const auto& entry) { return entry.second.empty(); });
  EXPECT_EQ(there, now);
}

}  // namespace
}  // namespace offramp::target::postgres
