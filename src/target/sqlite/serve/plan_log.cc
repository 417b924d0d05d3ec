#include "target/sqlite/serve/plan_log.h"

#include <algorithm>

#include "target/sqlite/schema.h"
#include "target/sqlite/serve/change_log.h"
#include "target/sqlite/serve/plan_log_sql.h"

namespace offramp::target::sqlite::serve {

using mapping::Table;

namespace {

// Rows that one call of trim looks at, and the rest of the write that the last one is of.
constexpr int kTrimRowsMax = 1000;

// Names of relations of this type that begin so.
Result<std::vector<std::string>> names_of(io::SqliteDb& db, std::string_view type,
                                          const std::string& prefix) {
  io::SqliteStatement rows = TRY(db.prepare(
      "SELECT name FROM sqlite_master WHERE type = ?1 AND substr(name, 1, length(?2)) = ?2"));
  rows.bind(1, type);
  rows.bind(2, std::string_view(prefix));
  std::vector<std::string> out;
  while (TRY(rows.step())) out.emplace_back(rows.text(0));
  return out;
}

Status drop_triggers(io::SqliteDb& db, int64_t number) {
  for (const std::string& prefix : PlanLogSql(number).trigger_prefixes())
    for (const std::string& name : TRY(names_of(db, "trigger", prefix)))
      TRY(db.execute("DROP TRIGGER " + quote_name(name)));
  return {};
}

Status execute_all(io::SqliteDb& db, const std::vector<std::string>& statements) {
  for (const std::string& sql : statements) TRY(db.execute(sql));
  return {};
}

Result<bool> has_trigger(io::SqliteDb& db, const std::string& name, const std::string& table) {
  io::SqliteStatement find =
      TRY(db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ?1 "
                     "AND tbl_name = ?2 COLLATE NOCASE"));
  find.bind(1, std::string_view(name));
  find.bind(2, std::string_view(table));
  return find.step();
}

// The first number behind what goes; what is behind it stays whole, each write with all its rows.
Result<uint64_t> cut_of(io::SqliteDb& db, const PlanLog& log, int64_t before_ms) {
  std::string name = quote_name(PlanLogSql(log.number).log_table());
  io::SqliteStatement rows = TRY(db.prepare("SELECT number, at_ms, change FROM " + name +
                                            " WHERE number <= ?1 ORDER BY number"));
  rows.bind(1, static_cast<int64_t>(log.until.value_or(log.last)));
  uint64_t cut = 0;
  int64_t change = -1;
  for (int seen = 0; TRY(rows.step()); ++seen) {
    bool same = change >= 0 && !rows.is_null(2) && rows.int64(2) == change;
    if (!same && (seen >= kTrimRowsMax || rows.int64(1) >= before_ms)) break;
    change = rows.is_null(2) ? -1 : rows.int64(2);
    cut = static_cast<uint64_t>(rows.int64(0)) + 1;
  }
  return cut;
}

}  // namespace

Status make_plan_log_tables(io::SqliteDb& db) {
  return db.execute(
      "CREATE TABLE IF NOT EXISTS _offramp_change (serial INTEGER NOT NULL, at_ms INTEGER) STRICT;"
      "INSERT INTO _offramp_change SELECT 0, NULL "
      "WHERE NOT EXISTS (SELECT 1 FROM _offramp_change);"
      "CREATE TABLE IF NOT EXISTS _offramp_plan_logs (number INTEGER PRIMARY KEY, until INTEGER, "
      "next INTEGER) STRICT");
}

Result<PlanLog> plan_log_that_is_on(io::SqliteDb& db, int64_t number) {
  return PlanLog{number, std::nullopt, TRY(last_number(db, number))};
}

Status begin_plan_log(io::SqliteDb& db, const ServedTable& table, int64_t number) {
  PlanLogSql sql(number);
  TRY(db.execute(sql.create_log()));
  TRY(db.execute("INSERT INTO sqlite_sequence VALUES ('" + sql.log_table() + "', 0)"));
  for (const Table& spec : table.mapping->tables()) {
    TRY(execute_all(db, sql.create_rows(spec)));
    TRY(execute_all(db, sql.create_triggers(spec)));
  }
  return db.execute("INSERT INTO _offramp_plan_logs VALUES (" + std::to_string(number) +
                    ", NULL, NULL)");
}

Status end_plan_log(io::SqliteDb& db, const ServedTable& table, int64_t number) {
  const std::string numbered = std::to_string(number);
  if (TRY(db.query_int64("SELECT until IS NOT NULL FROM _offramp_plan_logs WHERE number = " +
                         numbered)) != 0)
    return {};
  PlanLog log = TRY(plan_log_that_is_on(db, number));
  const bool whole = TRY(plan_log_is_whole(db, table, number));
  TRY(drop_triggers(db, number));
  if (whole)
    for (const Table& spec : table.mapping->tables())
      TRY(execute_all(db, PlanLogSql(number).create_triggers_after(spec, log.last)));
  std::string last = std::to_string(log.last);
  return db.execute("UPDATE _offramp_plan_logs SET until = " + last + ", next = " + last +
                    " WHERE number = " + numbered);
}

Status drop_plan_log(io::SqliteDb& db, int64_t number) {
  PlanLogSql sql(number);
  TRY(drop_triggers(db, number));
  for (const std::string& name : TRY(names_of(db, "table", sql.rows_prefix())))
    TRY(db.execute("DROP TABLE " + quote_name(name)));
  TRY(db.execute("DROP TABLE IF EXISTS " + quote_name(sql.log_table())));
  return db.execute("DELETE FROM _offramp_plan_logs WHERE number = " + std::to_string(number));
}

Result<ChangeLogRange> plan_log_range(io::SqliteDb& db, const PlanLog& log) {
  ChangeLogRange out;
  out.next = log.last + 1;
  uint64_t first = static_cast<uint64_t>(TRY(db.query_int64(
      "SELECT ifnull(min(number), 0) FROM " + quote_name(PlanLogSql(log.number).log_table()))));
  out.first = first == 0 || first > log.until.value_or(first) ? out.next : first;
  return out;
}

Result<uint64_t> plan_log_mark(io::SqliteDb& db, const PlanLog& log) {
  uint64_t next = log.last + 1;
  if (log.until)
    TRY(db.execute("UPDATE _offramp_plan_logs SET next = " + std::to_string(next) +
                   " WHERE number = " + std::to_string(log.number)));
  else
    TRY(db.execute("UPDATE sqlite_sequence SET seq = " + std::to_string(next) + " WHERE name = '" +
                   PlanLogSql(log.number).log_table() + "'"));
  return next;
}

Result<uint64_t> trim_plan_log(io::SqliteDb& db, const PlanLog& log, int64_t before_ms) {
  uint64_t cut = TRY(cut_of(db, log, before_ms));
  if (cut == 0) return uint64_t{0};
  PlanLogSql sql(log.number);
  std::string where = " WHERE number < " + std::to_string(cut);
  std::string name = quote_name(sql.log_table());
  int64_t changes = TRY(db.query_int64(
      "SELECT count(*) - count(change) + count(DISTINCT change) FROM " + name + where));
  for (const std::string& rows : TRY(names_of(db, "table", sql.rows_prefix())))
    TRY(db.execute("DELETE FROM " + quote_name(rows) + where));
  TRY(db.execute("DELETE FROM " + name + where));
  return static_cast<uint64_t>(changes);
}

Result<bool> plan_log_is_whole(io::SqliteDb& db, const ServedTable& table, int64_t number) {
  PlanLogSql sql(number);
  for (const Table& spec : table.mapping->tables()) {
    for (const std::string& name : sql.trigger_names(spec))
      if (!TRY(has_trigger(db, name, spec.name))) return false;
    std::vector<std::string> known = TRY(columns_of(db, sql.rows_table(spec)));
    for (const mapping::Column& column : spec.columns)
      if (std::find(known.begin(), known.end(), PlanLogSql::column(column)) == known.end())
        return false;
  }
  return true;
}

Result<bool> end_broken_plan_logs(io::SqliteDb& db, const ServedTable& table) {
  std::vector<std::pair<int64_t, bool>> logs;
  {
    io::SqliteStatement find =
        TRY(db.prepare("SELECT l.number, l.is_on FROM _offramp_logs AS l JOIN _offramp_plan_logs "
                       "AS p ON p.number = l.number WHERE l.table_id = ?1"));
    find.bind(1, std::string_view(table.id));
    while (TRY(find.step())) logs.emplace_back(find.int64(0), find.int64(1) != 0);
  }
  bool ended = false;
  for (auto [number, is_on] : logs) {
    if (TRY(plan_log_is_whole(db, table, number))) continue;
    // So that it never looks whole again.
    TRY(drop_triggers(db, number));
    if (!is_on) continue;
    TRY(end_plan_log(db, table, number));
    TRY(db.execute("UPDATE _offramp_logs SET is_on = 0 WHERE number = " + std::to_string(number)));
    ended = true;
  }
  return ended;
}

Result<bool> WriteMark::begin(io::SqliteDb& db) {
  if (!end_.get()) {
    any_log_ = TRY(db.prepare("SELECT 1 FROM _offramp_plan_logs LIMIT 1"));
    begin_ = TRY(db.prepare("UPDATE _offramp_change SET serial = serial + 1, at_ms = " +
                            std::string(kNowMsSql)));
    end_ = TRY(db.prepare("UPDATE _offramp_change SET at_ms = NULL"));
  }
  const bool any = TRY(any_log_.step());
  any_log_.reset();
  if (any) TRY(begin_.run());
  return any;
}

}  // namespace offramp::target::sqlite::serve
