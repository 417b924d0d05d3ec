#include "target/sqlite/serve/change_log.h"

#include <algorithm>

#include "target/sqlite/schema.h"
#include "target/sqlite/serve/plan_log.h"
#include "target/sqlite/serve/plan_log_sql.h"

namespace offramp::target::sqlite::serve {

using mapping::Column;
using mapping::Table;

namespace {

// Rows that one call of trim_log looks at: at most twice 400 KB each.
constexpr int kTrimRowsMax = 1000;

Error no_log(const ChangeLogName& name) {
  return Error(ErrorKind::kConfig, "store.no_log", "there is no change log " + name.label);
}

std::string list_of(const Table& table, const std::string& before, const std::string& name_start) {
  std::string out;
  for (const Column& column : table.columns)
    out += ", " + before + quote_name(name_start + column.name);
  return out;
}

// Whether any of the columns [from, to) has another value.
std::string differs(const Table& table, size_t from, size_t to) {
  std::string out;
  for (size_t i = from; i < to; ++i) {
    std::string name = quote_name(table.columns[i].name);
    out += (out.empty() ? "" : " OR ") + ("OLD." + name) + " IS NOT NEW." + name;
  }
  return out.empty() ? "0" : out;
}

// INSERT of one change with the row `old` or `new` or both.
std::string log_row(const Table& table, int64_t number, bool has_old, bool has_new) {
  std::string columns = "at_ms, origin, has", values = kNowMsSql;
  values.append(", ").append(kOriginSql).append(", ").append(std::to_string(has_old + 2 * has_new));
  if (has_old) {
    columns += list_of(table, "", "old_");
    values += list_of(table, "OLD.", "");
  }
  if (has_new) {
    columns += list_of(table, "", "new_");
    values += list_of(table, "NEW.", "");
  }
  return "INSERT INTO " + quote_name(log_table_name(number)) + " (" + columns + ") VALUES (" +
         values + "); ";
}

constexpr std::string_view kTriggers[] = {"_insert", "_update", "_key", "_delete"};

std::string trigger_name(int64_t number, std::string_view which) {
  return quote_name(log_table_name(number) + std::string(which));
}

Status make_triggers(io::SqliteDb& db, const Table& table, int64_t number) {
  auto make = [&](std::string_view which, const std::string& when, const std::string& rows) {
    return db.execute("CREATE TRIGGER " + trigger_name(number, which) + " AFTER " + when +
                      " BEGIN " + rows + "END");
  };
  std::string on = " ON " + quote_name(table.name);
  std::string other_key = differs(table, 0, table.key_columns);
  TRY(make("_insert", "INSERT" + on, log_row(table, number, false, true)));
  TRY(make("_delete", "DELETE" + on, log_row(table, number, true, false)));
  TRY(make("_update",
           "UPDATE" + on + " WHEN NOT (" + other_key + ") AND (" +
               differs(table, table.key_columns, table.columns.size()) + ")",
           log_row(table, number, true, true)));
  return make("_key", "UPDATE" + on + " WHEN " + other_key,
              log_row(table, number, true, false) + log_row(table, number, false, true));
}

Status drop_triggers(io::SqliteDb& db, int64_t number) {
  for (std::string_view which : kTriggers)
    TRY(db.execute("DROP TRIGGER IF EXISTS " + trigger_name(number, which)));
  return {};
}

Status grow_logs_version(io::SqliteDb& db) {
  return db.execute("UPDATE _offramp_logs_version SET version = version + 1");
}

// The number of the table's log that is on; 0: none is.
Result<int64_t> log_that_is_on(io::SqliteDb& db, const ServedTable& table) {
  io::SqliteStatement find =
      TRY(db.prepare("SELECT number FROM _offramp_logs WHERE table_id = ?1 AND is_on"));
  find.bind(1, std::string_view(table.id));
  return TRY(find.step()) ? find.int64(0) : int64_t{0};
}

Status switch_off(io::SqliteDb& db, const ServedTable& table, int64_t number) {
  TRY(table.made_here ? drop_triggers(db, number) : end_plan_log(db, table, number));
  TRY(db.execute("UPDATE _offramp_logs SET is_on = 0 WHERE number = " + std::to_string(number)));
  return grow_logs_version(db);
}

}  // namespace

std::string log_table_name(int64_t number) { return "_offramp_log_" + std::to_string(number); }

Status make_log_tables(io::SqliteDb& db) {
  TRY(db.execute(
      "CREATE TABLE IF NOT EXISTS _offramp_origin (label TEXT NOT NULL) STRICT;"
      "CREATE TABLE IF NOT EXISTS _offramp_logs_version (version INTEGER NOT NULL) STRICT;"
      "INSERT INTO _offramp_logs_version SELECT 1 "
      "WHERE NOT EXISTS (SELECT 1 FROM _offramp_logs_version);"
      "CREATE TABLE IF NOT EXISTS _offramp_logs (number INTEGER PRIMARY KEY AUTOINCREMENT, "
      "table_id TEXT NOT NULL, label TEXT NOT NULL, into_table TEXT NOT NULL, "
      "json TEXT NOT NULL, is_on INTEGER NOT NULL, UNIQUE (table_id, label)) STRICT"));
  return make_plan_log_tables(db);
}

Result<LogPlace> find_log(io::SqliteDb& db, const ChangeLogName& name) {
  io::SqliteStatement find = TRY(db.prepare(
      "SELECT l.number, p.number, p.until, p.next FROM _offramp_logs AS l LEFT JOIN "
      "_offramp_plan_logs AS p ON p.number = l.number WHERE l.table_id = ?1 AND l.label = ?2"));
  find.bind(1, std::string_view(name.table_id));
  find.bind(2, std::string_view(name.label));
  if (!TRY(find.step())) return no_log(name);
  LogPlace out{find.int64(0), std::nullopt};
  if (find.is_null(1)) return out;
  if (find.is_null(2))
    out.plan = TRY(plan_log_that_is_on(db, out.number));
  else
    out.plan = PlanLog{out.number, static_cast<uint64_t>(find.int64(2)),
                       static_cast<uint64_t>(find.int64(3))};
  return out;
}

Result<std::vector<std::string>> columns_of(io::SqliteDb& db, const std::string& table) {
  io::SqliteStatement rows = TRY(db.prepare("SELECT name FROM pragma_table_info(?1)"));
  rows.bind(1, std::string_view(table));
  std::vector<std::string> out;
  while (TRY(rows.step())) out.emplace_back(rows.text(0));
  return out;
}

Result<uint64_t> last_number(io::SqliteDb& db, int64_t number) {
  std::string name = log_table_name(number);
  // A statement that failed halfway and kept its rows (OR FAIL) has not written what it gave out.
  io::SqliteStatement find =
      TRY(db.prepare("SELECT max(seq, ifnull((SELECT max(number) FROM " + quote_name(name) +
                     "), 0)) FROM sqlite_sequence WHERE name = ?1"));
  find.bind(1, std::string_view(name));
  if (!TRY(find.step()))
    return Error(ErrorKind::kCorrupt, "sqlite.log", "the table " + name + " has lost its numbers");
  return static_cast<uint64_t>(find.int64(0));
}

Status begin_log(io::SqliteDb& db, const ServedTable& table, const ChangeLogEntry& entry) {
  if (TRY(log_that_is_on(db, table)) != 0)
    return Error(ErrorKind::kConflict, "store.catalog_changed", "a change log is on already");
  const Table& spec = table.mapping->tables()[0];
  io::SqliteStatement insert =
      TRY(db.prepare("INSERT INTO _offramp_logs (table_id, label, into_table, json, is_on) "
                     "VALUES (?1, ?2, ?3, ?4, 1)"));
  insert.bind(1, std::string_view(entry.name.table_id));
  insert.bind(2, std::string_view(entry.name.label));
  insert.bind(3, std::string_view(spec.name));
  insert.bind(4, std::string_view(entry.json));
  TRY(insert.run());
  int64_t number = sqlite3_last_insert_rowid(db.get());
  if (!table.made_here) {
    TRY(begin_plan_log(db, table, number));
    return grow_logs_version(db);
  }
  TRY(db.execute("CREATE TABLE " + quote_name(log_table_name(number)) +
                 " (number INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, "
                 "origin TEXT, has INTEGER NOT NULL" +
                 list_of(spec, "", "old_") + list_of(spec, "", "new_") + ")"));
  TRY(db.execute("INSERT INTO sqlite_sequence VALUES ('" + log_table_name(number) + "', 0)"));
  TRY(make_triggers(db, spec, number));
  return grow_logs_version(db);
}

Status end_log(io::SqliteDb& db, const ServedTable& table, const ChangeLogName& name) {
  return switch_off(db, table, TRY(find_log(db, name)).number);
}

Status end_logs_of(io::SqliteDb& db, const ServedTable& table) {
  int64_t number = TRY(log_that_is_on(db, table));
  if (number == 0) return {};
  return switch_off(db, table, number);
}

Result<bool> end_broken_logs(io::SqliteDb& db, const ServedTable& table) {
  if (table.made_here || !TRY(end_broken_plan_logs(db, table))) return false;
  TRY(grow_logs_version(db));
  return true;
}

Status widen_log(io::SqliteDb& db, const ServedTable& table) {
  int64_t number = TRY(log_that_is_on(db, table));
  if (number == 0) return {};
  const Table& spec = table.mapping->tables()[0];
  std::string log = log_table_name(number);
  std::vector<std::string> known = TRY(columns_of(db, log));
  for (const Column& column : spec.columns)
    for (const char* start : {"old_", "new_"}) {
      std::string name = start + column.name;
      if (std::find(known.begin(), known.end(), name) == known.end())
        TRY(db.execute("ALTER TABLE " + quote_name(log) + " ADD COLUMN " + quote_name(name)));
    }
  TRY(drop_triggers(db, number));
  return make_triggers(db, spec, number);
}

Result<std::vector<ChangeLogEntry>> read_logs(io::SqliteDb& db) {
  io::SqliteStatement rows = TRY(db.prepare(
      "SELECT table_id, label, json, is_on FROM _offramp_logs ORDER BY table_id, label"));
  std::vector<ChangeLogEntry> out;
  while (TRY(rows.step()))
    out.push_back({{std::string(rows.text(0)), std::string(rows.text(1))},
                   std::string(rows.text(2)),
                   rows.int64(3) != 0});
  return out;
}

Status update_log(io::SqliteDb& db, const ChangeLogName& name, std::string_view expected_json,
                  std::string_view json) {
  io::SqliteStatement update = TRY(db.prepare(
      "UPDATE _offramp_logs SET json = ?4 WHERE table_id = ?1 AND label = ?2 AND json = ?3"));
  update.bind(1, std::string_view(name.table_id));
  update.bind(2, std::string_view(name.label));
  update.bind(3, expected_json);
  update.bind(4, json);
  TRY(update.run());
  if (sqlite3_changes(db.get()) != 1)
    return Error(ErrorKind::kConflict, "store.catalog_changed",
                 "the entry of change log " + name.label + " has been changed meanwhile");
  return grow_logs_version(db);
}

Result<ChangeLogRange> log_range(io::SqliteDb& db, const ChangeLogName& name) {
  auto [number, plan] = TRY(find_log(db, name));
  if (plan) return plan_log_range(db, *plan);
  ChangeLogRange out;
  // The later first: what is written in between must not make first > next.
  uint64_t first = static_cast<uint64_t>(TRY(
      db.query_int64("SELECT ifnull(min(number), 0) FROM " + quote_name(log_table_name(number)))));
  out.next = TRY(last_number(db, number)) + 1;
  out.first = first == 0 ? out.next : first;
  return out;
}

Result<uint64_t> log_mark(io::SqliteDb& db, const ChangeLogName& name) {
  auto [number, plan] = TRY(find_log(db, name));
  if (plan) return plan_log_mark(db, *plan);
  uint64_t mark = TRY(last_number(db, number)) + 1;
  TRY(db.execute("UPDATE sqlite_sequence SET seq = " + std::to_string(mark) + " WHERE name = '" +
                 log_table_name(number) + "'"));
  return mark;
}

Result<uint64_t> trim_log(io::SqliteDb& db, const ChangeLogName& name, int64_t before_ms) {
  auto [number, plan] = TRY(find_log(db, name));
  if (plan) return trim_plan_log(db, *plan, before_ms);
  std::string log = quote_name(log_table_name(number));
  io::SqliteStatement trim =
      TRY(db.prepare("DELETE FROM " + log + " WHERE at_ms < ?1 AND number IN (SELECT number FROM " +
                     log + " ORDER BY number LIMIT " + std::to_string(kTrimRowsMax) + ")"));
  trim.bind(1, before_ms);
  TRY(trim.run());
  return static_cast<uint64_t>(sqlite3_changes(db.get()));
}

Status drop_log(io::SqliteDb& db, const ChangeLogName& name) {
  auto [number, plan] = TRY(find_log(db, name));
  std::string numbered = std::to_string(number);
  if (TRY(db.query_int64("SELECT is_on FROM _offramp_logs WHERE number = " + numbered)) != 0)
    return Error(ErrorKind::kConflict, "store.catalog_changed",
                 "the change log " + name.label + " has not ended");
  TRY(db.execute("DELETE FROM _offramp_logs WHERE number = " + numbered));
  if (plan) return TRY(drop_plan_log(db, number)), grow_logs_version(db);
  TRY(db.execute("DROP TABLE IF EXISTS " + quote_name(log_table_name(number))));
  return grow_logs_version(db);
}

}  // namespace offramp::target::sqlite::serve
