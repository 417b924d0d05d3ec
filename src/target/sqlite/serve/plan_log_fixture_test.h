// A database in memory with a plan's tables and their change logs.
#pragma once

#include <gtest/gtest.h>

#include "mapping/mapping_test.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/catalog.h"
#include "target/sqlite/serve/change_log.h"
#include "target/sqlite/serve/plan_log.h"
#include "target/sqlite/serve/plan_log_reader.h"

namespace offramp::target::sqlite::serve {

class PlanLogTest : public testing::Test {
 protected:
  PlanLogTest()
      : db_(io::SqliteDb::open(":memory:", io::SqliteDb::Mode::kReadWriteCreate).value()) {
    EXPECT_TRUE(make_catalog(db_).ok());
  }
  // Orders with lines; what is no order is in `other`.
  static model::MappingSpec orders_spec() {
    model::TableMapping orders = mapping::table("orders", {}), other = mapping::table("other");
    orders.key = {{"pk", "C#{c}", {}}, {"sk", "O#{o}", {}}};
    orders.columns = {mapping::column("o", {}, model::ColumnType::kNumeric),
                      mapping::column("v", {"v"}, model::ColumnType::kNumeric)};
    model::ChildSpec lines;
    lines.name = "lines";
    lines.from = {"lines"};
    lines.ordinal = "n";
    lines.columns = {mapping::column("sku", {"sku"}, model::ColumnType::kText)};
    orders.children = {lines};
    return {orders, other};
  }
  void make(const model::MappingSpec& spec, model::KeySchema key = mapping::key_schema()) {
    table_.name = "planned";
    table_.id = "plan";
    table_.key = std::move(key);
    table_.made_here = false;
    mapping::Limits limits;
    limits.columns_max = 1990;  // as the target says
    table_.mapping = mapping::compiled(spec, table_.key, limits);
    for (const mapping::Table& t : table_.mapping->tables()) {
      sql(create_table_sql(t));
      sql(create_key_index_sql(t));
    }
    ok(adopt(db_, table_, "{}"));
  }
  void begin(const ChangeLogName& name = kOne) { ok(begin_log(db_, table_, {name, "{}", true})); }
  static void ok(const Status& status) { EXPECT_TRUE(status.ok()) << status.error().message(); }
  void sql(const std::string& text) {
    Status status = db_.execute(text);
    EXPECT_TRUE(status.ok()) << text << ": " << status.error().message();
  }
  // As a write of the API.
  void write(const std::string& text) {
    EXPECT_TRUE(mark_.begin(db_).value());
    sql(text);
    ok(mark_.end());
  }

  PlanLogReader& reader(const ChangeLogName& name) {
    LogPlace log = find_log(db_, name).value();
    if (!readers_[log.number])
      readers_[log.number] = PlanLogReader::open(db_, table_, log.number).value();
    return *readers_[log.number];
  }
  // Pages of one change are as one page; `after` as given.
  std::vector<std::string> told(const ChangeLogName& name = kOne, uint64_t after = 0,
                                uint64_t until = UINT64_MAX >> 1) {
    std::vector<std::string> whole = read(name, after, until, 1000);
    EXPECT_EQ(read(name, after, until, 1), whole);
    return whole;
  }
  std::vector<std::string> read(const ChangeLogName& name, uint64_t after, uint64_t until,
                                size_t changes_max) {
    std::vector<std::string> out;
    numbers_.clear();
    origins_.clear();
    PlanLog log = *find_log(db_, name).value().plan;
    for (;;) {
      Status status = reader(name).read(log, after, until, changes_max, 1 << 20, page_);
      EXPECT_TRUE(status.ok()) << status.error().message();
      if (!status.ok()) return out;
      for (const Change& change : page_.changes) {
        EXPECT_TRUE(change.has_old || change.has_new);
        EXPECT_GT(change.number, numbers_.empty() ? after : numbers_.back());
        numbers_.push_back(change.number);
        origins_.push_back(change.origin);
        out.push_back(json(change.has_old, change.old_root) + " -> " +
                      json(change.has_new, change.new_root));
      }
      EXPECT_EQ(page_.next > after, after < std::min(until, log.last));
      if (page_.next == after) return out;
      after = page_.next;
    }
  }
  // Without what left its item as it was.
  std::vector<std::string> changed(const ChangeLogName& name = kOne) {
    std::vector<std::string> out = told(name);
    std::erase_if(out, [](const std::string& change) {
      size_t arrow = change.find(" -> ");
      return change.substr(0, arrow) == change.substr(arrow + 4);
    });
    return out;
  }
  std::string json(bool has, uint32_t root) {
    return has ? ddb::canonical_item_json(page_.items.item(root)) : "";
  }
  static std::string canonical(const std::string& json) {
    return json.empty() ? "" : ddb::canonical_item_json(mapping::TestItem(json).view());
  }
  static std::string step(const std::string& from, const std::string& to) {
    return canonical(from) + " -> " + canonical(to);
  }
  static std::string order(const std::string& o, const std::string& more = "") {
    return R"({"pk":{"S":"C#1"},"sk":{"S":"O#)" + o + "\"}" + more + "}";
  }
  static std::string lines(const std::vector<std::string>& skus) {
    std::string out;
    for (const std::string& sku : skus)
      out += (out.empty() ? "" : ",") + (R"({"M":{"sku":{"S":")" + sku + "\"}}}");
    return R"(,"lines":{"L":[)" + out + "]}";
  }
  int64_t count(const std::string& from) {
    return db_.query_int64("SELECT count(*) FROM " + from).value();
  }

  static inline const ChangeLogName kOne{"plan", "one"}, kTwo{"plan", "two"};
  io::SqliteDb db_;
  ServedTable table_;
  WriteMark mark_;
  std::map<int64_t, std::unique_ptr<PlanLogReader>> readers_;
  ChangePage page_;
  std::vector<uint64_t> numbers_;
  std::vector<std::string> origins_;
};

}  // namespace offramp::target::sqlite::serve
