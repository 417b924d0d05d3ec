// A plan's mistakes: each is told with its place and the nearest valid name, all of them at once.
#include "mapping/mapping_test.h"

namespace offramp::mapping {
namespace {

using model::ColumnType;
using testing::AllOf;
using testing::HasSubstr;

std::string mistakes(const model::MappingSpec& spec, const model::KeySchema& key = key_schema(),
                     const Limits& limits = {}) {
  auto mapping = CompiledMapping::compile(spec, key, limits);
  if (mapping.ok()) return "none";
  EXPECT_EQ(mapping.error().kind(), ErrorKind::kConfig);
  return mapping.error().message();
}

model::TableMapping keyed(std::string into, std::string pk, std::string sk) {
  model::TableMapping mapping = table(std::move(into));
  mapping.key = {{"pk", std::move(pk), {3, 11}}, {"sk", std::move(sk), {4, 11}}};
  mapping.at = {2, 3};
  return mapping;
}

TEST(Compile, TablesComeOutInCellOrder) {
  model::TableMapping orders = keyed("orders", "C#{customer}", "O#{order}");
  orders.columns = {column("order", {}, ColumnType::kBigint),
                    column("total", {"total"}, ColumnType::kNumeric)};
  orders.children = {
      {"lines", {"lines"}, "line_no", {column("sku", {"sku"}, ColumnType::kText)}, {}}};
  orders.indexes = {{"", {"total", "order"}, {}}};
  auto mapping = compiled({orders, table("other")});
  const auto& tables = mapping->tables();
  auto names = [](const Table& t) {
    std::string out;
    for (const Column& c : t.columns) out += c.name + " ";
    return out;
  };
  ASSERT_EQ(tables.size(), 4u);
  EXPECT_EQ(names(tables[0]), "customer order total extra ");
  EXPECT_EQ(tables[0].key_columns, 2u);
  EXPECT_EQ(tables[0].columns[1].type, ColumnType::kBigint);
  EXPECT_TRUE(tables[0].columns[3].extra);
  EXPECT_EQ(tables[0].children, std::vector<uint32_t>{1});
  ASSERT_EQ(tables[0].indexes.size(), 1u);
  EXPECT_EQ(tables[0].indexes[0].name, "orders_total_order_idx");
  EXPECT_EQ(tables[0].indexes[0].columns, (std::vector<uint32_t>{2, 1}));
  EXPECT_EQ(names(tables[1]), "customer order line_no sku extra ");
  EXPECT_EQ(tables[1].role, TableRole::kChild);
  EXPECT_EQ(tables[1].key_columns, 3u);
  EXPECT_EQ(tables[1].columns[1].type, ColumnType::kBigint);
  EXPECT_EQ(names(tables[2]), "pk sk extra ");
  EXPECT_EQ(tables[2].source_mapping, 1u);
  EXPECT_EQ(tables[3].name, "offramp_overflow");
  EXPECT_EQ(names(tables[3]), "key_hash reason item ");
  EXPECT_EQ(mapping->overflow_table(), 3u);
  EXPECT_EQ(compiled({table("Offramp_overflow")})->tables()[1].name, "offramp_overflow_2");
}

TEST(Compile, KeyMistakes) {
  model::TableMapping wrong = keyed("t", "{a}{b}", "x");
  wrong.key[1].attribute = "skk";
  EXPECT_THAT(
      mistakes({wrong}),
      AllOf(HasSubstr("line 3, column 11: key attribute 'pk': the pattern '{a}{b}' is wrong at "
                      "character 4"),
            HasSubstr(
                "line 4, column 11: `key` names 'skk', which is not a key attribute of the source "
                "table ('pk' and 'sk') (did you mean 'sk'?)"),
            HasSubstr("line 2, column 3: `key` lacks the key attribute 'sk'")));
  model::TableMapping twice = keyed("t", "{a}", "{b}");
  twice.key.push_back(twice.key[0]);
  EXPECT_THAT(mistakes({twice}), HasSubstr("`key` names 'pk' twice"));
  EXPECT_THAT(mistakes({keyed("t", "A", "B")}), HasSubstr("`key` has no placeholder"));
  EXPECT_THAT(mistakes({keyed("t", "{a}", "{A}")}),
              HasSubstr("column 'A' of table 't' is there twice"));
  EXPECT_THAT(
      mistakes({keyed("t", "X{a}", "{b}")}, key_schema(ddb::Type::kN)),
      HasSubstr(
          "key attribute 'pk' is of type N: its pattern must be one placeholder such as '{pk}'"));
  model::TableMapping typed = keyed("t", "{customer}", "{b}");
  typed.columns = {column("custmer", {}, ColumnType::kBigint, 9),
                   column("b", {}, ColumnType::kBoolean, 10)};
  EXPECT_THAT(
      mistakes({typed}),
      AllOf(HasSubstr(
                "line 9, column 7: column 'custmer' has no `from` and is no placeholder of the key "
                "('customer' and 'b') (did you mean 'customer'?)"),
            HasSubstr("line 10, column 7: the key column 'b' cannot be a boolean")));
}

TEST(Compile, PathMistakes) {
  model::TableMapping t = table(
      "t",
      {column("a", {"a"}, ColumnType::kJsonb, 1), column("b", {"a", "b"}, ColumnType::kText, 2),
       column("c", {"c", "d"}, ColumnType::kText, 3), column("d", {"c"}, ColumnType::kText, 4),
       column("e", {"a"}, ColumnType::kText, 5), column("f", {"pk"}, ColumnType::kText, 6)});
  t.children = {{"kids", {"c", "d"}, "ordinal", {column("x", {}, ColumnType::kText, 8)}, {7, 1}}};
  t.drop = {{"sk"}, {"c"}, {}};
  std::string told = mistakes({t});
  EXPECT_THAT(
      told,
      HasSubstr("line 2, column 7: column 'b': 'a.b' lies inside 'a', which is taken as a whole"));
  EXPECT_THAT(told, HasSubstr("line 4, column 7: column 'd': 'c' is taken as a whole, but a part "
                              "of it is named elsewhere"));
  EXPECT_THAT(told, HasSubstr("line 5, column 7: column 'e': 'a' is named twice"));
  EXPECT_THAT(told, HasSubstr("line 6, column 7: column 'f': 'pk' is named twice"));
  EXPECT_THAT(told, HasSubstr("line 7, column 1: child 'kids': 'c.d' is named twice"));
  EXPECT_THAT(told, HasSubstr("line 8, column 7: column 'x' has no `from`"));
  EXPECT_THAT(told, HasSubstr("`drop` names 'sk', a key attribute"));
  EXPECT_THAT(told, HasSubstr("`drop`: 'c' is taken as a whole"));
  EXPECT_THAT(told, HasSubstr("`drop`: the path is empty"));
}

TEST(Compile, ColumnMistakes) {
  model::TableMapping t = table(
      "t",
      {column("x", {"x"}, ColumnType::kText, 1), column("X", {"y"}, ColumnType::kText, 2),
       column("extra", {"z"}, ColumnType::kText, 3), column("PK", {"w"}, ColumnType::kText, 4)});
  t.columns[0].time_format = model::TimeFormat::kEpochS;
  t.columns.push_back(column("n", {"m", "n"}, ColumnType::kText, 5));
  t.columns.back().null_means = model::NullMeans::kNullValue;
  t.children = {{"kids", {"kids"}, "PK", {column("extra", {"e"}, ColumnType::kText, 7)}, {6, 1}}};
  std::string told = mistakes({t});
  EXPECT_THAT(told, HasSubstr("line 1, column 7: column 'x' has a time format"));
  EXPECT_THAT(
      told,
      HasSubstr(
          "line 2, column 7: column 'X' of table 't' is there twice: as a column and as a column"));
  EXPECT_THAT(told, HasSubstr("line 3, column 7: column 'extra' of table 't' is there twice"));
  EXPECT_THAT(told, HasSubstr("line 4, column 7: column 'PK' of table 't' is there twice: as a key "
                              "column and as a column"));
  EXPECT_THAT(
      told,
      HasSubstr(
          "line 5, column 7: column 'n': SQL NULL can mean NULL only for a top-level attribute"));
  EXPECT_THAT(told, HasSubstr("line 6, column 1: column 'PK' of table 'kids' is there twice"));
  EXPECT_THAT(told, HasSubstr("line 7, column 7: column 'extra' of table 'kids' is there twice"));
}

TEST(Compile, ColumnNamesOfTheTargetsOwn) {
  Limits limits;
  limits.column_names_reserved = {"ctid", "xmin"};
  model::TableMapping t = table("t", {column("XMin", {"x"}, ColumnType::kText, 1)});
  t.children = {{"kids", {"kids"}, "ctid", {}, {6, 1}}};
  auto refused = CompiledMapping::compile({t}, key_schema(), limits);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kConfig);
  EXPECT_THAT(refused.error().message(),
              HasSubstr("line 1, column 7: column 'XMin' of table 't' has a name that the target "
                        "keeps for itself"));
  EXPECT_THAT(refused.error().message(), HasSubstr("line 6, column 1: column 'ctid'"));
  EXPECT_TRUE(CompiledMapping::compile({t}, key_schema(), {}).ok());
}

TEST(Compile, OverflowTablesOfSeveralSources) {
  auto name = [](std::string_view of, const Limits& limits = {}) {
    auto mapping = CompiledMapping::compile({table("t")}, key_schema(), limits, of);
    EXPECT_TRUE(mapping.ok());
    return (*mapping)->tables()[(*mapping)->overflow_table()].name;
  };
  EXPECT_EQ(name(""), "offramp_overflow");
  EXPECT_EQ(name("Orders"), "offramp_overflow_Orders");
  // Stored at the target: the same in every build.
  EXPECT_EQ(name("my-table.v2"), "offramp_overflow_my_table_v2_" + name("my-table.v2").substr(29));
  EXPECT_NE(name("my-table"), name("my.table"));
  EXPECT_NE(name("my-table"), name("my_table"));
  std::string a(250, 'x'), b = a + "y";
  EXPECT_EQ(name(a).size(), 63u);
  EXPECT_NE(name(a), name(b));
}

TEST(Compile, TableMistakes) {
  EXPECT_THAT(mistakes({}), HasSubstr("the plan has no tables"));
  model::TableMapping unnamed = table("");
  unnamed.at = {4, 5};
  EXPECT_THAT(mistakes({unnamed}), HasSubstr("line 4, column 5: `into` is missing"));
  model::TableMapping a = table("a"), b = table("A");
  a.match = "attribute_exists(x)";
  EXPECT_THAT(mistakes({a, b}), HasSubstr("two tables are named 'A'"));
  a.match = "attribute_exists(";
  a.at = {3, 5};
  EXPECT_THAT(mistakes({a}), HasSubstr("line 3, column 5: `match`: "));
  model::TableMapping last = table("last");
  last.at = {9, 3};
  EXPECT_THAT(mistakes({table("all"), last}),
              HasSubstr("line 9, column 3: table 'last' can never match: table 'all' before it "
                        "takes every item"));
  model::TableMapping skip = table("named");
  skip.skip = true;
  EXPECT_THAT(mistakes({skip}), HasSubstr("`skip: true` takes no `into`"));
  Limits limits;
  limits.identifier_bytes_max = 18;
  limits.columns_max = 3;
  model::TableMapping wide = table("a_name_of_19_bytes_", {column("c", {"c"}, ColumnType::kText)});
  EXPECT_THAT(
      mistakes({wide}, key_schema(), limits),
      AllOf(
          HasSubstr("table 'a_name_of_19_bytes_' is longer than the target's 18 bytes for a name"),
          HasSubstr("has 4 columns, the target takes 3")));
}

TEST(Compile, IndexMistakesAndNames) {
  model::TableMapping t = table("t", {column("total", {"total"}, ColumnType::kNumeric)});
  t.indexes = {{"", {"totl"}, {5, 2}},
               {"", {}, {6, 2}},
               {"T", {"total"}, {7, 2}},
               {"", {"extra"}, {8, 2}},
               {"", {"total", "total"}, {9, 2}}};
  std::string told = mistakes({t});
  EXPECT_THAT(
      told,
      HasSubstr(
          "line 5, column 2: an index of table 't' names the column 'totl', which the table does "
          "not have (did you mean 'total'?)"));
  EXPECT_THAT(told, HasSubstr("line 6, column 2: an index of table 't' has no columns"));
  EXPECT_THAT(told, HasSubstr("line 7, column 2: the index name 'T' is taken"));
  EXPECT_THAT(told, HasSubstr("line 8, column 2: an index of table 't' names the `extra` column"));
  EXPECT_THAT(told,
              HasSubstr("line 9, column 2: an index of table 't' names the column 'total' twice"));
  Limits limits;
  limits.identifier_bytes_max = 20;
  t.indexes = {{"", {"total"}, {}},
               {"", {"total", "pk", "sk"}, {}},
               {"", {"total", "sk", "pk"}, {}},
               {"t_total_idx", {"sk"}, {}}};
  auto mapping = compiled({t}, key_schema(), limits);
  std::set<std::string> names;
  for (const Index& index : mapping->tables()[0].indexes) {
    EXPECT_LE(index.name.size(), 20u);
    names.insert(index.name);
  }
  EXPECT_EQ(names.size(), 4u);
  EXPECT_TRUE(names.contains("t_total_idx2"));
}

}  // namespace
}  // namespace offramp::mapping
