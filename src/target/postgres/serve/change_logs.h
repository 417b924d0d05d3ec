// The catalog of change logs, beside that of tables, and what is done with a whole log.
//
// Stored form, version 1 (with that of catalog.h):
//   offramp.logs (table_id text, label text, entry text, is_on boolean, PRIMARY KEY (table_id,
//   label), both COLLATE "C")
//   offramp.logs_version (one row: version bigint, which every change of offramp.logs makes larger)
// A log's entry, its table and its triggers come and go in one transaction, which holds both
// versions' rows. The served table is locked before them, and waited for a bounded time: while it
// is waited for, its writers wait too.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "target/postgres/connection.h"
#include "target/store.h"

namespace offramp::target::postgres {

// Creates what the catalog of logs needs; for the transaction that creates the catalog.
extern const char* const kCreateLogCatalog;

Result<uint64_t> read_logs_version(Connection& connection);
Result<std::vector<ChangeLogEntry>> read_logs(Connection& connection);

// See Store; each is one transaction.
Status begin_change_log(Connection& connection, std::string_view schema, const ServedTable& table,
                        const ChangeLogEntry& entry, std::string_view expected,
                        std::string_view json);
Status end_change_log(Connection& connection, std::string_view schema, const ServedTable& table,
                      const ChangeLogName& name, std::string_view expected, std::string_view json);
Status update_change_log(Connection& connection, const ChangeLogName& name,
                         std::string_view expected, std::string_view json);
Status drop_change_log(Connection& connection, std::string_view schema, const ChangeLogName& name);
// Part of the transaction that drops the table.
Status end_logs_of(Connection& connection, const std::string& table_id);
// A plan's tables may be made anew by others: a log that has no triggers any more ends, and forgets
// what it has, because the newest states of its items are gone.
Status end_lost_logs(Connection& connection, std::string_view schema, const ServedTable& table);

Result<ChangeLogRange> change_log_range(Connection& connection, std::string_view schema,
                                        const ChangeLogName& name);
Result<uint64_t> mark_change_log(Connection& connection, std::string_view schema,
                                 const ChangeLogName& name);
Result<uint64_t> trim_change_log(Connection& connection, std::string_view schema,
                                 const ChangeLogName& name, int64_t before_ms);

}  // namespace offramp::target::postgres
