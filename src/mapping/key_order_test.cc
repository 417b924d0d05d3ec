// Partitions and order of tables: whole keys, templates, bounds on either side of a literal.
#include "mapping/key_order.h"

#include "mapping/mapping_test.h"

namespace offramp::mapping {
namespace {

using ddb::Type;
using model::ColumnType;

ddb::ValueView attribute(const TestItem& item, std::string_view name) {
  return item.view().find(name);
}

std::shared_ptr<const CompiledMapping> orders(std::string partition, std::string sort) {
  model::TableMapping mapping = table("orders");
  mapping.key = {{"pk", std::move(partition), {}}, {"sk", std::move(sort), {}}};
  return compiled({mapping, table("rest")});
}

TEST(KeyOrder, WholeKeysCompareAsTheirColumns) {
  for (Type type : {Type::kS, Type::kN, Type::kB}) {
    auto mapping = compiled({table("t")}, key_schema(Type::kN, type));
    KeyOrder order = key_order(*mapping, 0);
    EXPECT_EQ(order.partition_columns, 1u);
    EXPECT_EQ(order.sort, SortOrder::kByColumn);
    EXPECT_EQ(order.sort_column, 1u);
    EXPECT_EQ(order.sort_literal, "");
  }
  auto alone = compiled({table("t")}, key_schema(Type::kS, std::nullopt));
  EXPECT_EQ(key_order(*alone, 0).sort, SortOrder::kNoSortKey);
}

TEST(KeyOrder, OnlyOneTextColumnAtTheEndKeepsTheOrder) {
  EXPECT_EQ(key_order(*orders("C#{c}", "ORDER#{o}"), 0).sort, SortOrder::kByColumn);
  EXPECT_EQ(key_order(*orders("C#{c}", "ORDER#{o}"), 0).sort_literal, "ORDER#");
  EXPECT_EQ(key_order(*orders("{a}#{b}", "ORDER#{o}"), 0).partition_columns, 2u);
  EXPECT_EQ(key_order(*orders("C#{c}", "ORDER#{o}#X"), 0).sort, SortOrder::kInMemory);
  EXPECT_EQ(key_order(*orders("C#{c}", "{o}#{p}"), 0).sort, SortOrder::kInMemory);
  EXPECT_EQ(key_order(*orders("C#{c}", "ORDER#{c}"), 0).sort, SortOrder::kInMemory);
  EXPECT_EQ(key_order(*orders("C#{c}", "PROFILE"), 0).sort, SortOrder::kInMemory);
  model::TableMapping typed = table("orders", {column("o", {}, ColumnType::kBigint)});
  typed.key = {{"pk", "C#{c}", {}}, {"sk", "ORDER#{o}", {}}};
  EXPECT_EQ(key_order(*compiled({typed}), 0).sort, SortOrder::kInMemory) << "ORDER#10 < ORDER#9";
}

TEST(KeyOrder, BoundsLieBesideOrWithinTheLiteral) {
  KeyOrder order = key_order(*orders("C#{c}", "ORDER#{o}"), 0);
  TestItem values(
      R"({"in":{"S":"ORDER#5"},"same":{"S":"ORDER#"},"below":{"S":"ORDER"},"above":{"S":"P"},)"
      R"("lower":{"S":"A"},"near":{"S":"ORDER$"}})");
  Cell cell;
  EXPECT_EQ(place_of(order, attribute(values, "in"), cell), SortPlace::kWithin);
  EXPECT_EQ(cell.bytes(), "5");
  EXPECT_EQ(place_of(order, attribute(values, "same"), cell), SortPlace::kWithin);
  EXPECT_EQ(cell.bytes(), "");
  EXPECT_EQ(place_of(order, attribute(values, "below"), cell), SortPlace::kBelowAll);
  EXPECT_EQ(place_of(order, attribute(values, "lower"), cell), SortPlace::kBelowAll);
  EXPECT_EQ(place_of(order, attribute(values, "above"), cell), SortPlace::kAboveAll);
  EXPECT_EQ(place_of(order, attribute(values, "near"), cell), SortPlace::kAboveAll);
  EXPECT_EQ(match_prefix(order, attribute(values, "below"), cell), PrefixMatch::kAll);
  EXPECT_EQ(match_prefix(order, attribute(values, "lower"), cell), PrefixMatch::kNone);
  EXPECT_EQ(match_prefix(order, attribute(values, "in"), cell), PrefixMatch::kWithin);
  EXPECT_EQ(cell.bytes(), "5");
}

TEST(KeyOrder, PartitionsAreFoundWhereTheirTemplateFits) {
  auto mapping = orders("C#{c}", "ORDER#{o}");
  PartitionCells cells(mapping);
  base::Arena arena;
  Cell cell;
  TestItem values(R"({"fits":{"S":"C#7"},"other":{"S":"USER#7"},"nul":{"S":"C#\u0000"}})");
  ASSERT_TRUE(cells.find(0, attribute(values, "fits"), arena, &cell));
  EXPECT_EQ(cell.bytes(), "7");
  EXPECT_FALSE(cells.find(0, attribute(values, "other"), arena, &cell));
  EXPECT_FALSE(cells.find(0, attribute(values, "nul"), arena, &cell)) << "it is in the overflow";
  ASSERT_TRUE(cells.find(1, attribute(values, "other"), arena, &cell));
  EXPECT_EQ(cell.bytes(), "USER#7");
}

TEST(KeyOrder, AttributesInColumnsOfTheirOwnOrder) {
  model::TableMapping mapping = table(
      "t", {column("s", {"s"}, ColumnType::kText), column("n", {"n"}, ColumnType::kNumeric),
            column("i", {"i"}, ColumnType::kBigint), column("d", {"m", "d"}, ColumnType::kText)});
  mapping.key = {{"pk", "{p}", {}}, {"sk", "S#{q}", {}}};
  Limits limits;
  auto plain = compiled({mapping}, key_schema(), limits);
  auto find = [&](std::string name, Type type) {
    return attribute_column(*plain, 0, {name, type});
  };
  EXPECT_EQ(find("s", Type::kS)->column, 2u);
  EXPECT_FALSE(find("s", Type::kS)->total);
  EXPECT_TRUE(find("n", Type::kN)->total);
  EXPECT_EQ(find("pk", Type::kS)->column, 0u);
  EXPECT_TRUE(find("pk", Type::kS)->total);
  EXPECT_FALSE(find("sk", Type::kS)) << "only part of it is in the column";
  EXPECT_FALSE(find("i", Type::kN)) << "some numbers are in extra";
  EXPECT_FALSE(find("s", Type::kN));
  EXPECT_FALSE(find("m", Type::kS));
  EXPECT_FALSE(find("unknown", Type::kS));
  limits.text_allows_nul = true;
  EXPECT_TRUE(
      attribute_column(*compiled({mapping}, key_schema(), limits), 0, {"s", Type::kS})->total);
}

}  // namespace
}  // namespace offramp::mapping
