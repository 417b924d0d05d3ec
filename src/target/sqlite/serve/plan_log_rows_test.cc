// What a log of a plan's table tells of SQLite's own ways to write, and of any rows and names.
#include "target/sqlite/serve/plan_log_fixture_test.h"

namespace offramp::target::sqlite::serve {
namespace {

using model::ColumnType;

// Unlike the log of a table made here, this one sees the row that is thrown out.
TEST_F(PlanLogTest, ReplacedRowsAreToldWhateverThePragma) {
  make(orders_spec());
  begin();
  std::string one = order("1", R"(,"v":{"N":"1"})"), two = order("1", R"(,"v":{"N":"2"})"),
              nine = order("9", R"(,"v":{"N":"9"})"), moved = order("9", R"(,"v":{"N":"2"})");
  for (const char* recursive : {"OFF", "ON"}) {
    sql("PRAGMA recursive_triggers = " + std::string(recursive));
    std::vector<std::string> before = changed();
    sql("INSERT OR REPLACE INTO orders (c, o, v) VALUES ('1', 1, 1)");
    sql("INSERT OR REPLACE INTO orders (c, o, v) VALUES ('1', 1.0, 2)");
    sql("INSERT INTO orders (c, o, v) VALUES ('1', 9, 9)");
    sql("UPDATE OR REPLACE orders SET o = 9 WHERE o = 1");
    sql("DELETE FROM orders");
    std::vector<std::string> seen = changed();
    seen.erase(seen.begin(), seen.begin() + static_cast<long>(before.size()));
    // One goes away and one comes, in any order.
    ASSERT_EQ(seen.size(), 6u);
    std::sort(seen.begin() + 3, seen.begin() + 5);
    std::vector<std::string> both = {step(two, ""), step(nine, moved)};
    std::sort(both.begin(), both.end());
    EXPECT_EQ(seen, (std::vector{step("", one), step(one, two), step("", nine), both[0], both[1],
                                 step(moved, "")}));
  }
}

TEST_F(PlanLogTest, UpsertsAndWhatIsIgnored) {
  make(orders_spec());
  begin();
  const std::string upsert =
      "INSERT INTO orders (c, o, v) VALUES ('1', 1, 1) ON CONFLICT (c, o) DO UPDATE SET v = v + 1";
  sql(upsert);
  sql(upsert);
  sql("INSERT OR IGNORE INTO orders (c, o, v) VALUES ('1', 1, 7), ('1', NULL, 7)");
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 1, 7) ON CONFLICT DO NOTHING");
  sql("UPDATE orders SET v = v, c = c");
  std::string one = order("1", R"(,"v":{"N":"1"})"), two = order("1", R"(,"v":{"N":"2"})");
  EXPECT_EQ(changed(), (std::vector{step("", one), step(one, two)}));
  // A statement that fails takes what it logged with it.
  int64_t logged = count("_offramp_log_1");
  EXPECT_FALSE(db_.execute("INSERT INTO orders (c, o, v) VALUES ('1', 2, 7), ('1', 1, 7)").ok());
  EXPECT_EQ(count("_offramp_log_1"), logged);
}

TEST_F(PlanLogTest, WritersSeeTheirOwnCounts) {
  make(orders_spec());
  sql("CREATE TABLE mine (id INTEGER PRIMARY KEY, c TEXT)");
  begin();
  sql("INSERT INTO mine VALUES (77, 'x')");
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 1, 1), ('1', 2, 1), ('2', 1, 1)");
  EXPECT_EQ(db_.query_int64("SELECT changes()").value(), 3);
  EXPECT_EQ(db_.query_int64("SELECT last_insert_rowid()").value(), 3);
  sql("UPDATE orders SET v = 5 WHERE c = '1'");
  EXPECT_EQ(db_.query_int64("SELECT changes()").value(), 2);
  EXPECT_EQ(db_.query_int64("SELECT last_insert_rowid()").value(), 3);
}

// The owner's own triggers write too, and a foreign key's action.
TEST_F(PlanLogTest, WhatTriggersAndForeignKeysDoIsTold) {
  make(orders_spec());
  sql("PRAGMA foreign_keys = ON");
  sql("DROP TABLE lines");
  sql("CREATE TABLE lines (c TEXT NOT NULL, o ANY NOT NULL, n INTEGER NOT NULL, sku TEXT, extra "
      "TEXT, UNIQUE (c, o, n), FOREIGN KEY (c, o) REFERENCES orders (c, o) ON DELETE CASCADE)");
  sql("CREATE TRIGGER owner AFTER UPDATE OF v ON orders WHEN NEW.v < 100 BEGIN "
      "UPDATE orders SET v = v + 100 WHERE c = NEW.c AND o = NEW.o; END");
  begin();
  std::string one = order("1", R"(,"v":{"N":"1"})" + lines({"a", "b"})),
              two = order("1", R"(,"v":{"N":"2"})" + lines({"a", "b"})),
              more = order("1", R"(,"v":{"N":"102"})" + lines({"a", "b"}));
  write(
      "INSERT INTO orders (c, o, v) VALUES ('1', 1, 1);"
      "INSERT INTO lines (c, o, n, sku) VALUES ('1', 1, 0, 'a'), ('1', 1, 1, 'b')");
  sql("UPDATE orders SET v = 2");
  write("UPDATE orders SET v = 3");
  sql("DELETE FROM orders");
  std::vector<std::string> seen = changed();
  ASSERT_GE(seen.size(), 5u);
  EXPECT_EQ(std::vector(seen.begin(), seen.begin() + 4),
            (std::vector{step("", one), step(one, two), step(two, more),
                         step(more, order("1", R"(,"v":{"N":"103"})" + lines({"a", "b"})))}));
  EXPECT_TRUE(seen.back().ends_with(" -> "));
}

TEST_F(PlanLogTest, AnItemOfSeveralTablesIsWhatAGetFinds) {
  make(orders_spec());
  begin();
  std::string first = order("1", R"(,"v":{"N":"1"})"), second = order("1", R"(,"x":{"N":"2"})");
  // A writer that puts it into the other table before it takes it from the first.
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 1, 1)");
  sql(R"(INSERT INTO other (pk, sk, extra) VALUES ('C#1', 'O#1', '{"x":{"N":"2"}}'))");
  sql("DELETE FROM orders");
  sql("DELETE FROM other");
  EXPECT_EQ(changed(), (std::vector{step("", first), step(first, second), step(second, "")}));
}

TEST_F(PlanLogTest, RowsThatAreNoItemAreNone) {
  make(orders_spec());
  begin();
  std::string one = order("1", R"(,"v":{"N":"1"})"), two = order("1", R"(,"v":{"N":"2"})");
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 1, 1)");
  sql("UPDATE orders SET extra = 'no json'");
  sql("UPDATE orders SET extra = 'still none'");
  sql("UPDATE orders SET extra = NULL, v = 2");
  sql("INSERT INTO lines (c, o, n, sku, extra) VALUES ('1', 1, 0, 'a', '[]')");
  sql("DELETE FROM lines");
  sql("INSERT INTO orders (c, o, v) VALUES ('1', 'no number', 1), ('1', x'00', 1)");
  sql("DELETE FROM orders WHERE o = 'no number'");
  sql("INSERT INTO lines (c, o, n, sku) VALUES ('1', 5, 0, 'orphan'), ('1', 'x', 0, 'orphan')");
  sql("UPDATE lines SET sku = 'still'");
  // The overflow table: junk, and an item under a key that is not its.
  std::string overflow =
      quote_name(table_.mapping->tables()[table_.mapping->overflow_table()].name);
  sql("INSERT INTO " + overflow + " VALUES (x'00', 'why', '{}')");
  sql("INSERT INTO " + overflow + " VALUES (x'000102030405060708090a0b0c0d0e0f', 'why', '" +
      order("7") + "')");
  sql("INSERT INTO " + overflow + " VALUES (x'000102030405060708090a0b0c0d0e0e', 'why', 'no')");
  sql("UPDATE " + overflow + " SET reason = 'other'");
  sql("DELETE FROM " + overflow);
  std::vector<std::string> seen = changed();
  EXPECT_EQ(seen, (std::vector{step("", one), step(one, ""), step("", two), step(two, ""),
                               step("", two)}));
}

TEST_F(PlanLogTest, TwoWritesOfOneTransactionAreTwoChanges) {
  make(orders_spec());
  begin();
  sql("BEGIN");
  write(
      "INSERT INTO orders (c, o, v) VALUES ('1', 1, 1);"
      "INSERT INTO lines (c, o, n, sku) VALUES ('1', 1, 0, 'a'), ('1', 1, 1, 'b')");
  write("UPDATE orders SET v = 2; DELETE FROM lines; UPDATE orders SET v = 3");
  write("DELETE FROM orders; INSERT INTO orders (c, o, v) VALUES ('1', 1, 3)");
  write("DELETE FROM orders");
  sql("COMMIT");
  std::string one = order("1", R"(,"v":{"N":"1"})" + lines({"a", "b"})),
              three = order("1", R"(,"v":{"N":"3"})");
  EXPECT_EQ(told(),
            (std::vector{step("", one), step(one, three), step(three, three), step(three, "")}));
  EXPECT_EQ(count("_offramp_log_1"), 8) << "a row is logged once per write";
}

// A write of several items with several rows each, cut anywhere.
TEST_F(PlanLogTest, PagesMayEndInsideAWrite) {
  make(orders_spec());
  begin();
  sql("INSERT INTO _offramp_origin VALUES ('me')");
  write(
      "INSERT INTO orders (c, o, v) VALUES ('1', 1, 1), ('1', 2, 1), ('1', 3, 1);"
      "INSERT INTO lines (c, o, n, sku) VALUES ('1', 2, 0, 'a'), ('1', 1, 0, 'b'), "
      "('1', 2, 1, 'c')");
  sql("DELETE FROM _offramp_origin");
  write("DELETE FROM lines WHERE o = 2; DELETE FROM orders WHERE o = 1; DELETE FROM lines");
  std::string one = order("1", R"(,"v":{"N":"1"})" + lines({"b"})),
              two = order("2", R"(,"v":{"N":"1"})" + lines({"a", "c"})),
              bare = order("2", R"(,"v":{"N":"1"})"), three = order("3", R"(,"v":{"N":"1"})");
  std::vector<std::string> all = {step("", three), step("", one), step("", two), step(two, bare),
                                  step(one, "")};
  EXPECT_EQ(told(), all);
  EXPECT_EQ(origins_, (std::vector<std::string>{"me", "me", "me", "", ""}));
  std::vector<uint64_t> numbers = numbers_;
  uint64_t last = find_log(db_, kOne).value().plan->last;
  for (uint64_t after = 0; after <= last; ++after)
    for (uint64_t until = after; until <= last; ++until) {
      std::vector<std::string> expected;
      for (size_t i = 0; i < all.size(); ++i)
        if (numbers[i] > after && numbers[i] <= until) expected.push_back(all[i]);
      EXPECT_EQ(told(kOne, after, until), expected) << after << " to " << until;
    }
}

// Names that the log's own tables, columns and statements have too.
TEST_F(PlanLogTest, AwkwardNames) {
  model::TableMapping first = mapping::table("first"), logged = mapping::table("lo'gg\"ed");
  first.match = "attribute_exists(number)";
  first.columns = {mapping::column("number", {"number"}, ColumnType::kNumeric),
                   mapping::column("had", {"had"}, ColumnType::kText),
                   mapping::column("change", {"it's \"x\""}, ColumnType::kText)};
  model::ChildSpec child;
  child.name = "logged";
  child.from = {"l"};
  child.ordinal = "x";
  child.columns = {mapping::column("n", {"n"}, ColumnType::kText)};
  first.children = {child};
  make({first, logged});
  begin();
  std::string key = R"({"pk":{"S":"p"},"sk":{"S":"s"})",
              one =
                  key + R"(,"number":{"N":"1"},"had":{"S":"h"},"l":{"L":[{"M":{"n":{"S":"a"}}}]}})",
              two = key + "}";
  write(
      "INSERT INTO \"first\" (pk, sk, number, had) VALUES ('p', 's', 1, 'h');"
      "INSERT INTO logged (pk, sk, x, n) VALUES ('p', 's', 0, 'a')");
  write(
      "DELETE FROM logged; DELETE FROM \"first\";"
      "INSERT INTO \"lo'gg\"\"ed\" (pk, sk) VALUES ('p', 's')");
  EXPECT_EQ(told(), (std::vector{step("", one), step(one, two)}));
  ok(end_log(db_, table_, kOne));
  sql("DELETE FROM \"lo'gg\"\"ed\"");
  EXPECT_EQ(told(), (std::vector{step("", one), step(one, two)}));
  ok(drop_log(db_, kOne));
  EXPECT_EQ(count("sqlite_master WHERE name GLOB '_offramp_*_1_*'"), 0);
}

TEST_F(PlanLogTest, AsManyColumnsAsATableMayHave) {
  model::TableMapping wide = mapping::table("wide");
  for (int i = 0; i < 1980; ++i)
    wide.columns.push_back(
        mapping::column("c" + std::to_string(i), {"a" + std::to_string(i)}, ColumnType::kNumeric));
  make({wide});
  begin();
  std::string key = R"({"pk":{"S":"p"},"sk":{"S":"s"})", one = key + R"(,"a1979":{"N":"1"}})",
              two = key + R"(,"a1979":{"N":"2"}})";
  sql("INSERT INTO wide (pk, sk, c1979) VALUES ('p', 's', 1)");
  sql("UPDATE wide SET c1979 = 2");
  sql("INSERT INTO wide (pk, sk, c1979) VALUES ('p', 's', 1) ON CONFLICT (pk, sk) DO UPDATE SET "
      "c1979 = excluded.c1979");
  sql("UPDATE wide SET c0 = NULL");
  EXPECT_EQ(changed(), (std::vector{step("", one), step(one, two), step(two, one)}));
}

// Numbers in every form that a column keeps them in, and bytes.
TEST_F(PlanLogTest, KeysOfEveryType) {
  model::TableMapping all = mapping::table("every");
  all.columns = {mapping::column("v", {"v"}, ColumnType::kNumeric)};
  make({all}, mapping::key_schema(ddb::Type::kB, ddb::Type::kN));
  begin();
  std::vector<std::string> expected;
  for (const auto& [stored, number] : std::vector<std::pair<std::string, std::string>>{
           {"1", "1"},
           {"-0.5", "-0.5"},
           {"1e100", "1e100"},
           {"'12345678901234567890123456789012345678'", "12345678901234567890123456789012345678"},
           {"9223372036854775807", "9223372036854775807"},
           {"'0.12345678901234567890123'", "0.12345678901234567890123"}}) {
    sql("INSERT INTO every (pk, sk, v) VALUES (x'00ff', " + stored + ", " + stored + ")");
    sql("UPDATE every SET v = NULL WHERE sk = " + stored);
    std::string key = R"({"pk":{"B":"AP8="},"sk":{"N":")" + number + "\"}";
    std::string full = key + R"(,"v":{"N":")" + number + "\"}}", bare = key + "}";
    expected.push_back(step("", full));
    expected.push_back(step(full, bare));
  }
  EXPECT_EQ(told(), expected);
}

}  // namespace
}  // namespace offramp::target::sqlite::serve
