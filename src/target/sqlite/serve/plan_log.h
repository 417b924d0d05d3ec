// Change logs of plans' tables; all inside the caller's transaction.
//
//   _offramp_logs            has them too (change_log.h)
//   _offramp_plan_logs (number, until, next)   one row per such log; when it has ended, `until` is
//     the last number that is told, and `next` the last that was given out since
//   _offramp_change (serial, at_ms)            one row; at_ms is NULL but while the API writes,
//     serial then is the write's
//
// plan_log_sql.h says what a log consists of. Rows are logged as they were before a change, and
// what is there now ends each row's history; so the triggers of a log that has ended stay until it
// is dropped, and log a row once more at most. Where they are gone the history has no end, and
// the log is not whole: reading it fails with "store.no_log".
#pragma once

#include <optional>

#include "io/sqlite_db.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

struct PlanLog {
  int64_t number = 0;
  std::optional<uint64_t> until;  // it has ended
  uint64_t last = 0;              // the last number that counts, told or given out as a mark
};

Status make_plan_log_tables(io::SqliteDb& db);

Result<PlanLog> plan_log_that_is_on(io::SqliteDb& db, int64_t number);
// The tables and triggers of a new log.
Status begin_plan_log(io::SqliteDb& db, const ServedTable& table, int64_t number);
Status end_plan_log(io::SqliteDb& db, const ServedTable& table, int64_t number);
Status drop_plan_log(io::SqliteDb& db, int64_t number);
// As Store's methods.
Result<ChangeLogRange> plan_log_range(io::SqliteDb& db, const PlanLog& log);
Result<uint64_t> plan_log_mark(io::SqliteDb& db, const PlanLog& log);
Result<uint64_t> trim_plan_log(io::SqliteDb& db, const PlanLog& log, int64_t before_ms);

// Whether every change of a row has been logged until now.
Result<bool> plan_log_is_whole(io::SqliteDb& db, const ServedTable& table, int64_t number);
// Ends the table's logs that are not whole; whether one was on.
Result<bool> end_broken_plan_logs(io::SqliteDb& db, const ServedTable& table);

// Says that what comes is one write of the API, so that each log has its changes of an item as one.
// Inside a savepoint: an error takes back the saying too. Of one connection.
class WriteMark {
 public:
  // False, and nothing to end, where no such log is kept.
  Result<bool> begin(io::SqliteDb& db);
  Status end() { return end_.run(); }

 private:
  io::SqliteStatement any_log_, begin_, end_;
};

}  // namespace offramp::target::sqlite::serve
