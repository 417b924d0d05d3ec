// The SQL text for a mapping's tables. Names are always quoted; nothing here talks to a database.
//
// Data tables are STRICT rowid tables without a primary key: a load appends to them five times
// faster than into a keyed table, and finish_load makes "<table>_pk". A child row's rowid tells its
// parent row's (ChildRowid below).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mapping/compiled_mapping.h"

namespace offramp::target::sqlite {

// A loaded child row's rowid is its parent row's rowid * 2^18 + ordinal, so that finish_load knows
// exactly which of several copies of a key a child belongs to. 2^18 is above any list of maps in an
// item of 400 KiB (four bytes are the least per map). Rows that come in after finish_load are tied
// to their parents by the unique key alone.
constexpr int kOrdinalBits = 18;
constexpr int64_t kOrdinalEnd = int64_t{1} << kOrdinalBits;
constexpr int64_t child_rowid(int64_t parent_rowid, int64_t ordinal) {
  return (parent_rowid << kOrdinalBits) | ordinal;
}

std::string quote_name(std::string_view name);
// As a literal.
std::string quote_text(std::string_view text);
// The name that means the rowid in this table: one of rowid, _rowid_, oid that is no column. Empty
// when all are taken.
std::string_view rowid_name(const mapping::Table& table);
// True when load inserts with explicit rowids: children and parents with children.
bool is_linked(const mapping::Table& table);

// kConfig for names that SQLite cannot take or that differ only in case.
Status check_names(const mapping::CompiledMapping& mapping);

std::string create_table_sql(const mapping::Table& table);
// `rows` rows of parameters; each row begins with the rowid when `linked`.
std::string insert_sql(const mapping::Table& table, int rows, bool linked);
std::string key_index_name(const mapping::Table& table);
std::string create_key_index_sql(const mapping::Table& table);
std::string create_index_sql(const mapping::Table& table, const mapping::Index& index);

// "a", "b": the first `count` columns.
std::string column_list(const mapping::Table& table, size_t count);
std::string all_columns(const mapping::Table& table);
// ("a", "b") OP (?1, ?2) over the first `count` columns; without parentheses and with = for OP "=".
std::string key_condition(const mapping::Table& table, size_t count, std::string_view op,
                          int first_parameter = 1);

}  // namespace offramp::target::sqlite
