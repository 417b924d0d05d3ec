// The plan file's words: every type has one, reading takes back what writing gives, aliases mean
// what people expect.
#include "model/mapping_spec.h"

#include <gtest/gtest.h>

namespace offramp::model {
namespace {

TEST(MappingSpec, EveryColumnTypeReadsBackItsOwnName) {
  for (int i = 0; i <= static_cast<int>(ColumnType::kByteaArray); ++i) {
    ColumnType type = static_cast<ColumnType>(i);
    EXPECT_NE(column_type_name(type), "?");
    EXPECT_EQ(column_type_from_name(column_type_name(type)), type);
  }
  EXPECT_EQ(column_type_names().size(), static_cast<size_t>(ColumnType::kByteaArray) + 1);
}

TEST(MappingSpec, EveryTimeFormatReadsBackItsOwnName) {
  for (int i = 0; i <= static_cast<int>(TimeFormat::kEpochMs); ++i) {
    TimeFormat format = static_cast<TimeFormat>(i);
    EXPECT_NE(time_format_name(format), "?");
    EXPECT_EQ(time_format_from_name(time_format_name(format)), format);
  }
}

TEST(MappingSpec, AliasesAndCase) {
  const std::pair<const char*, ColumnType> cases[] = {
      {"string", ColumnType::kText},      {"int", ColumnType::kBigint},
      {"integer", ColumnType::kBigint},   {"decimal", ColumnType::kNumeric},
      {"float", ColumnType::kDouble},     {"double precision", ColumnType::kDouble},
      {"bool", ColumnType::kBoolean},     {"blob", ColumnType::kBytea},
      {"binary", ColumnType::kBytea},     {"timestamp", ColumnType::kTimestamptz},
      {"json", ColumnType::kJsonb},       {"BIGINT", ColumnType::kBigint},
      {"TEXT[]", ColumnType::kTextArray},
  };
  for (const auto& [name, type] : cases) EXPECT_EQ(column_type_from_name(name), type) << name;
  EXPECT_EQ(column_type_from_name("texte"), std::nullopt);
  EXPECT_EQ(column_type_from_name(""), std::nullopt);
  EXPECT_EQ(time_format_from_name("epoch"), std::nullopt);
}

}  // namespace
}  // namespace offramp::model
