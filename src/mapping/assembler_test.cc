// Rows that a database gives back: reordered JSON is fine, what this mapping cannot have written is
// an error (kCorrupt).
#include "mapping/mapping_test.h"

namespace offramp::mapping {
namespace {

using model::ColumnType;

class AssemblerTest : public testing::Test {
 protected:
  AssemblerTest() {
    model::TableMapping mapping =
        table("t", {column("a", {"a"}, ColumnType::kText),
                    column("city", {"address", "city"}, ColumnType::kText)});
    mapping.key = {{"pk", "C#{x}#{y}", {}}, {"sk", "{sk}", {}}};
    model::ChildSpec lines;
    lines.name = "lines";
    lines.from = {"lines"};
    lines.columns = {column("sku", {"sku"}, ColumnType::kText)};
    mapping.children = {lines};
    mapping_ = compiled({mapping});
    assembler_ = std::make_unique<Assembler>(mapping_);
    // x, y, sk, a, city, extra
    row_.resize(6);
    set(0, "1");
    set(1, "2");
    set(2, "s");
    children_.resize(1);
  }
  void set(size_t at, std::string_view text) { row_[at] = Cell::text(CellKind::kText, text); }
  void extra(std::string_view json) { row_[5] = Cell::text(CellKind::kJson, json); }
  void child(int64_t ordinal, std::string_view sku) {
    auto& cells = children_[0].cells;
    cells.insert(cells.end(), row_.begin(), row_.begin() + 3);
    cells.push_back(Cell::int64(ordinal));
    cells.push_back(Cell::text(CellKind::kText, sku));
    cells.push_back({});
    ++children_[0].rows;
  }
  // The item's canonical JSON, or the error's message.
  std::string assembled() {
    ddb::ItemBatch batch;
    Status done = assembler_->assemble(0, row_.data(), children_, 3, batch);
    if (done.ok()) return ddb::canonical_item_json(batch.item(0));
    EXPECT_EQ(done.error().kind(), ErrorKind::kCorrupt);
    EXPECT_TRUE(batch.nodes().empty());
    return done.error().message();
  }

  std::shared_ptr<const CompiledMapping> mapping_;
  std::unique_ptr<Assembler> assembler_;
  std::vector<Cell> row_;
  std::vector<TableRows> children_;
};

TEST_F(AssemblerTest, ExtraComesBackInAnyOrderWithBlanks) {
  set(4, "Ulm");
  extra(R"({ "z" : {"N": "1.50"}, "address" : { "M" : { "zip" : { "S" : "8" } } } })");
  EXPECT_EQ(
      assembled(),
      R"({"address":{"M":{"city":{"S":"Ulm"},"zip":{"S":"8"}}},"pk":{"S":"C#1#2"},"sk":{"S":"s"},"z":{"N":"1.5"}})");
}

TEST_F(AssemblerTest, ExtraWinsOverTheColumn) {
  set(3, "column");
  set(4, "Ulm");
  extra(R"({"a":{"N":"1"},"address":{"S":"whole"}})");
  EXPECT_EQ(assembled(),
            R"({"a":{"N":"1"},"address":{"S":"whole"},"pk":{"S":"C#1#2"},"sk":{"S":"s"}})");
}

TEST_F(AssemblerTest, WhatThisMappingCannotHaveWrittenIsCorrupt) {
  using testing::HasSubstr;
  extra(R"({"pk":{"S":"x"}})");
  EXPECT_THAT(assembled(), HasSubstr("table 't': the `extra` column holds the key attribute 'pk'"));
  extra(R"({"b":"no type"})");
  EXPECT_THAT(assembled(), HasSubstr("no attributes in DynamoDB JSON"));
  extra(R"({"b":{"L":[{"$ABSENT":true}]}})");
  EXPECT_THAT(assembled(), HasSubstr("absent"));
  extra(R"({"secret":{"S":"content")");
  EXPECT_THAT(assembled(), testing::Not(HasSubstr("secret")));
  row_[5] = {};
  row_[3] = Cell::int64(1);
  EXPECT_THAT(assembled(), HasSubstr("column 'a': the cell is not a text"));
  row_[3] = {};
  set(0, "1#");
  EXPECT_THAT(assembled(), HasSubstr("its template uses to tell columns apart"));
  row_[0] = {};
  EXPECT_THAT(assembled(), HasSubstr("key attribute 'pk': a key column is NULL"));
}

TEST_F(AssemblerTest, ChildRowsComeInOrderOfTheOrdinal) {
  child(0, "a");
  child(5, "b");  // a row that went away at the target shows as a difference, not as an error
  EXPECT_EQ(
      assembled(),
      R"({"lines":{"L":[{"M":{"sku":{"S":"a"}}},{"M":{"sku":{"S":"b"}}}]},"pk":{"S":"C#1#2"},"sk":{"S":"s"}})");
  child(5, "c");
  EXPECT_THAT(assembled(),
              testing::HasSubstr("child table 'lines': the rows are not in order of 'ordinal'"));
}

TEST_F(AssemblerTest, OverflowRowsHoldTheWholeItem) {
  std::vector<Cell> row{
      Cell::text(CellKind::kBytes, "0123456789abcdef"), Cell::text(CellKind::kText, "why"),
      Cell::text(CellKind::kJson, R"({"$M64":[["AA==",{"S":"x"}],["cGs=",{"$S64":"AA=="}]]})")};
  ddb::ItemBatch batch;
  ASSERT_TRUE(assembler_->assemble(mapping_->overflow_table(), row.data(), {}, 0, batch).ok());
  EXPECT_EQ(batch.item(0).find("pk").bytes(), std::string_view("\0", 1));
  row[2] = Cell::text(CellKind::kJson, "[]");
  Status done = assembler_->assemble(mapping_->overflow_table(), row.data(), {}, 0, batch);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind(), ErrorKind::kCorrupt);
  EXPECT_EQ(batch.size(), 1u);
}

// An attribute column takes every value, whatever its type.
TEST(AttributeColumn, C8_TakesEveryValue) {
  RoundTrip trip(
      compiled({table("everything", {column("all", {"attributes"}, ColumnType::kAttribute)})},
               key_schema(ddb::Type::kS, std::nullopt)));
  TestItem item(
      R"({"pk":{"S":"1"},"attributes":{"M":{"n":{"NS":["3","1"]},"b":{"BS":["AA=="]},"e":{"L":[]}}}})");
  EXPECT_EQ(expect_identity(trip, item.view()), Outcome::kRow);
  EXPECT_EQ(trip.extra(), "");
}

}  // namespace
}  // namespace offramp::mapping
