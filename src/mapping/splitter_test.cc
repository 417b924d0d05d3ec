// Items become the rows that the plan says, and the rows become the identical item (C8).
#include "mapping/mapping_test.h"

namespace offramp::mapping {
namespace {

using model::ColumnType;
using model::NullMeans;

model::TableMapping orders() {
  model::TableMapping mapping =
      table("orders", {column("total", {"total"}, ColumnType::kNumeric),
                       column("city", {"address", "city"}, ColumnType::kText),
                       column("zip", {"address", "geo", "zip"}, ColumnType::kText)});
  mapping.match = "begins_with(sk, 'ORDER#')";
  mapping.key = {{"pk", "CUSTOMER#{customer_id}", {}}, {"sk", "ORDER#{order_id}", {}}};
  model::ChildSpec lines;
  lines.name = "order_lines";
  lines.from = {"lines"};
  lines.ordinal = "line_no";
  lines.columns = {column("sku", {"sku"}, ColumnType::kText),
                   column("qty", {"qty"}, ColumnType::kBigint)};
  mapping.children = {lines};
  return mapping;
}

TEST(Splitter, PutsAnOrderIntoItsColumns) {
  RoundTrip trip(compiled({orders(), table("other")}));
  TestItem item(R"({"pk":{"S":"CUSTOMER#7"},"sk":{"S":"ORDER#9"},"total":{"N":"12.50"},
    "address":{"M":{"city":{"S":"Ulm"},"geo":{"M":{"zip":{"S":"89073"}}}}},
    "lines":{"L":[{"M":{"sku":{"S":"a"},"qty":{"N":"2"}}},{"M":{}},{"M":{"sku":{"N":"1"},"note":{"S":"x"}}}]}})");
  ASSERT_EQ(expect_identity(trip, item.view()), Outcome::kRow);
  EXPECT_EQ(trip.splitter.table(), 0u);
  EXPECT_EQ(trip.splitter.source_mapping(), 0u);
  EXPECT_EQ(trip.cell(0, 0, 0).bytes(), "7");
  EXPECT_EQ(trip.cell(0, 0, 1).bytes(), "9");
  EXPECT_EQ(trip.cell(0, 0, 2).bytes(), "12.5");
  EXPECT_EQ(trip.cell(0, 0, 3).bytes(), "Ulm");
  EXPECT_EQ(trip.cell(0, 0, 4).bytes(), "89073");
  EXPECT_EQ(trip.extra(), "");
  ASSERT_EQ(trip.rows.tables[1].rows, 3u);
  EXPECT_EQ(trip.cell(1, 2, 0).bytes(), "7");
  EXPECT_EQ(trip.cell(1, 2, 1).bytes(), "9");
  EXPECT_EQ(trip.cell(1, 2, 2).integer, 2);
  EXPECT_EQ(trip.cell(1, 0, 4).integer, 2);
  EXPECT_EQ(trip.extra(1, 1), "");
  EXPECT_EQ(trip.extra(1, 2), R"({"sku":{"N":"1"},"note":{"S":"x"}})");
  EXPECT_EQ(trip.back.item(0).size(), 5u);
}

TEST(Splitter, LeavesWhatNoColumnTakesInExtra) {
  RoundTrip trip(compiled({orders(), table("other")}));
  struct Case {
    const char* rest;
    const char* extra;
  };
  const Case cases[] = {
      {R"("total":{"S":"12"})", R"({"total":{"S":"12"}})"},
      {R"("total":{"NULL":true})", R"({"total":{"NULL":true}})"},
      {R"("address":{"M":{}})", R"({"address":{"M":{}}})"},
      {R"("address":{"S":"x"})", R"({"address":{"S":"x"}})"},
      {R"("address":{"M":{"city":{"N":"1"}}})", R"({"address":{"M":{"city":{"N":"1"}}}})"},
      {R"("address":{"M":{"city":{"S":"U"},"x":{"N":"1"}}})",
       R"({"address":{"M":{"x":{"N":"1"}}}})"},
      {R"("address":{"M":{"city":{"S":"U"},"geo":{"M":{}}}})",
       R"({"address":{"M":{"geo":{"M":{}}}}})"},
      {R"("address":{"M":{"geo":{"L":[]}}})", R"({"address":{"M":{"geo":{"L":[]}}}})"},
      {R"("lines":{"L":[]})", R"({"lines":{"L":[]}})"},
      {R"("lines":{"L":[{"M":{}},{"S":"x"}]})", R"({"lines":{"L":[{"M":{}},{"S":"x"}]}})"},
      {R"("$M64":{"S":"x"},"a.b":{"B":"AA=="})", R"({"$M64":{"S":"x"},"a.b":{"B":"AA=="}})"},
      {R"("n\u0000":{"S":"v"})", R"({"$M64":[["bgA=",{"S":"v"}]]})"},
      {R"("n\u0000":{"S":"v"},"address":{"M":{"city":{"S":"a\u0000b"},"\u0000":{"SS":["\u0000"]}}})",
       R"({"$M64":[["bgA=",{"S":"v"}],["YWRkcmVzcw==",{"$M64":[["Y2l0eQ==",{"$S64":"YQBi"}],)"
       R"(["AA==",{"$SS64":["AA=="]}]]}]]})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.rest);
    TestItem item(R"({"pk":{"S":"CUSTOMER#7"},"sk":{"S":"ORDER#9"},)" + std::string(c.rest) + "}");
    ASSERT_EQ(expect_identity(trip, item.view()), Outcome::kRow);
    EXPECT_EQ(trip.extra(), c.extra);
    EXPECT_EQ(trip.extra().find('\0'), std::string::npos);
    EXPECT_EQ(trip.extra().find("\\u0000"), std::string::npos);
  }
}

TEST(Splitter, FirstTableThatMatchesAndFitsTakesTheItem) {
  model::TableMapping archived;
  archived.match = "attribute_exists(archivedAt)";
  archived.skip = true;
  model::TableMapping numbered = table("numbered", {column("id", {}, ColumnType::kBigint)});
  numbered.key = {{"pk", "N#{id}", {}}, {"sk", "{sk}", {}}};
  RoundTrip trip(compiled({archived, numbered, orders(), table("other")}));
  auto table_of = [&](std::string json) {
    TestItem item(json);
    Outcome outcome = expect_identity(trip, item.view());
    if (outcome == Outcome::kSkipped)
      return "skipped by " + std::to_string(trip.splitter.source_mapping());
    if (outcome == Outcome::kRefused) return "refused: " + trip.why;
    return trip.mapping->tables()[trip.splitter.table()].name;
  };
  EXPECT_EQ(table_of(R"({"pk":{"S":"N#1"},"sk":{"S":"a"},"archivedAt":{"N":"1"}})"),
            "skipped by 0");
  EXPECT_EQ(table_of(R"({"pk":{"S":"N#1"},"sk":{"S":"a"}})"), "numbered");
  EXPECT_EQ(table_of(R"({"pk":{"S":"N#01"},"sk":{"S":"a"}})"), "other");
  EXPECT_EQ(table_of(R"({"pk":{"S":"N#-0"},"sk":{"S":"a"}})"), "other");
  EXPECT_EQ(table_of(R"({"pk":{"S":"CUSTOMER#1"},"sk":{"S":"ORDER#1"}})"), "orders");
  EXPECT_EQ(table_of(R"({"pk":{"S":"CLIENT#1"},"sk":{"S":"ORDER#1"}})"), "other");
  EXPECT_EQ(table_of(R"({"pk":{"S":"x"}})"), "refused: the key attribute 'sk' is missing");
  EXPECT_EQ(table_of(R"({"pk":{"N":"1"},"sk":{"S":"x"}})"),
            "refused: the key attribute 'pk' is of type N, the table's key says S");
  RoundTrip strict(compiled({orders()}));
  TestItem item(R"({"pk":{"S":"x"},"sk":{"S":"y"}})");
  EXPECT_EQ(strict.split(item.view()), Outcome::kRefused);
  EXPECT_THAT(strict.why, testing::HasSubstr("no table of the plan takes it"));
}

TEST(Splitter, KeysOfEveryTypeComeBack) {
  struct Case {
    ddb::Type pk;
    ddb::Type sk;
    std::vector<model::ColumnSpec> columns;
    const char* item;
  };
  model::ColumnSpec epoch = column("sk", {}, ColumnType::kTimestamptz);
  epoch.time_format = model::TimeFormat::kEpochS;
  const Case cases[] = {
      {ddb::Type::kN, ddb::Type::kB, {}, R"({"pk":{"N":"-1E-130"},"sk":{"B":"AP8="}})"},
      {ddb::Type::kN,
       ddb::Type::kN,
       {column("pk", {}, ColumnType::kBigint), epoch},
       R"({"pk":{"N":"42"},"sk":{"N":"1704164645"}})"},
      {ddb::Type::kS,
       ddb::Type::kS,
       {column("pk", {}, ColumnType::kUuid), column("sk", {}, ColumnType::kDate)},
       R"({"pk":{"S":"123e4567-e89b-12d3-a456-426614174000"},"sk":{"S":"2024-02-29"}})"},
      {ddb::Type::kS,
       ddb::Type::kN,
       {column("pk", {}, ColumnType::kNumeric), column("sk", {}, ColumnType::kText)},
       R"({"pk":{"S":"0.5"},"sk":{"N":"0.25"}})"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.item);
    RoundTrip trip(compiled({table("t", c.columns)}, key_schema(c.pk, c.sk)));
    TestItem item(c.item);
    EXPECT_EQ(expect_identity(trip, item.view()), Outcome::kRow);
  }
}

TEST(Splitter, APlaceholderInBothAttributesMustAgree) {
  model::TableMapping users = table("users");
  users.key = {{"pk", "USER#{id}", {}}, {"sk", "PROFILE#{id}", {}}};
  RoundTrip trip(compiled({users, table("other")}));
  TestItem same(R"({"pk":{"S":"USER#1"},"sk":{"S":"PROFILE#1"}})");
  TestItem other(R"({"pk":{"S":"USER#1"},"sk":{"S":"PROFILE#2"}})");
  EXPECT_EQ(expect_identity(trip, same.view()), Outcome::kRow);
  EXPECT_EQ(trip.splitter.table(), 0u);
  EXPECT_EQ(trip.mapping->tables()[0].key_columns, 1u);
  EXPECT_EQ(expect_identity(trip, other.view()), Outcome::kRow);
  EXPECT_EQ(trip.splitter.table(), 1u);
}

TEST(Splitter, SqlNullCanMeanNull) {
  model::ColumnSpec a = column("a", {"a"}, ColumnType::kText);
  a.null_means = NullMeans::kNullValue;
  RoundTrip trip(compiled({table("t", {a})}));
  auto extra_of = [&](std::string rest) {
    TestItem item(R"({"pk":{"S":"p"},"sk":{"S":"s"})" + rest + "}");
    EXPECT_EQ(expect_identity(trip, item.view()), Outcome::kRow);
    return trip.extra();
  };
  EXPECT_EQ(extra_of(R"(,"a":{"NULL":true})"), "");
  EXPECT_EQ(extra_of(R"(,"a":{"S":"x"})"), "");
  EXPECT_EQ(extra_of(""), R"({"a":{"$ABSENT":true}})");
  EXPECT_EQ(extra_of(R"(,"b\u0000":{"S":"x"})"),
            R"({"$M64":[["YgA=",{"S":"x"}],["YQ==",{"$ABSENT":true}]]})");
  EXPECT_EQ(extra_of(R"(,"a":{"N":"1"})"), R"({"a":{"N":"1"}})");
}

TEST(Splitter, C8_KeysThatTheTargetCannotHoldOverflow) {
  Limits limits;
  limits.key_bytes_max = 20;
  RoundTrip trip(compiled({orders(), table("other")}, key_schema(), limits));
  TestItem nul(R"({"pk":{"S":"a\u0000"},"sk":{"S":"b"},"n\u0000":{"S":"\u0000"}})");
  EXPECT_EQ(expect_identity(trip, nul.view()), Outcome::kOverflow);
  EXPECT_EQ(trip.splitter.table(), trip.mapping->overflow_table());
  EXPECT_EQ(trip.cell(trip.mapping->overflow_table(), 0, 0).size, 16u);
  TestItem fits(R"({"pk":{"S":"0123456789"},"sk":{"S":"0123456789"}})");
  EXPECT_EQ(expect_identity(trip, fits.view()), Outcome::kRow);
  TestItem too_long(R"({"pk":{"S":"0123456789"},"sk":{"S":"0123456789a"}})");
  EXPECT_EQ(expect_identity(trip, too_long.view()), Outcome::kOverflow);
  limits.text_allows_nul = true;
  RoundTrip lenient(
      compiled({table("t", {column("a", {"a"}, ColumnType::kText)})}, key_schema(), limits));
  TestItem text(R"({"pk":{"S":"a\u0000"},"sk":{"S":"b"},"a":{"S":"\u0000"}})");
  EXPECT_EQ(expect_identity(lenient, text.view()), Outcome::kRow);
  EXPECT_EQ(lenient.extra(), "");
}

// A row of 400 short values: 400 bytes of one letter each with its header, 8,800 of 21 letters.
TEST(Splitter, C8_RowsThatAreTooWideOverflow) {
  model::TableMapping mapping = table("t");
  for (int i = 0; i < 400; ++i) {
    std::string name = "a" + std::to_string(i);
    mapping.columns.push_back(column(name, {name}, ColumnType::kText));
  }
  mapping.children = {{"kids", {"kids"}, "n", mapping.columns, {}}};
  Limits limits;
  limits.row_bytes_max = 7900;
  RoundTrip trip(compiled({mapping}, key_schema(), limits));
  auto members = [](size_t letters) {
    std::string json;
    for (int i = 0; i < 400; ++i)
      json += R"(,"a)" + std::to_string(i) + R"(":{"S":")" + std::string(letters, 'x') + R"("})";
    return json;
  };
  std::string key = R"({"pk":{"S":"p"},"sk":{"S":"s"})";
  EXPECT_EQ(expect_identity(trip, TestItem(key + members(1) + "}").view()), Outcome::kRow);
  EXPECT_EQ(expect_identity(trip, TestItem(key + members(21) + "}").view()), Outcome::kOverflow);
  std::string kid = R"(,"kids":{"L":[{"M":{}},{"M":{)" + members(21).substr(1) + "}}]}";
  EXPECT_EQ(expect_identity(trip, TestItem(key + kid + "}").view()), Outcome::kOverflow);
  for (uint32_t t = 0; t < 2; ++t) EXPECT_EQ(trip.rows.tables[t].rows, 0u);
  RoundTrip unbounded(compiled({mapping}));
  EXPECT_EQ(expect_identity(unbounded, TestItem(key + members(21) + kid + "}").view()),
            Outcome::kRow);
}

TEST(Splitter, C8_ValuesThatAnIndexCannotHoldOverflow) {
  model::TableMapping mapping =
      table("t", {column("a", {"a"}, ColumnType::kText), column("n", {"n"}, ColumnType::kBigint)});
  mapping.indexes = {{"", {"n"}, {}}, {"", {"n", "a"}, {}}};
  Limits limits;
  limits.index_bytes_max = 20;
  RoundTrip trip(compiled({mapping}, key_schema(), limits));
  auto item = [](size_t letters) {
    return R"({"pk":{"S":"p"},"sk":{"S":"s"},"n":{"N":"1"},"a":{"S":")" +
           std::string(letters, 'x') + R"("}})";
  };
  EXPECT_EQ(expect_identity(trip, TestItem(item(12)).view()), Outcome::kRow);
  EXPECT_EQ(expect_identity(trip, TestItem(item(13)).view()), Outcome::kOverflow);
  EXPECT_EQ(trip.rows.tables[0].rows, 0u);
}

TEST(Splitter, AnItemWithATooLongValueLeavesNoRowBehind) {
  std::string json = R"({"pk":{"S":"CUSTOMER#1"},"sk":{"S":"ORDER#1"},"lines":{"L":[{"M":{}},)"
                     R"({"M":{"sku":{"S":")" +
                     std::string(200, 'x') + R"("}}}]}})";
  TestItem item(json);
  Limits limits;
  limits.cell_bytes_max = 200;
  RoundTrip wide(compiled({orders()}, key_schema(), limits));
  EXPECT_EQ(expect_identity(wide, item.view()), Outcome::kRow);
  limits.cell_bytes_max = 199;
  RoundTrip narrow(compiled({orders()}, key_schema(), limits));
  // The item as JSON does not fit into a cell of the overflow table either.
  EXPECT_EQ(narrow.split(item.view()), Outcome::kRefused);
  EXPECT_THAT(narrow.why, testing::HasSubstr("longer than the target's 199 bytes"));
  for (const TableRows& rows : narrow.rows.tables) {
    EXPECT_EQ(rows.rows, 0u);
    EXPECT_TRUE(rows.cells.empty());
  }
}

TEST(Splitter, DroppedPathsStayBehindAndAreCounted) {
  model::TableMapping mapping = table("t", {column("keep", {"a", "keep"}, ColumnType::kText)});
  mapping.drop = {{"debug"}, {"a", "trace"}};
  RoundTrip trip(compiled({mapping}));
  TestItem item(
      R"({"pk":{"S":"p"},"sk":{"S":"s"},"debug":{"M":{"x":{"S":"y"}}},"a":{"M":{"trace":{"N":"1"}}},"u":{"N":"1"}})");
  TestItem rest(R"({"pk":{"S":"p"},"sk":{"S":"s"},"a":{"M":{}},"u":{"N":"1"}})");
  ASSERT_EQ(trip.split(item.view()), Outcome::kRow);
  ASSERT_TRUE(trip.assemble().ok());
  EXPECT_TRUE(ddb::equal(trip.back.item(0), rest.view())) << trip.extra();
  uint64_t dropped = 0;
  std::string unnamed;
  for (const AttributeFate& fate : trip.splitter.fates()) {
    dropped += fate.dropped;
    if (fate.attribute == "u") unnamed = fate.table + " " + fate.column + " " + fate.type;
    if (fate.attribute == "pk") {
      EXPECT_EQ(fate.column, "pk");
      EXPECT_EQ(fate.values, 1u);
    }
  }
  EXPECT_EQ(dropped, 2u);
  EXPECT_EQ(unnamed, "t  N");
}

TEST(Splitter, FatesAreBounded) {
  RoundTrip trip(compiled({table("t")}));
  for (int i = 0; i < 1500; ++i) {
    TestItem item(R"({"pk":{"S":"p"},"sk":{"S":"s"},"n)" + std::to_string(i) + R"(":{"N":"1"}})");
    ASSERT_EQ(expect_identity(trip, item.view()), Outcome::kRow);
  }
  auto fates = trip.splitter.fates();
  EXPECT_EQ(fates.size(), 2u + 1000u + 1u);
  EXPECT_EQ(fates.back().attribute, "(others)");
  EXPECT_EQ(fates.back().values, 500u);
}

TEST(Splitter, KeyRowsNameEveryTableThatMayHoldTheKey) {
  model::TableMapping numbered = table("numbered", {column("id", {}, ColumnType::kBigint)});
  numbered.key = {{"pk", "CUSTOMER#{id}", {}}, {"sk", "{sk}", {}}};
  numbered.match = "attribute_exists(x)";
  RoundTrip trip(compiled({numbered, orders(), table("other")}));
  auto rows_of = [&](std::string json) {
    TestItem key(json);
    RowBatch keys;
    keys.reset(trip.mapping->tables().size());
    Status done = trip.splitter.key_rows(key.view(), keys);
    EXPECT_TRUE(done.ok());
    std::string out;
    for (size_t i = 0; i < keys.tables.size(); ++i) {
      if (keys.tables[i].rows == 0) continue;
      EXPECT_EQ(keys.tables[i].cells.size(), trip.mapping->tables()[i].key_columns);
      out += trip.mapping->tables()[i].name + " ";
    }
    // The overflow key is the same as the overflow row's.
    trip.split(key.view());
    uint32_t overflow = trip.mapping->overflow_table();
    if (trip.splitter.table() == overflow) {
      EXPECT_EQ(trip.cell(overflow, 0, 0).bytes(), keys.tables[overflow].cells[0].bytes());
    }
    return out;
  };
  EXPECT_EQ(rows_of(R"({"pk":{"S":"CUSTOMER#1"},"sk":{"S":"ORDER#1"}})"),
            "numbered orders other offramp_overflow ");
  EXPECT_EQ(rows_of(R"({"sk":{"S":"x"},"pk":{"S":"CUSTOMER#x"}})"), "other offramp_overflow ");
  EXPECT_EQ(rows_of(R"({"sk":{"S":"\u0000"},"pk":{"S":"x"}})"), "offramp_overflow ");
  TestItem wrong(R"({"pk":{"S":"x"}})");
  RowBatch keys;
  Status done = trip.splitter.key_rows(wrong.view(), keys);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().kind(), ErrorKind::kBadItem);
}

}  // namespace
}  // namespace offramp::mapping
