// The words of the plan file for column types and time formats: the one table of each.
//
// Writing uses the first word of a type; reading also takes the aliases that people type from
// habit. Words are compared without regard to ASCII case. No errors: an unknown word is nullopt,
// the plan reader says where it stood.
#include "model/mapping_spec.h"

#include <array>

#include "base/ascii.h"

namespace offramp::model {
namespace {

template <class T>
struct Word {
  std::string_view name;
  T value;
};
template <class T>
Word(const char*, T) -> Word<T>;  // clang 14 does not deduce aggregates

constexpr std::array kColumnTypes = {
    Word{"text", ColumnType::kText},
    Word{"bigint", ColumnType::kBigint},
    Word{"numeric", ColumnType::kNumeric},
    Word{"double", ColumnType::kDouble},
    Word{"boolean", ColumnType::kBoolean},
    Word{"bytea", ColumnType::kBytea},
    Word{"timestamptz", ColumnType::kTimestamptz},
    Word{"date", ColumnType::kDate},
    Word{"uuid", ColumnType::kUuid},
    Word{"jsonb", ColumnType::kJsonb},
    Word{"attribute", ColumnType::kAttribute},
    Word{"text[]", ColumnType::kTextArray},
    Word{"numeric[]", ColumnType::kNumericArray},
    Word{"bytea[]", ColumnType::kByteaArray},
};

constexpr std::array kColumnTypeAliases = {
    Word{"string", ColumnType::kText},
    Word{"varchar", ColumnType::kText},
    Word{"int", ColumnType::kBigint},
    Word{"integer", ColumnType::kBigint},
    Word{"int8", ColumnType::kBigint},
    Word{"decimal", ColumnType::kNumeric},
    Word{"number", ColumnType::kNumeric},
    Word{"float", ColumnType::kDouble},
    Word{"float8", ColumnType::kDouble},
    Word{"double precision", ColumnType::kDouble},
    Word{"bool", ColumnType::kBoolean},
    Word{"blob", ColumnType::kBytea},
    Word{"binary", ColumnType::kBytea},
    Word{"timestamp", ColumnType::kTimestamptz},
    Word{"timestamp with time zone", ColumnType::kTimestamptz},
    Word{"json", ColumnType::kJsonb},
    Word{"string[]", ColumnType::kTextArray},
    Word{"decimal[]", ColumnType::kNumericArray},
    Word{"blob[]", ColumnType::kByteaArray},
    Word{"binary[]", ColumnType::kByteaArray},
};

constexpr std::array kTimeFormats = {
    Word{"iso", TimeFormat::kIso},        Word{"iso-ms", TimeFormat::kIsoMs},
    Word{"iso-us", TimeFormat::kIsoUs},   Word{"iso-offset", TimeFormat::kIsoOffset},
    Word{"epoch-s", TimeFormat::kEpochS}, Word{"epoch-ms", TimeFormat::kEpochMs},
};

template <class Words>
auto find_word(const Words& words, std::string_view name)
    -> std::optional<decltype(words[0].value)> {
  for (const auto& word : words)
    if (base::same_letters(word.name, name)) return word.value;
  return std::nullopt;
}

template <class Words, class T>
std::string_view word_of(const Words& words, T value) {
  for (const auto& word : words)
    if (word.value == value) return word.name;
  return "?";
}

}  // namespace

std::string_view column_type_name(ColumnType type) { return word_of(kColumnTypes, type); }

std::optional<ColumnType> column_type_from_name(std::string_view name) {
  if (auto type = find_word(kColumnTypes, name)) return *type;
  if (auto type = find_word(kColumnTypeAliases, name)) return *type;
  return std::nullopt;
}

std::vector<std::string_view> column_type_names() {
  std::vector<std::string_view> names;
  for (const auto& word : kColumnTypes) names.push_back(word.name);
  return names;
}

std::string_view time_format_name(TimeFormat format) { return word_of(kTimeFormats, format); }

std::optional<TimeFormat> time_format_from_name(std::string_view name) {
  if (auto format = find_word(kTimeFormats, name)) return *format;
  return std::nullopt;
}

}  // namespace offramp::model
