// Value ⇄ cell per column type: what fits comes back the same, what cannot come back does not fit
// (C8, C11).
#include "mapping/convert.h"

#include <cmath>

#include "mapping/mapping_test.h"
#include "mapping/time_text.h"

namespace offramp::mapping {
namespace {

using model::ColumnType;
using model::TimeFormat;

struct Case {
  ColumnType type;
  const char* value;  // DynamoDB JSON
  bool fits;
  TimeFormat format = TimeFormat::kIso;
};

std::string describe(const Case& c) {
  return std::string(model::column_type_name(c.type)) + " " + c.value;
}

void check(const Case& c) {
  SCOPED_TRACE(describe(c));
  ddb::ItemBatch source;
  ddb::JsonDecoder decoder;
  auto root = decoder.decode_value(c.value, "v", ddb::JsonForm::kExtra, source);
  ASSERT_TRUE(root.ok()) << root.error().message();
  ddb::ValueView value(&source.nodes()[*root]);
  Conversion conversion{c.type, c.format, false};
  base::Arena bytes, cells;
  Cell cell;
  ASSERT_EQ(to_cell(conversion, value, bytes, cells, cell), c.fits);
  if (!c.fits) {
    EXPECT_EQ(cell.kind, CellKind::kNull);
    return;
  }
  ddb::ItemBatch back;
  Status done = CellReader().read(conversion, cell, "v", back);
  ASSERT_TRUE(done.ok()) << done.error().message();
  EXPECT_TRUE(ddb::equal(value, ddb::ValueView(back.nodes().data())))
      << ddb::canonical_value_json(ddb::ValueView(back.nodes().data()));
}

TEST(Convert, C8_FitsOnlyWhatComesBack) {
  const Case cases[] = {
      {ColumnType::kText, R"({"S":""})", true},
      {ColumnType::kText, R"({"S":"a\"\\\n€😀"})", true},
      {ColumnType::kText, R"({"$S64":"YQBi"})", false},
      {ColumnType::kText, R"({"N":"1"})", false},
      {ColumnType::kText, R"({"NULL":true})", false},
      {ColumnType::kBigint, R"({"N":"0"})", true},
      {ColumnType::kBigint, R"({"N":"9223372036854775807"})", true},
      {ColumnType::kBigint, R"({"N":"-9223372036854775808"})", true},
      {ColumnType::kBigint, R"({"N":"9223372036854775808"})", false},
      {ColumnType::kBigint, R"({"N":"1.5"})", false},
      {ColumnType::kBigint, R"({"S":"1"})", false},
      {ColumnType::kNumeric, R"({"N":"0.00000000000000000000000000000000000001"})", true},
      {ColumnType::kNumeric, R"({"N":"12345678901234567890123456789012345678"})", true},
      {ColumnType::kNumeric, R"({"N":"1E125"})", true},
      {ColumnType::kNumeric, R"({"N":"-1E-130"})", true},
      {ColumnType::kNumeric, R"({"S":"1"})", false},
      {ColumnType::kDouble, R"({"N":"0.1"})", true},
      {ColumnType::kDouble, R"({"N":"-0"})", true},
      {ColumnType::kDouble, R"({"N":"1E125"})", true},
      {ColumnType::kDouble, R"({"N":"1E-130"})", true},
      {ColumnType::kDouble, R"({"N":"0.30000000000000004"})", true},
      {ColumnType::kDouble, R"({"N":"0.30000000000000001"})", false},
      {ColumnType::kDouble, R"({"N":"9007199254740993"})", false},
      {ColumnType::kDouble, R"({"N":"9007199254740992"})", true},
      {ColumnType::kDouble, R"({"N":"12345678901234567890123456789012345678"})", false},
      {ColumnType::kBoolean, R"({"BOOL":true})", true},
      {ColumnType::kBoolean, R"({"BOOL":false})", true},
      {ColumnType::kBoolean, R"({"S":"true"})", false},
      {ColumnType::kBytea, R"({"B":""})", true},
      {ColumnType::kBytea, R"({"B":"AAEC/w=="})", true},
      {ColumnType::kBytea, R"({"S":"AAEC/w=="})", false},
      {ColumnType::kUuid, R"({"S":"123e4567-e89b-12d3-a456-426614174000"})", true},
      {ColumnType::kUuid, R"({"S":"123E4567-e89b-12d3-a456-426614174000"})", false},
      {ColumnType::kUuid, R"({"S":"123e4567e89b12d3a456426614174000"})", false},
      {ColumnType::kUuid, R"({"S":"123e4567-e89b-12d3-a456-42661417400g"})", false},
      {ColumnType::kUuid, R"({"S":"123e4567-e89b-12d3-a456_426614174000"})", false},
      {ColumnType::kDate, R"({"S":"0001-01-01"})", true},
      {ColumnType::kDate, R"({"S":"9999-12-31"})", true},
      {ColumnType::kDate, R"({"S":"2024-02-29"})", true},
      {ColumnType::kDate, R"({"S":"2023-02-29"})", false},
      {ColumnType::kDate, R"({"S":"0000-01-01"})", false},
      {ColumnType::kDate, R"({"S":"2024-1-01"})", false},
      {ColumnType::kDate, R"({"S":"2024-01-01 "})", false},
      {ColumnType::kJsonb, R"({"M":{}})", true},
      {ColumnType::kJsonb, R"({"L":[]})", true},
      {ColumnType::kJsonb, R"({"L":[{"NULL":true},{"N":"1.50"},{"BOOL":false},{"S":"\u0001"}]})",
       true},
      {ColumnType::kJsonb, R"({"M":{"a.b\"c😀":{"L":[{"M":{"":{"S":""}}}]}}})", true},
      {ColumnType::kJsonb, R"({"N":"1E-130"})", true},
      {ColumnType::kJsonb, R"({"S":"x"})", true},
      {ColumnType::kJsonb, R"({"NULL":true})", false},
      {ColumnType::kJsonb, R"({"L":[{"B":""}]})", false},
      {ColumnType::kJsonb, R"({"M":{"a":{"SS":["x"]}}})", false},
      {ColumnType::kJsonb, R"({"L":[{"$S64":"AA=="}]})", false},
      {ColumnType::kJsonb, R"({"$M64":[["AA==",{"S":"x"}]]})", false},
      {ColumnType::kAttribute, R"({"NULL":true})", true},
      {ColumnType::kAttribute, R"({"$M64":[["AA==",{"$S64":"AA=="}]]})", true},
      {ColumnType::kAttribute, R"({"$SS64":["AA==","YQ=="]})", true},
      {ColumnType::kAttribute, R"({"L":[{"B":"AA=="},{"BS":["","AA=="]},{"NS":["1","2.5"]}]})",
       true},
      {ColumnType::kTextArray, R"({"SS":["b","a",""]})", true},
      {ColumnType::kTextArray, R"({"$SS64":["AA==","YQ=="]})", false},
      {ColumnType::kTextArray, R"({"L":[{"S":"a"}]})", false},
      {ColumnType::kNumericArray, R"({"NS":["10","9","-1","1E-130"]})", true},
      {ColumnType::kNumericArray, R"({"SS":["1"]})", false},
      {ColumnType::kByteaArray, R"({"BS":["/w==","AA=="]})", true},
      {ColumnType::kByteaArray, R"({"SS":["a"]})", false},
  };
  for (const Case& c : cases) check(c);
}

TEST(Convert, C8_TimesAreTakenOnlyAsTheirFormatWritesThem) {
  const ColumnType time = ColumnType::kTimestamptz;
  const Case cases[] = {
      {time, R"({"S":"2024-01-02T03:04:05Z"})", true},
      {time, R"({"S":"0001-01-01T00:00:00Z"})", true},
      {time, R"({"S":"9999-12-31T23:59:59.999999Z"})", true},
      {time, R"({"S":"1969-12-31T23:59:59.001Z"})", true},
      {time, R"({"S":"2024-01-02T03:04:05.120Z"})", true},
      {time, R"({"S":"2024-01-02T03:04:05.000Z"})", false},
      {time, R"({"S":"2024-01-02T03:04:05.123000Z"})", false},
      {time, R"({"S":"2024-01-02T03:04:05.12Z"})", false},
      {time, R"({"S":"2024-01-02T03:04:05"})", false},
      {time, R"({"S":"2024-01-02 03:04:05Z"})", false},
      {time, R"({"S":"2024-01-02t03:04:05z"})", false},
      {time, R"({"S":"2024-01-02T24:00:00Z"})", false},
      {time, R"({"S":"2016-12-31T23:59:60Z"})", false},
      {time, R"({"S":"2024-02-30T00:00:00Z"})", false},
      {time, R"({"S":"0000-01-01T00:00:00Z"})", false},
      {time, R"({"S":"2024-01-02T03:04:05+00:00"})", false},
      {time, R"({"N":"1704164645"})", false},
      {time, R"({"S":"2024-01-02T03:04:05.000Z"})", true, TimeFormat::kIsoMs},
      {time, R"({"S":"2024-01-02T03:04:05Z"})", false, TimeFormat::kIsoMs},
      {time, R"({"S":"2024-01-02T03:04:05.000001Z"})", true, TimeFormat::kIsoUs},
      {time, R"({"S":"2024-01-02T03:04:05.001Z"})", false, TimeFormat::kIsoUs},
      {time, R"({"S":"2024-01-02T03:04:05+00:00"})", true, TimeFormat::kIsoOffset},
      {time, R"({"S":"2024-01-02T03:04:05.500+00:00"})", true, TimeFormat::kIsoOffset},
      {time, R"({"S":"2024-01-02T03:04:05+01:00"})", false, TimeFormat::kIsoOffset},
      {time, R"({"N":"1704164645"})", true, TimeFormat::kEpochS},
      {time, R"({"N":"0"})", true, TimeFormat::kEpochS},
      {time, R"({"N":"-62135596800"})", true, TimeFormat::kEpochS},
      {time, R"({"N":"-62135596801"})", false, TimeFormat::kEpochS},
      {time, R"({"N":"253402300799"})", true, TimeFormat::kEpochS},
      {time, R"({"N":"253402300800"})", false, TimeFormat::kEpochS},
      {time, R"({"N":"1704164645.5"})", false, TimeFormat::kEpochS},
      {time, R"({"S":"1704164645"})", false, TimeFormat::kEpochS},
      {time, R"({"N":"1704164645123"})", true, TimeFormat::kEpochMs},
      {time, R"({"N":"-1"})", true, TimeFormat::kEpochMs},
  };
  for (const Case& c : cases) check(c);
}

TEST(Convert, EveryDayIsWrittenAsItWasRead) {
  char text[kTimeTextMax];
  for (int64_t day = kDateMin; day <= kDateMax; day += 13) {
    auto size = write_date(day, text);
    ASSERT_TRUE(size);
    ASSERT_EQ(parse_date({text, *size}), day);
  }
  EXPECT_FALSE(write_date(kDateMin - 1, text));
  EXPECT_FALSE(write_date(kDateMax + 1, text));
}

TEST(Convert, SetMembersAreInOrderSoThatCellsAreDeterministic) {
  TestItem item(R"({"n":{"NS":["10","9","-1"]},"s":{"SS":["b","a"]}})");
  base::Arena bytes, cells;
  Cell numbers, texts;
  ASSERT_TRUE(to_cell({ColumnType::kNumericArray}, item.view().find("n"), bytes, cells, numbers));
  ASSERT_TRUE(to_cell({ColumnType::kTextArray}, item.view().find("s"), bytes, cells, texts));
  EXPECT_EQ(numbers.members[0].bytes(), "-1");
  EXPECT_EQ(numbers.members[1].bytes(), "9");
  EXPECT_EQ(numbers.members[2].bytes(), "10");
  EXPECT_EQ(texts.members[0].bytes(), "a");
}

// Cells that a database can hold but this mapping never wrote.
TEST(Convert, CellsFromElsewhereAreErrorsNotCrashes) {
  auto read = [](ColumnType type, Cell cell, TimeFormat format = TimeFormat::kIso) {
    ddb::ItemBatch batch;
    Status done = CellReader().read({type, format, false}, cell, "v", batch);
    EXPECT_EQ(batch.nodes().empty(), !done.ok());
    EXPECT_TRUE(done.ok() || done.error().kind() == ErrorKind::kCorrupt);
    return done.ok();
  };
  EXPECT_FALSE(read(ColumnType::kText, Cell::int64(1)));
  EXPECT_FALSE(read(ColumnType::kBigint, Cell::text(CellKind::kText, "1")));
  EXPECT_FALSE(read(ColumnType::kNumeric, Cell::text(CellKind::kNumber, "NaN")));
  EXPECT_FALSE(read(ColumnType::kNumeric, Cell::text(CellKind::kNumber, "1e400")));
  EXPECT_TRUE(read(ColumnType::kNumeric, Cell::text(CellKind::kNumber, "1.500")));
  EXPECT_FALSE(read(ColumnType::kDouble, Cell::real_number(NAN)));
  EXPECT_FALSE(read(ColumnType::kDouble, Cell::real_number(1e300)));
  EXPECT_FALSE(read(ColumnType::kTimestamptz, Cell::int64(INT64_MAX)));
  EXPECT_FALSE(read(ColumnType::kTimestamptz, Cell::int64(1), TimeFormat::kIsoMs));
  EXPECT_FALSE(read(ColumnType::kTimestamptz, Cell::int64(1), TimeFormat::kEpochS));
  EXPECT_FALSE(read(ColumnType::kDate, Cell::int64(INT64_MIN)));
  EXPECT_FALSE(read(ColumnType::kUuid, Cell::text(CellKind::kBytes, "short")));
  EXPECT_FALSE(read(ColumnType::kJsonb, Cell::text(CellKind::kJson, "{")));
  EXPECT_FALSE(read(ColumnType::kJsonb, Cell::text(CellKind::kJson, R"(1,"w":2)")));
  EXPECT_TRUE(read(ColumnType::kJsonb, Cell::text(CellKind::kJson, R"({ "b" : 1.50 , "a":[ ] })")));
  EXPECT_FALSE(read(ColumnType::kAttribute, Cell::text(CellKind::kJson, R"({"S":1})")));
  EXPECT_FALSE(read(ColumnType::kAttribute, Cell::text(CellKind::kJson, R"({"$ABSENT":true})")));
  Cell twice[2] = {Cell::text(CellKind::kNumber, "1.0"), Cell::text(CellKind::kNumber, "1")};
  Cell array;
  array.kind = CellKind::kArray;
  array.size = 2;
  array.members = twice;
  EXPECT_FALSE(read(ColumnType::kNumericArray, array));
  EXPECT_FALSE(read(ColumnType::kTextArray, array));
}

}  // namespace
}  // namespace offramp::mapping
