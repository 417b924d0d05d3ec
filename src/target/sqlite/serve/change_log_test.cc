// What is SQLite's own about change logs; the rest is the stores' suite (store_conformance_log.h).
#include "target/sqlite/serve/change_log.h"

#include <gtest/gtest.h>

#include "mapping/mapping_test.h"
#include "target/served_mapping.h"
#include "target/sqlite/serve/catalog.h"
#include "target/sqlite/serve/log_reader.h"

namespace offramp::target::sqlite::serve {
namespace {

class ChangeLogTest : public testing::Test {
 protected:
  ChangeLogTest()
      : db_(io::SqliteDb::open(":memory:", io::SqliteDb::Mode::kReadWriteCreate).value()) {
    limits_.text_allows_nul = true;
    EXPECT_TRUE(make_catalog(db_).ok());
    plain_ = table({});
    EXPECT_TRUE(create_table(db_, plain_, "{}").ok());
    EXPECT_TRUE(begin_log(db_, plain_, {name_, "{}", true}).ok());
  }
  ServedTable table(std::vector<ServedIndex> indexes) {
    ServedTable out;
    out.name = out.into = "t";
    out.id = "id";
    out.key = mapping::key_schema(ddb::Type::kS, std::nullopt);
    out.indexes = std::move(indexes);
    EXPECT_TRUE(make_mapping(out, limits_).ok());
    return out;
  }
  void sql(const std::string& text) {
    Status status = db_.execute(text);
    EXPECT_TRUE(status.ok()) << text << ": " << status.error().message();
  }
  // "old -> new" of each change.
  std::vector<std::string> told(const ServedTable& table) {
    int64_t number = find_log(db_, name_).value().number;
    auto reader = LogReader::open(db_, table, number).value();
    ChangePage page;
    Status status =
        reader->read(0, UINT64_MAX >> 1, last_number(db_, number).value(), 100, 1 << 20, page);
    EXPECT_TRUE(status.ok()) << status.error().message();
    std::vector<std::string> out;
    for (const Change& change : page.changes)
      out.push_back(json(page, change.has_old, change.old_root) + " -> " +
                    json(page, change.has_new, change.new_root));
    return out;
  }
  static std::string json(const ChangePage& page, bool has, uint32_t root) {
    return has ? ddb::canonical_item_json(page.items.item(root)) : "";
  }

  io::SqliteDb db_;
  mapping::Limits limits_;
  const ChangeLogName name_{"id", "one"};
  ServedTable plain_;
};

TEST_F(ChangeLogTest, AColumnMoreIsLoggedFromThenOn) {
  sql(R"(INSERT INTO t (pk, extra) VALUES ('a', '{"g":{"S":"old"}}'))");
  ServedTable wide = table({{"by_g", {{"g", ddb::Type::kS}}, {}, false}});
  sql("ALTER TABLE t ADD COLUMN g TEXT");
  ASSERT_TRUE(widen_log(db_, wide).ok());
  ASSERT_TRUE(widen_log(db_, wide).ok()) << "twice is as once";
  // The value moves into its column: the same item in other columns.
  sql("UPDATE t SET g = 'old', extra = NULL");
  sql("UPDATE t SET g = 'new'");
  std::string old_item = R"({"g":{"S":"old"},"pk":{"S":"a"}})",
              new_item = R"({"g":{"S":"new"},"pk":{"S":"a"}})";
  EXPECT_EQ(told(wide), (std::vector{" -> " + old_item, old_item + " -> " + old_item,
                                     old_item + " -> " + new_item}));
}

// SQLite fires no trigger for a row that REPLACE throws out, unless it is told to.
TEST_F(ChangeLogTest, ReplacedRowsAreToldWithRecursiveTriggersOnly) {
  std::string one = R"({"pk":{"S":"a"},"x":{"N":"1"}})", two = R"({"pk":{"S":"a"},"x":{"N":"2"}})";
  sql(R"(INSERT OR REPLACE INTO t (pk, extra) VALUES ('a', '{"x":{"N":"1"}}'))");
  sql(R"(INSERT OR REPLACE INTO t (pk, extra) VALUES ('a', '{"x":{"N":"2"}}'))");
  EXPECT_EQ(told(plain_), (std::vector{" -> " + one, " -> " + two}));
  sql("PRAGMA recursive_triggers = ON");
  sql(R"(INSERT OR REPLACE INTO t (pk, extra) VALUES ('a', '{"x":{"N":"1"}}'))");
  EXPECT_EQ(told(plain_), (std::vector{" -> " + one, " -> " + two, two + " -> ", " -> " + one}));
}

// Such a row is no item, and stops nobody who reads on.
TEST_F(ChangeLogTest, WhatIsNoItemIsNone) {
  std::string item = R"({"pk":{"S":"a"},"x":{"N":"1"}})";
  sql(R"(INSERT INTO t (pk, extra) VALUES ('a', '{"x":{"N":"1"}}'))");
  sql("UPDATE t SET extra = 'no JSON'");
  sql("UPDATE t SET extra = 'none either'");
  sql(R"(UPDATE t SET extra = '{"x":{"N":"1"}}')");
  EXPECT_EQ(told(plain_), (std::vector{" -> " + item, item + " -> ", " -> " + item}));
}

// OR FAIL keeps the rows before the one that fails, but SQLite does not note their numbers.
TEST_F(ChangeLogTest, NumbersOfAStatementThatFailedHalfwayCount) {
  sql("CREATE TRIGGER owner BEFORE INSERT ON t WHEN NEW.pk = 'bad' BEGIN "
      "SELECT RAISE(FAIL, 'no'); END");
  EXPECT_FALSE(db_.execute("INSERT OR FAIL INTO t (pk) VALUES ('a'), ('b'), ('bad')").ok());
  EXPECT_EQ(told(plain_).size(), 2u);
  EXPECT_EQ(log_range(db_, name_).value().next, 3u);
  EXPECT_EQ(log_mark(db_, name_).value(), 3u) << "no change has it";
  sql("INSERT INTO t (pk) VALUES ('c')");
  EXPECT_EQ(told(plain_).size(), 3u);
}

TEST_F(ChangeLogTest, ADeletionWithoutConditionIsTold) {
  sql("INSERT INTO t (pk) VALUES ('a'), ('b')");
  sql("DELETE FROM t");
  EXPECT_EQ(told(plain_).size(), 4u);
}

TEST_F(ChangeLogTest, ALogThatIsOnIsNotDropped) {
  EXPECT_EQ(drop_log(db_, name_).error().code(), "store.catalog_changed");
  ASSERT_TRUE(end_log(db_, plain_, name_).ok());
  EXPECT_TRUE(drop_log(db_, name_).ok());
  EXPECT_EQ(drop_log(db_, name_).error().code(), "store.no_log");
  sql("INSERT INTO t (pk) VALUES ('a')");
}

}  // namespace
}  // namespace offramp::target::sqlite::serve
