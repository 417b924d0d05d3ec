// Storage forms: each number has one, text order of times is their order, and everything decodes to
// the same cell (C8).
#include "target/sqlite/cells.h"

#include <gtest/gtest.h>

#include "ddb/number.h"
#include "target/sqlite/text_forms.h"

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::CellKind;
using model::ColumnType;

namespace {

class CellsTest : public testing::Test {
 protected:
  Cell encode(ColumnType type, const Cell& cell) { return encoder_.encode(type, cell, arena_); }
  Result<Cell> decode(ColumnType type, const Cell& storage) {
    table_.name = "t";
    table_.columns = {{"c", type}};
    return decoder_.decode(table_, table_.columns[0], storage, arena_, cell_arena_);
  }
  Cell number(std::string_view text) {
    return encode(ColumnType::kNumeric, Cell::text(CellKind::kNumber, text));
  }

  Encoder encoder_;
  Decoder decoder_;
  mapping::Table table_;
  base::Arena arena_, cell_arena_;
};

TEST_F(CellsTest, C11_EachNumberHasOneStorageForm) {
  struct Case {
    const char* text;
    CellKind kind;
  };
  const Case kCases[] = {
      {"0", CellKind::kInt64},
      {"-1", CellKind::kInt64},
      {"9223372036854775807", CellKind::kInt64},
      {"-9223372036854775808", CellKind::kInt64},
      {"9223372036854775808",
       CellKind::kText},  // the double is 2^63, its shortest decimal 9223372036854776000
      {"9223372036854776000", CellKind::kDouble},
      {"-9223372036854776000", CellKind::kText},  // as REAL it would equal the INTEGER -2^63
      {"10000000000000000000", CellKind::kDouble},
      {"100000000000000000000000", CellKind::kDouble},  // 1e23
      {"1.5", CellKind::kDouble},
      {"0.1", CellKind::kDouble},
      {"-0.30000000000000004", CellKind::kDouble},
      {"0.000001", CellKind::kDouble},
      {"0.10000000000000000001", CellKind::kText},
      {"99999999999999999999999999999999999999", CellKind::kText},
      {"12345678901234567890.5", CellKind::kText},
  };
  for (const Case& c : kCases) {
    Cell stored = number(c.text);
    EXPECT_EQ(static_cast<int>(stored.kind), static_cast<int>(c.kind)) << c.text;
    auto back = decode(ColumnType::kNumeric, stored);
    ASSERT_TRUE(back.ok()) << c.text;
    EXPECT_EQ(back->bytes(), c.text);
  }
}

TEST_F(CellsTest, C8_ExtremeNumbersComeBack) {
  for (int exponent = -130; exponent <= 125; ++exponent) {
    for (const char* digits : {"1", "9.99", "1.2345678901234567", "-4.9406564584124654"}) {
      auto parsed = ddb::Number::parse(std::string(digits) + "E" + std::to_string(exponent));
      if (!parsed.ok()) continue;
      std::string text = parsed->to_string();
      auto back = decode(ColumnType::kNumeric, number(text));
      ASSERT_TRUE(back.ok()) << text;
      EXPECT_EQ(back->bytes(), text);
    }
  }
}

TEST_F(CellsTest, RefusesWhatTheColumnCannotHold) {
  EXPECT_FALSE(decode(ColumnType::kNumeric, Cell::text(CellKind::kText, "1e5")).ok());
  EXPECT_FALSE(decode(ColumnType::kNumeric, Cell::real_number(1e300)).ok());
  EXPECT_FALSE(decode(ColumnType::kBoolean, Cell::int64(2)).ok());
  EXPECT_FALSE(decode(ColumnType::kTextArray, Cell::text(CellKind::kText, "[1]")).ok());
  EXPECT_FALSE(decode(ColumnType::kTextArray, Cell::text(CellKind::kText, "[\"a\"")).ok());
  EXPECT_FALSE(decode(ColumnType::kByteaArray, Cell::text(CellKind::kText, "[\"a\"]")).ok());
  auto error = decode(ColumnType::kUuid, Cell::text(CellKind::kText, "secret"));
  ASSERT_FALSE(error.ok());
  EXPECT_EQ(error.error().kind(), ErrorKind::kCorrupt);
  EXPECT_EQ(error.error().message().find("secret"), std::string::npos) << "C12";
}

TEST_F(CellsTest, ArraysAreJson) {
  Cell members[] = {Cell::text(CellKind::kText, "a\"b"), Cell::text(CellKind::kText, "")};
  Cell array;
  array.kind = CellKind::kArray;
  array.size = 2;
  array.members = members;
  Cell stored = encode(ColumnType::kTextArray, array);
  EXPECT_EQ(stored.bytes(), "[\"a\\\"b\",\"\"]");
  auto back = decode(ColumnType::kTextArray, stored);
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back->size, 2u);
  EXPECT_EQ(back->members[0].bytes(), "a\"b");
  EXPECT_EQ(back->members[1].bytes(), "");
}

TEST_F(CellsTest, OrderIsSqlites) {
  std::vector<Cell> sorted = {Cell(),
                              Cell::int64(INT64_MIN),
                              Cell::real_number(-0.5),
                              Cell::int64(0),
                              Cell::int64(9007199254740992),
                              Cell::int64(9007199254740993),
                              Cell::int64(INT64_MAX),
                              Cell::real_number(9223372036854775808.0),
                              Cell::text(CellKind::kText, ""),
                              Cell::text(CellKind::kText, "a"),
                              Cell::text(CellKind::kText, "\xC3\xA9"),
                              Cell::text(CellKind::kBytes, "")};
  for (size_t i = 0; i < sorted.size(); ++i)
    for (size_t j = 0; j < sorted.size(); ++j) {
      int order = compare_storage(sorted[i], sorted[j]);
      EXPECT_EQ(order < 0, i < j) << i << " " << j;
      EXPECT_EQ(order == 0, i == j) << i << " " << j;
    }
}

TEST(TextForms, TimestampsComeBackAndSort) {
  const int64_t kSorted[] = {-62135596800000000, -1000001,          -1, 0, 1, 999999, 1000000,
                             1709210096123456,   253402300799999999};
  std::string before;
  for (int64_t micros : kSorted) {
    char text[kTextFormMax];
    std::string written(text, write_timestamp(micros, text));
    EXPECT_EQ(parse_timestamp(written), micros) << written;
    EXPECT_LT(before, written);
    before = written;
  }
  EXPECT_EQ(before, "9999-12-31T23:59:59.999999Z");
  for (int64_t micros :
       {INT64_MIN, INT64_MAX, int64_t{253402300800000000}, int64_t{-62167219200000001}}) {
    char text[kTextFormMax];
    std::string written(text, write_timestamp(micros, text));
    EXPECT_EQ(parse_timestamp(written), micros) << written;
  }
}

TEST(TextForms, ReadsWhatApplicationsWriteAndNothingElse) {
  EXPECT_EQ(parse_timestamp("1970-01-01 00:00:01"), 1'000'000);
  EXPECT_EQ(parse_timestamp("1970-01-01T00:00:00.5+00:00"), 500'000);
  for (const char* bad :
       {"", "1970-01-01", "1970-02-30T00:00:00Z", "1970-01-01T24:00:00Z", "1970-01-01T00:00:00.Z",
        "1970-01-01T00:00:00.1234567Z", "1970-01-01T00:00:00+01:00", "70-01-01T00:00:00Z"})
    EXPECT_FALSE(parse_timestamp(bad)) << bad;
  EXPECT_EQ(parse_date("2000-02-29"), 11016);
  EXPECT_FALSE(parse_date("1900-02-29"));
  EXPECT_FALSE(parse_date("2000-02-29 "));
  for (int64_t day = -800'000; day < 3'000'000; day += 97) {
    char text[kTextFormMax];
    EXPECT_EQ(parse_date({text, write_date(day, text)}), day);
  }
}

}  // namespace

}  // namespace offramp::target::sqlite
