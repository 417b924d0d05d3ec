// The SQL of one change log of a plan's table: its tables and triggers.
//
//   _offramp_log_N (number, at_ms, origin, change, table_name)   one row per changed row, in order
//     change      of the API: the number of the write, which groups its rows; NULL of SQL
//     table_name  which of the plan's the row is in
//   _offramp_rows_N_TABLE (number, change, had, c_…)     the row as it was before: `had` 0 and the
//     key alone when there was none; an index by key and number
//
// So the row under a key before number n is the first one logged from n on, or when there is none
// the one that is there now; and an item is what its rows are (plan_states.h). Triggers run before
// a row changes, so that they see what INSERT OR REPLACE is about to throw out. They only add to
// the log's tables; nothing in these refuses a row.
#pragma once

#include <string>
#include <vector>

#include "mapping/compiled_mapping.h"

namespace offramp::target::sqlite::serve {

constexpr const char* kNowMsSql =
    "CAST((julianday('now') - 2440587.5) * 86400000.0 + 0.5 AS INTEGER)";
constexpr const char* kOriginSql =
    "(SELECT label FROM _offramp_origin ORDER BY rowid DESC LIMIT 1)";

class PlanLogSql {
 public:
  explicit PlanLogSql(int64_t number) : number_(std::to_string(number)) {}

  std::string log_table() const { return "_offramp_log_" + number_; }
  // What the names of all tables of rows begin with.
  std::string rows_prefix() const { return "_offramp_rows_" + number_ + "_"; }
  std::string rows_table(const mapping::Table& table) const { return rows_prefix() + table.name; }
  static std::string column(const mapping::Column& column) { return "c_" + column.name; }
  std::vector<std::string> trigger_prefixes() const;
  std::vector<std::string> trigger_names(const mapping::Table& table) const;

  std::string create_log() const;
  std::vector<std::string> create_rows(const mapping::Table& table) const;
  // Of a log that is on: a row is logged once per write of the API.
  std::vector<std::string> create_triggers(const mapping::Table& table) const;
  // Of a log that has ended: once ever behind `until`, which keeps what it has as it was.
  std::vector<std::string> create_triggers_after(const mapping::Table& table, uint64_t until) const;

 private:
  std::string key_index(const mapping::Table& table) const;
  std::string log_row(const mapping::Table& table, const std::string& select) const;
  // `touched(side)`: whether the row with the key of OLD or NEW needs no logging any more.
  template <class Touched>
  std::vector<std::string> triggers(const mapping::Table& table, Touched touched) const;

  const std::string number_;
};

}  // namespace offramp::target::sqlite::serve
