// Change logs of a plan's tables and several writers at once: API writers and SQL writers of the
// same items and rows, old snapshots, statements that write many rows.
#include <atomic>
#include <set>
#include <thread>

#include "target/postgres/serve/plan_log_fixture_test.h"

namespace offramp::target {
namespace {

class PostgresPlanLogWriters : public PostgresPlanLog {};

TEST_P(PostgresPlanLogWriters, AnOldSnapshotDoesNotWrite) {
  std::string a = order("7", 1, {"x", "y"});
  ServedTable table = load({a, order("8", 1, {"x"})});
  Connection old = connect(), sql = connect();
  EXPECT_EQ(run(old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM orders"), "");
  ChangeLogName log = begin(table);
  EXPECT_EQ(run(old, "UPDATE lines SET sku = 'no'"), "40001") << "it is older than the log";
  EXPECT_EQ(run(old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM orders"), "");
  EXPECT_EQ(run(sql, "UPDATE lines SET sku = 'z' WHERE customer = '7' AND n = 0"), "");
  EXPECT_EQ(run(old, "UPDATE lines SET sku = 'no' WHERE customer = '7' AND n = 1"), "40001")
      << "another row of the same item";
  EXPECT_EQ(run(old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM orders"), "");
  EXPECT_EQ(run(sql, "UPDATE lines SET sku = 'w' WHERE customer = '7' AND n = 0"), "");
  EXPECT_EQ(run(old, "UPDATE lines SET sku = 'v' WHERE customer = '8'; COMMIT"), "");
  EXPECT_EQ(told(table, log),
            (std::vector{step(a, order("7", 1, {"z", "y"})),
                         step(order("7", 1, {"z", "y"}), order("7", 1, {"w", "y"})),
                         step(order("8", 1, {"x"}), order("8", 1, {"v"}))}));
  EXPECT_EQ(run(old, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM orders"), "");
  end(table, log);
  EXPECT_EQ(run(old, "UPDATE lines SET sku = 'no'"), "40001") << "it is older than the log's end";
}

// API writers and SQL writers of all tables, alone and several rows at once, who move items between
// tables; somebody reads on.
TEST_P(PostgresPlanLogWriters, AllWritersTogetherMakeOneOrder) {
  constexpr int kItems = 4, kApi = 4, kSql = 4, kRounds = 40;
  std::vector<std::string> items;
  for (int n = 0; n < kItems; ++n) items.push_back(order("7", n, {"a", "b"}));
  ServedTable table = load(items);
  ChangeLogName log = begin(table);
  std::atomic<int> running{kApi + kSql};
  std::vector<std::thread> threads;
  for (int t = 0; t < kApi; ++t)
    threads.emplace_back([&, t] {
      auto session = open_session(*store_);
      std::mt19937 random(static_cast<unsigned>(seed_) + static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        std::string mark = std::to_string(t) + "/" + std::to_string(round);
        std::set<int> used;
        for (size_t count = 1 + random() % 3; used.size() < count;)
          used.insert(static_cast<int>(random() % kItems));
        std::vector<mapping::TestItem> written;
        for (int n : used) {
          std::string more = text(mark);
          if (random() % 3 == 0) more += R"(,"closed":{"BOOL":true})";
          // Longer than the index takes: to the overflow table.
          if (random() % 4 == 0) more = text(mark + std::string(5000, 'x'));
          written.emplace_back(order("7", n, std::vector<std::string>(random() % 4, mark), more));
        }
        std::vector<ItemRef> refs;
        std::vector<Decision> decisions;
        for (const auto& item : written) {
          refs.push_back({&table, item.view()});
          decisions.push_back(random() % 5 == 0 ? Decision{Decision::Kind::kDelete, {}}
                                                : Decision{Decision::Kind::kPut, item.view()});
        }
        if (random() % 2)
          expect_ok(session->write_blind(refs, decisions));
        else
          expect_ok(session->write(refs, [&](auto, std::span<Decision> out) -> Status {
            std::copy(decisions.begin(), decisions.end(), out.begin());
            return {};
          }));
      }
      --running;
    });
  std::atomic<int> refused{0};
  for (int t = 0; t < kSql; ++t)
    threads.emplace_back([&, t] {
      Connection sql = connect();
      std::mt19937 random(static_cast<unsigned>(seed_) + 100u + static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        std::string n = std::to_string(random() % kItems),
                    mark = "'s" + std::to_string(t) + "/" + std::to_string(round) + "'";
        const std::string statements[] = {
            "UPDATE orders SET text = " + mark + " WHERE order_no = " + n,
            "UPDATE lines SET sku = " + mark + " WHERE n = 0 AND order_no = " + n,
            "UPDATE closed_lines SET sku = " + mark + " WHERE n = 1 AND v = 'ORDER#" + n + "'",
            "DELETE FROM lines l WHERE order_no = " + n +
                " AND n = (SELECT max(m.n) FROM lines m WHERE m.order_no = l.order_no)",
            "UPDATE lines SET sku = " + mark + "; UPDATE closed SET text = " + mark,
            "UPDATE offramp_overflow SET item = jsonb_set(item, '{s}', jsonb_build_object('S', " +
                mark + "))",
            "INSERT INTO orders (customer, order_no, text) SELECT '7', " + n + ", " + mark +
                " WHERE NOT EXISTS (SELECT 1 FROM closed WHERE v = 'ORDER#" + n +
                "') AND NOT EXISTS (SELECT 1 FROM offramp_overflow WHERE item->'SK'->>'S' = "
                "'ORDER#" +
                n + "') ON CONFLICT (customer, order_no) DO UPDATE SET text = excluded.text",
            "DELETE FROM orders WHERE order_no = " + n};
        const std::string& statement = statements[random() % std::size(statements)];
        std::string begins[] = {"BEGIN; ", "BEGIN ISOLATION LEVEL REPEATABLE READ; ",
                                "BEGIN; SAVEPOINT s; " + statement + "; ROLLBACK TO s; "};
        std::string state = run(
            sql, begins[random() % 3] + statement + "; " + (random() % 5 ? "COMMIT" : "ROLLBACK"));
        EXPECT_TRUE(state.empty() || state == "40001" || state == "40P01") << state;
        refused += !state.empty();
      }
      --running;
    });
  std::vector<SeenChange> seen = read_beside(table, log, threads, running, 50);
  EXPECT_LT(refused, kSql * kRounds / 2) << "SQL writers get on";
  std::map<std::string, std::string> now = ends_of_chains(table, seen, items);
  for (const std::string& item : items)
    EXPECT_EQ(get(*session_, table, item), now[key_text(table, item)]);
}

// Inserts, updates and deletes of the same few rows of a table without children, which sessions do
// without locking anything first.
TEST_P(PostgresPlanLogWriters, WritersOfOneRowDoNotBlockEachOther) {
  constexpr int kThreads = 6, kRounds = 150;
  model::TableMapping simple;
  simple.into = "simple";
  ServedTable table =
      load_plan({simple}, {{"PK", ddb::Type::kS}, model::KeyAttribute{"SK", ddb::Type::kS}}, {});
  expect_ok(store_->adopt(table, entry_json(table)));
  ChangeLogName log = begin(table);
  auto item = [](int n, const std::string& value) {
    return R"({"PK":{"S":"p"},"SK":{"S":")" + std::to_string(n) + "\"}" +
           (value.empty() ? "" : text(value)) + "}";
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      auto session = open_session(*store_);
      std::mt19937 random(static_cast<unsigned>(seed_) + static_cast<unsigned>(t));
      for (int round = 0; round < kRounds; ++round) {
        mapping::TestItem written(
            item(static_cast<int>(random() % 2), std::to_string(t) + "/" + std::to_string(round)));
        ItemRef ref{&table, written.view()};
        Decision decision{Decision::Kind::kPut, written.view()};
        if (random() % 4 == 0) decision = {Decision::Kind::kDelete, {}};
        if (random() % 2)
          expect_ok(session->write_blind({&ref, 1}, {&decision, 1}));
        else
          expect_ok(session->write({&ref, 1}, [&](auto, std::span<Decision> out) -> Status {
            out[0] = decision;
            return {};
          }));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ask("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
  std::map<std::string, std::string> now = ends_of_chains(table, read_all(table, log));
  for (int n : {0, 1})
    EXPECT_EQ(get(*session_, table, item(n, "")), now[key_text(table, item(n, ""))]);
}

// A plan that was made while the tables were small would look at each row of them.
TEST_P(PostgresPlanLogWriters, ManyRowsAtOnceAreFoundByIndexes) {
  constexpr int kRows = 2'000;
  ServedTable table = load();
  ChangeLogName log = begin(table);
  Connection sql = connect();
  const std::string insert = "INSERT INTO other (\"PK\", \"SK\") SELECT 'p', n FROM ";
  EXPECT_EQ(run(sql, insert + "generate_series(1, 100) n"), "");
  EXPECT_EQ(run(sql, "ANALYZE"), "");
  EXPECT_EQ(run(sql, insert + "generate_series(101, " + std::to_string(kRows) + ") n"), "");
  EXPECT_EQ(run(sql, "UPDATE other SET extra = '{\"v\":{\"N\":\"1\"}}'"), "");
  EXPECT_EQ(read_all(table, log).size(), 2u * kRows);
  session_.reset();
  sql = connect();
  EXPECT_LT(std::stoull(ask("SELECT coalesce(sum(seq_tup_read), 0) FROM pg_stat_user_tables WHERE "
                            "relname LIKE '%offramp_log%'")),
            5'000u);
}

INSTANTIATE_TEST_SUITE_P(Postgres, PostgresPlanLogWriters, testing::Values(&make_database));

}  // namespace
}  // namespace offramp::target
