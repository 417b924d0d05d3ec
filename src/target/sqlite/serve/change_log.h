// The change logs in the file; all inside the caller's transaction.
//
//   _offramp_logs (number, table_id, label, into_table, json, is_on)   one row per log
//   _offramp_logs_version (version)       one row; grows by one with every change of _offramp_logs
//   _offramp_origin (label)               empty, but for the time of a labelled write
//   _offramp_log_<number>                 one row per change:
//     number   AUTOINCREMENT, so that none is given out twice; marks take one without a row
//     at_ms    since 1970
//     origin   what _offramp_origin said, or NULL
//     has      1: an old row, 2: a new one, 3: both
//     old_…, new_…  each column of the served table, as it is stored
//
// Triggers on the served table write the rows. They need nothing of this program, so every SQL
// writer fires them; only rows that INSERT OR REPLACE or UPDATE OR REPLACE throws out are not told,
// because SQLite fires no trigger for them (unless PRAGMA recursive_triggers is on). One connection
// writes a SQLite file at a time, so the order of numbers is that of commits. Logs of plans' tables
// are other ones: plan_log.h.
#pragma once

#include "io/sqlite_db.h"
#include "target/sqlite/serve/plan_log.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

constexpr const char* kLogsVersionSql = "SELECT version FROM _offramp_logs_version";

Status make_log_tables(io::SqliteDb& db);

// As Store's methods, but for the catalog's entry.
Status begin_log(io::SqliteDb& db, const ServedTable& table, const ChangeLogEntry& entry);
Status end_log(io::SqliteDb& db, const ServedTable& table, const ChangeLogName& name);
Result<std::vector<ChangeLogEntry>> read_logs(io::SqliteDb& db);
Status update_log(io::SqliteDb& db, const ChangeLogName& name, std::string_view expected_json,
                  std::string_view json);
Result<ChangeLogRange> log_range(io::SqliteDb& db, const ChangeLogName& name);
Result<uint64_t> log_mark(io::SqliteDb& db, const ChangeLogName& name);
Result<uint64_t> trim_log(io::SqliteDb& db, const ChangeLogName& name, int64_t before_ms);
Status drop_log(io::SqliteDb& db, const ChangeLogName& name);

// Ends whatever log of the table is on.
Status end_logs_of(io::SqliteDb& db, const ServedTable& table);
// Ends the log of a plan's table whose triggers are gone; false when there is none such.
Result<bool> end_broken_logs(io::SqliteDb& db, const ServedTable& table);
// The served table has columns that its log does not know: gives them to the log that is on. In the
// transaction that adds them.
Status widen_log(io::SqliteDb& db, const ServedTable& table);

struct LogPlace {
  int64_t number = 0;
  std::optional<PlanLog> plan;  // of a plan's table
};
// kConfig "store.no_log".
Result<LogPlace> find_log(io::SqliteDb& db, const ChangeLogName& name);
std::string log_table_name(int64_t number);
// The names of a table's columns.
Result<std::vector<std::string>> columns_of(io::SqliteDb& db, const std::string& table);
// The last number that the log has given out.
Result<uint64_t> last_number(io::SqliteDb& db, int64_t number);

}  // namespace offramp::target::sqlite::serve
