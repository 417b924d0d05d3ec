// How logs of plans' tables begin, end, are trimmed and broken. What is told: plan_log_rows_test.cc
// and the stores' suite (store_conformance_plan_log.h).
#include "target/sqlite/serve/plan_log_fixture_test.h"

namespace offramp::target::sqlite::serve {
namespace {

TEST_F(PlanLogTest, AFileOfAnOlderReleaseGetsWhatItNeeds) {
  sql("DROP TABLE _offramp_plan_logs; DROP TABLE _offramp_change");
  ok(make_catalog(db_));
  ok(make_catalog(db_));
  make(orders_spec());
  EXPECT_EQ(adopt(db_, table_, "{}").error().code(), "store.table_exists");
  begin();
  write("INSERT INTO orders (c, o) VALUES ('1', 1); UPDATE orders SET v = 1");
  EXPECT_EQ(told(), std::vector{step("", order("1", R"(,"v":{"N":"1"})"))});
  EXPECT_EQ(begin_log(db_, table_, {kTwo, "{}", true}).error().code(), "store.catalog_changed")
      << "one at a time";
}

TEST_F(PlanLogTest, TrimmingKeepsWritesWhole) {
  make(orders_spec());
  begin();
  std::string first = order("0", R"(,"v":{"N":"0"})");
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 0, 0)");
  // More rows than one call looks at.
  write(
      "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1500) "
      "INSERT INTO orders (c, o, v) SELECT '1', x, x FROM n");
  sql("UPDATE orders SET v = 1 WHERE o = 0");
  std::vector<std::string> all = told();
  ASSERT_EQ(all.size(), 1502u);
  EXPECT_EQ(trim_log(db_, kOne, 0).value(), 0u);
  int64_t later = db_.query_int64("SELECT max(at_ms) + 1 FROM _offramp_log_1").value();
  EXPECT_EQ(trim_log(db_, kOne, later).value(), 2u) << "the first row, and the write to its end";
  EXPECT_EQ(told(), std::vector{all.back()});
  EXPECT_EQ(log_range(db_, kOne).value().first, 1502u);
  EXPECT_EQ(trim_log(db_, kOne, later).value(), 1u);
  EXPECT_EQ(trim_log(db_, kOne, later).value(), 0u);
  EXPECT_EQ(count("_offramp_rows_1_orders"), 0);
}

// What is behind something younger stays, although it says that it is older.
TEST_F(PlanLogTest, AClockThatGoesBackCutsNoChain) {
  make(orders_spec());
  begin();
  for (int v = 1; v <= 3; ++v)
    sql("INSERT OR REPLACE INTO orders (c, o, v) VALUES ('1', 1, " + std::to_string(v) + ")");
  sql("UPDATE _offramp_log_1 SET at_ms = CASE number WHEN 1 THEN 10 WHEN 2 THEN 30 ELSE 20 END");
  std::vector<std::string> all = told();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(trim_log(db_, kOne, 25).value(), 1u);
  EXPECT_EQ(told(), (std::vector{all[1], all[2]}));
}

TEST_F(PlanLogTest, WhatHasEndedGrowsNoMore) {
  make(orders_spec());
  begin();
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 1, 1)");
  sql("INSERT INTO lines (c, o, n, sku) VALUES ('1', 1, 0, 'a')");
  std::vector<std::string> all = told();
  ok(end_log(db_, table_, kOne));
  ok(end_log(db_, table_, kOne));
  ChangeLogRange range = log_range(db_, kOne).value();
  begin(kTwo);
  for (int i = 0; i < 10; ++i) {
    write("UPDATE orders SET v = v + 1; UPDATE lines SET sku = sku || 'x'");
    sql("UPDATE orders SET v = v + 1");
    sql("UPDATE lines SET sku = sku || 'y'");
  }
  sql("DELETE FROM orders");
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 1, 5), ('1', 2, 5)");
  EXPECT_EQ(count("_offramp_log_1"), 2 + 3);
  EXPECT_EQ(told(), all);
  EXPECT_EQ(told(kTwo).size(), 10u * 3 + 3);
  EXPECT_EQ(log_range(db_, kOne).value().next, range.next);
  EXPECT_EQ(log_mark(db_, kOne).value(), range.next);
  EXPECT_EQ(log_range(db_, kOne).value().next, range.next + 1);
  EXPECT_EQ(told(), all) << "a mark makes nothing known";
  // What keeps the images of the rest is not trimmed, and cannot be seen.
  int64_t later = db_.query_int64("SELECT max(at_ms) + 1 FROM _offramp_log_1").value();
  EXPECT_EQ(trim_log(db_, kOne, later).value(), 2u);
  EXPECT_EQ(trim_log(db_, kOne, later).value(), 0u);
  range = log_range(db_, kOne).value();
  EXPECT_EQ(range.first, range.next);
  ok(drop_log(db_, kOne));
  EXPECT_EQ(count("sqlite_master WHERE name GLOB '_offramp_*_1_*' OR name = '_offramp_log_1'"), 0);
  EXPECT_EQ(told(kTwo).size(), 10u * 3 + 3);
  sql("DELETE FROM orders");
}

// Takes something away from under a log.
class BrokenPlanLogTest : public PlanLogTest, public testing::WithParamInterface<const char*> {};

TEST_P(BrokenPlanLogTest, CannotBeReadAndEnds) {
  make(orders_spec());
  begin();
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 1, 1), ('1', 2, 1)");
  EXPECT_EQ(told().size(), 2u);
  sql(GetParam());
  auto expect_lost = [&] {
    Status read = reader(kOne).read(*find_log(db_, kOne).value().plan, 0, 100, 10, 1000, page_);
    ASSERT_FALSE(read.ok());
    EXPECT_EQ(read.error().code(), "store.no_log");
  };
  expect_lost();  // also before anyone has attached the table again
  int64_t version = db_.query_int64("SELECT version FROM _offramp_served_version").value();
  ok(attach(db_, table_));
  EXPECT_FALSE(read_logs(db_).value().at(0).on);
  EXPECT_GT(db_.query_int64("SELECT version FROM _offramp_served_version").value(), version);
  EXPECT_EQ(count("sqlite_master WHERE type = 'trigger'"), 0);
  sql("UPDATE orders SET v = 2");
  expect_lost();
  begin(kTwo);
  sql("UPDATE orders SET v = 3");
  EXPECT_EQ(told(kTwo).size(), 2u);
  ok(attach(db_, table_));
  EXPECT_TRUE(read_logs(db_).value().at(1).on);
  ok(drop_log(db_, kOne));
  EXPECT_EQ(told(kTwo).size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(PlanLog, BrokenPlanLogTest,
                         testing::Values("DROP TRIGGER _offramp_update_1_lines",
                                         "DROP TABLE lines; CREATE TABLE lines (c TEXT, o ANY, "
                                         "n INTEGER, sku TEXT, extra TEXT) STRICT",
                                         "ALTER TABLE other RENAME TO gone; "
                                         "CREATE TABLE other (pk TEXT, sk TEXT, extra TEXT)"));

}  // namespace
}  // namespace offramp::target::sqlite::serve
