// The SQL text of ordered reads: a run of columns with equality in front, a range behind, in one
// direction.
//
// A Read says which statement is needed and is its key in the statement cache; the parameters are
// numbered in the order of the fields.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mapping/compiled_mapping.h"

namespace offramp::target::sqlite::serve {

enum class Compare : uint8_t { kNone, kGreater, kGreaterEqual, kLess, kLessEqual };

// How a column of a path holds an attribute's values.
enum class ValueForm : uint8_t {
  kColumn,       // as a column of the attribute's type
  kShortNumber,  // numbers of at most kLateNumberMax characters; longer ones as text
  kBase64,       // bytes as base64, which is not in their order
};
constexpr size_t kLateNumberMax = 15;

// The columns of a table that one kind of read goes along, and the SQL index for it.
struct Path {
  std::vector<std::string> columns;  // SQL expressions: partition, then sort, then key
  // By columns: what they hold, whole. Empty for the partition columns of a table with key
  // templates.
  std::vector<model::KeyAttribute> attributes;
  std::vector<model::ColumnType> types;
  uint32_t partition = 0;  // the first so many columns
  std::string not_null;    // " AND …": the partial index's condition; empty: none
  std::string index_name;  // for INDEXED BY; empty: let SQLite choose
  // Of an index with a table of its own (late_index.h):
  std::string from;                       // what stands behind FROM
  std::vector<ValueForm> forms;           // by columns
  std::vector<std::string> text_numbers;  // by columns: SELECT of entries with a number as text
};

struct Read {
  uint32_t path = 0;                                       // the caller's number
  uint32_t equal = 0;                                      // columns with = in front
  Compare lower = Compare::kNone, upper = Compare::kNone;  // on the column after these
  Compare after = Compare::kNone;  // the row of all columns after `equal`, compared as one value
  bool forward = true;
  bool segmented = false;  // parameters SEGMENTS, SEGMENT at the end
  uint64_t code() const {
    return (uint64_t{path} << 32) | (uint64_t{equal} << 16) | (static_cast<uint64_t>(lower) << 12) |
           (static_cast<uint64_t>(upper) << 9) | (static_cast<uint64_t>(after) << 6) |
           (uint64_t{forward} << 1) | uint64_t{segmented};
  }
};

// SELECT of all columns of `table` along `path`.
std::string read_sql(const mapping::Table& table, const Path& path, const Read& read);

// The name in SQL of the function that Read::segmented needs.
constexpr const char* kSegmentFunction = "offramp_segment";

}  // namespace offramp::target::sqlite::serve
