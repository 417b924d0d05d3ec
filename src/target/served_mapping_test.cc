// The mapping of a created table: column names any database takes, and every item comes back.
#include "target/served_mapping.h"

#include <gtest/gtest.h>

#include "mapping/mapping_test.h"

namespace offramp::target {
namespace {

using ddb::Type;

mapping::Limits postgres_like() {
  mapping::Limits limits;
  limits.index_bytes_max = 2600;
  limits.column_names_reserved = {"ctid", "xmin"};
  return limits;
}

ServedTable table(std::string name, std::string pk = "pk", std::string sk = "sk") {
  ServedTable out;
  out.name = std::move(name);
  out.id = "0d2f";
  out.key = {{std::move(pk), Type::kS}, model::KeyAttribute{std::move(sk), Type::kN}};
  return out;
}

std::vector<std::string> columns_of(const ServedTable& table) {
  std::vector<std::string> names;
  for (const mapping::Column& column : table.mapping->tables()[0].columns)
    names.push_back(column.name);
  return names;
}

TEST(ServedMapping, KeysAndIndexAttributesAreColumns) {
  ServedTable orders = table("Orders");
  orders.indexes = {{"byTotal", {{"status", Type::kS}}, {{"total", Type::kN}}, false},
                    {"local", {{"pk", Type::kS}}, {{"status", Type::kS}}, true}};
  orders.into = plain_table_name(orders, postgres_like());
  ASSERT_TRUE(make_mapping(orders, postgres_like()).ok());
  const mapping::Table& made = orders.mapping->tables()[0];
  EXPECT_EQ(made.name, "Orders");
  EXPECT_EQ(columns_of(orders), (std::vector<std::string>{"pk", "sk", "status", "total", "extra"}));
  EXPECT_EQ(made.key_columns, 2u);
  ASSERT_EQ(made.indexes.size(), 2u);
  EXPECT_EQ(made.indexes[0].columns, (std::vector<uint32_t>{2, 3, 0, 1}));
  EXPECT_EQ(made.indexes[1].columns, (std::vector<uint32_t>{0, 2, 1}));
}

TEST(ServedMapping, NamesThatNeedCare) {
  mapping::Limits limits = postgres_like();
  ServedTable odd = table("my.table-1", "ctid", "CTID");
  odd.indexes = {{"i", {{"a b", Type::kS}}, {{"extra", Type::kB}}, false}};
  odd.into = plain_table_name(odd, limits);
  ASSERT_TRUE(make_mapping(odd, limits).ok());
  EXPECT_TRUE(odd.into.starts_with("my_table_1_")) << odd.into;
  std::vector<std::string> columns = columns_of(odd);
  EXPECT_TRUE(columns[0].starts_with("ctid_"));
  EXPECT_TRUE(columns[1].starts_with("CTID_"));
  EXPECT_NE(columns[0].substr(4), columns[1].substr(4));
  EXPECT_TRUE(columns[2].starts_with("a_b_"));
  EXPECT_EQ(columns[3], "extra");
  EXPECT_TRUE(columns[4].starts_with("extra_"));

  ServedTable longest = table(std::string(255, 'x'), std::string(255, 'p'), std::string(254, 'p'));
  longest.into = unique_table_name(longest, limits);
  ASSERT_TRUE(make_mapping(longest, limits).ok());
  EXPECT_LE(longest.into.size(), 63u);
  EXPECT_NE(plain_table_name(longest, limits), longest.into);
  EXPECT_NE(columns_of(longest)[0], columns_of(longest)[1]);
}

TEST(ServedMapping, C8_EveryItemComesBack) {
  ServedTable orders = table("Orders");
  orders.indexes = {{"g", {{"status", Type::kS}}, {{"total", Type::kN}}, false}};
  orders.into = plain_table_name(orders, postgres_like());
  ASSERT_TRUE(make_mapping(orders, postgres_like()).ok());
  for (std::string item :
       {R"({"pk":{"S":"a"},"sk":{"N":"1.5"},"status":{"S":"new"},"total":{"N":"12"},"x":{"L":[]}})",
        R"({"pk":{"S":"a"},"sk":{"N":"1"},"status":{"N":"7"},"total":{"NULL":true}})",
        R"({"pk":{"S":"a\u0000b"},"sk":{"N":"-1"}})"}) {
    mapping::TestItem in(item);
    mapping::Splitter splitter(orders.mapping);
    mapping::RowBatch rows;
    rows.reset(orders.mapping->tables().size());
    std::string why;
    mapping::Outcome outcome = splitter.split(in.view(), rows, why);
    ASSERT_TRUE(outcome == mapping::Outcome::kRow || outcome == mapping::Outcome::kOverflow) << why;
    mapping::Assembler assembler(orders.mapping);
    ddb::ItemBatch out;
    ASSERT_TRUE(
        assembler.assemble(splitter.table(), rows.tables[splitter.table()].cells.data(), {}, 0, out)
            .ok());
    EXPECT_TRUE(ddb::equal(in.view(), out.item(0))) << item;
  }
}

}  // namespace
}  // namespace offramp::target
