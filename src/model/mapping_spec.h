// The plan file's `tables:` as plain data: which items become which tables, columns, types, keys
// and indexes.
//
// Read and written by migrate/plan, compiled by mapping/compiled_mapping. Positions are kept so
// that a mistake can be reported with line and column.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::model {

// Column types of the plan file. A target says in its folder what it stores for each.
enum class ColumnType {
  kText,         // S
  kBigint,       // N that is an integer of 64 bits
  kNumeric,      // N, any
  kDouble,       // N, where the double's shortest decimal is the same value (C11)
  kBoolean,      // BOOL
  kBytea,        // B
  kTimestamptz,  // S or N in the column's TimeFormat
  kDate,         // S "YYYY-MM-DD"
  kUuid,         // S, lower-case canonical UUID
  kJsonb,  // plain JSON of M, L (and S, N, BOOL inside), where it converts back to the same value
  kAttribute,     // any value as DynamoDB JSON ({"S":"x"}); never falls back to `extra`
  kTextArray,     // SS
  kNumericArray,  // NS
  kByteaArray,    // BS
};
// The plan file's word, e.g. "timestamptz", "text[]".
std::string_view column_type_name(ColumnType type);
std::optional<ColumnType> column_type_from_name(std::string_view name);
// All the words, for error messages.
std::vector<std::string_view> column_type_names();

// How a timestamptz column's source value is written, so that it can be written back the same.
enum class TimeFormat {
  kIso,        // S 2024-01-02T03:04:05Z with 0, 3 or 6 fraction digits, as few as the value needs
  kIsoMs,      // S 2024-01-02T03:04:05.000Z, always three
  kIsoUs,      // S 2024-01-02T03:04:05.000000Z, always six
  kIsoOffset,  // S 2024-01-02T03:04:05+00:00, fraction as kIso
  kEpochS,     // N seconds since 1970
  kEpochMs,    // N milliseconds since 1970
};
std::string_view time_format_name(
    TimeFormat format);  // "iso", "iso-ms", "iso-us", "iso-offset", "epoch-s", "epoch-ms"
std::optional<TimeFormat> time_format_from_name(std::string_view name);

// What SQL NULL in a column stands for; the other meaning is kept in `extra`.
enum class NullMeans { kAbsent, kNullValue };

struct SourceLocation {
  int line = 0, column = 0;  // 1-based; 0 = not from a file
};

struct ColumnSpec {
  std::string name;
  std::vector<std::string>
      from;  // document path of map members; empty for a key column typed by `columns`
  ColumnType type = ColumnType::kText;
  TimeFormat time_format = TimeFormat::kIso;
  NullMeans null_means = NullMeans::kAbsent;
  SourceLocation at;
};

struct ChildSpec {
  std::string name;               // the child table
  std::vector<std::string> from;  // path of a list of maps
  std::string ordinal = "ordinal";
  std::vector<ColumnSpec> columns;
  SourceLocation at;
};

struct KeyTemplateSpec {
  std::string attribute;  // the source key attribute
  std::string pattern;    // "ORDER#{order_id}" or "{pk}"
  SourceLocation at;
};

struct IndexSpec {
  std::string name;  // empty: made from table and columns
  std::vector<std::string> columns;
  SourceLocation at;
};

struct TableMapping {
  std::optional<std::string> match;  // a condition expression; absent = every item
  bool skip = false;                 // items stay behind, counted
  std::string into;
  std::vector<KeyTemplateSpec>
      key;  // in key schema order; empty = one column per key attribute under its name
  std::vector<ColumnSpec> columns;
  std::vector<ChildSpec> children;
  std::vector<std::vector<std::string>> drop;  // paths of attributes left behind, reported
  std::vector<IndexSpec> indexes;
  std::string extra = "extra";  // name of the column for all that is not named
  SourceLocation at;
};

using MappingSpec = std::vector<TableMapping>;

}  // namespace offramp::model
