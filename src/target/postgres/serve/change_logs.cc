#include "target/postgres/serve/change_logs.h"

#include <fmt/format.h>

#include <charconv>

#include "target/postgres/ddl.h"
#include "target/postgres/serve/catalog.h"
#include "target/postgres/serve/log_sql.h"
#include "target/postgres/serve/plan_log_sql.h"
#include "target/postgres/serve/transaction.h"

namespace offramp::target::postgres {

const char* const kCreateLogCatalog =
    "CREATE TABLE IF NOT EXISTS offramp.logs (table_id text COLLATE \"C\", label text COLLATE "
    "\"C\", entry text NOT NULL, is_on boolean NOT NULL, PRIMARY KEY (table_id, label));"
    "CREATE TABLE IF NOT EXISTS offramp.logs_version (version bigint NOT NULL);"
    "INSERT INTO offramp.logs_version SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM "
    "offramp.logs_version);";

namespace {

constexpr const char* kRaiseLogsVersion =
    "UPDATE offramp.logs_version SET version = version + 1";  // locks the row until the commit
// Of the wait for a table: all its writers wait meanwhile.
constexpr const char* kTableWait = "SET LOCAL lock_timeout = '3s'";
constexpr int kLockTries = 5;
// Changes that one trim_change_log() forgets at most.
constexpr int kTrimmedMax = 5000;

uint64_t number(std::string_view text) {
  uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Error no_log(const ChangeLogName& name) {
  return Error(ErrorKind::kConfig, "store.no_log",
               fmt::format("there is no change log '{}' any more", name.label));
}

Error changed(const ChangeLogName& name) {
  return Error(ErrorKind::kConflict, "store.catalog_changed",
               fmt::format("the change log '{}' was changed by someone else", name.label));
}

LogNames names(std::string_view schema, const ChangeLogName& log) {
  return {schema, log_base_name(log)};
}

PlanLogNames plan_names(std::string_view schema, const ChangeLogName& log) {
  return {schema, log_base_name(log)};
}

Result<bool> is_of_a_plan(Connection& connection, std::string_view schema,
                          const ChangeLogName& log) {
  QueryResult there =
      TRY(connection.query("SELECT to_regclass($1) IS NOT NULL", {plan_names(schema, log).items()},
                           "look at a change log"));
  return there.text(0, 0) == "t";
}

// The tables of the served table, in the order in which its writers touch them.
Status lock_tables(Connection& connection, std::string_view schema, const ServedTable& table,
                   const char* mode) {
  TRY(connection.execute(kTableWait, "bound a wait"));
  for (const mapping::Table& part : table.mapping->tables())
    TRY(connection.execute(
        fmt::format("LOCK TABLE ONLY {} IN {} MODE", qualified(schema, part.name), mode),
        "wait for the table's writers"));
  return {};
}

// A transaction whose first steps lock the tables. A plan's are touched by their writers in any
// order, so that it may have to be tried again.
template <class Steps>
Status with_locked_tables(Connection& connection, std::string_view schema, const ServedTable& table,
                          const char* mode, Steps steps) {
  for (int tries = 1;; ++tries) {
    bool conflict = false;
    Status status = in_transaction(connection, [&]() -> Status {
      Status locked = lock_tables(connection, schema, table, mode);
      conflict = !locked.ok() && is_conflict(connection.last_sqlstate());
      TRY(std::move(locked));
      return steps();
    });
    if (!conflict || tries == kLockTries) return status;
  }
}

// A query on a log; that its table is not there means that there is none.
Result<QueryResult> ask_log(Connection& connection, const ChangeLogName& name,
                            const std::string& sql, const std::vector<std::string>& parameters) {
  auto result = connection.query(sql, parameters, "use a change log");
  if (!result.ok() && connection.last_sqlstate() == "42P01") return no_log(name);
  return result;
}

}  // namespace

Result<uint64_t> read_logs_version(Connection& connection) {
  QueryResult version =
      TRY(connection.query("SELECT version FROM offramp.logs_version", {}, "read the catalog"));
  return version.rows() == 1 ? number(version.text(0, 0)) : 0;
}

Result<std::vector<ChangeLogEntry>> read_logs(Connection& connection) {
  QueryResult rows = TRY(connection.query(
      "SELECT table_id, label, entry, is_on FROM offramp.logs ORDER BY table_id, label", {},
      "read the catalog"));
  std::vector<ChangeLogEntry> out;
  for (int i = 0; i < rows.rows(); ++i)
    out.push_back({{std::string(rows.text(i, 0)), std::string(rows.text(i, 1))},
                   std::string(rows.text(i, 2)),
                   rows.text(i, 3) == "t"});
  return out;
}

Status begin_change_log(Connection& connection, std::string_view schema, const ServedTable& table,
                        const ChangeLogEntry& entry, std::string_view expected,
                        std::string_view json) {
  if (!table.made_here) TRY(check_plan_log(table));
  return with_locked_tables(connection, schema, table, "SHARE ROW EXCLUSIVE", [&]() -> Status {
    TRY(change_served_entry(connection, table.name, expected, json));
    TRY(connection.execute(kRaiseLogsVersion, "change the catalog"));
    QueryResult added = TRY(connection.query(
        "INSERT INTO offramp.logs SELECT $1, $2, $3, true WHERE NOT EXISTS (SELECT 1 FROM "
        "offramp.logs WHERE table_id = $1 AND is_on) ON CONFLICT DO NOTHING",
        {entry.name.table_id, entry.name.label, entry.json}, "add to the catalog"));
    if (added.affected() != 1) return changed(entry.name);
    return connection.execute(table.made_here
                                  ? create_log_sql(names(schema, entry.name), table)
                                  : create_plan_log_sql(plan_names(schema, entry.name), table),
                              "create a change log");
  });
}

Status end_change_log(Connection& connection, std::string_view schema, const ServedTable& table,
                      const ChangeLogName& name, std::string_view expected, std::string_view json) {
  return with_locked_tables(
      connection, schema, table, table.made_here ? "ACCESS EXCLUSIVE" : "SHARE ROW EXCLUSIVE",
      [&]() -> Status {
        TRY(change_served_entry(connection, table.name, expected, json));
        TRY(connection.execute(kRaiseLogsVersion, "change the catalog"));
        QueryResult ended = TRY(connection.query(
            "UPDATE offramp.logs SET is_on = false WHERE table_id = $1 AND label = $2 AND is_on",
            {name.table_id, name.label}, "change the catalog"));
        if (ended.affected() != 1) return changed(name);
        return connection.execute(table.made_here
                                      ? drop_log_triggers_sql(names(schema, name), table)
                                      : end_plan_log_sql(plan_names(schema, name), table),
                                  "end a change log");
      });
}

Status update_change_log(Connection& connection, const ChangeLogName& name,
                         std::string_view expected, std::string_view json) {
  return in_transaction(connection, [&]() -> Status {
    TRY(connection.execute(kRaiseLogsVersion, "change the catalog"));
    QueryResult updated = TRY(connection.query(
        "UPDATE offramp.logs SET entry = $4 WHERE table_id = $1 AND label = $2 AND entry = $3",
        {name.table_id, name.label, std::string(expected), std::string(json)},
        "change the catalog"));
    return updated.affected() == 1 ? Status() : changed(name);
  });
}

Status drop_change_log(Connection& connection, std::string_view schema, const ChangeLogName& name) {
  return in_transaction(connection, [&]() -> Status {
    TRY(connection.execute(kRaiseLogsVersion, "change the catalog"));
    QueryResult entry = TRY(connection.query(
        "DELETE FROM offramp.logs WHERE table_id = $1 AND label = $2 RETURNING is_on",
        {name.table_id, name.label}, "change the catalog"));
    if (entry.rows() != 1) return no_log(name);
    if (entry.text(0, 0) == "t")
      return Error(ErrorKind::kConflict, "store.log_on",
                   fmt::format("the change log '{}' has not ended", name.label));
    TRY(connection.execute(kTableWait, "bound a wait"));
    if (TRY(is_of_a_plan(connection, schema, name)))
      return connection.execute(drop_plan_log_sql(plan_names(schema, name)), "drop a change log");
    return connection.execute(drop_log_sql(names(schema, name)), "drop a change log");
  });
}

Status end_logs_of(Connection& connection, const std::string& table_id) {
  QueryResult ended =
      TRY(connection.query("UPDATE offramp.logs SET is_on = false WHERE table_id = $1 AND is_on",
                           {table_id}, "change the catalog"));
  if (ended.affected() == 0) return {};
  return connection.execute(kRaiseLogsVersion, "change the catalog");
}

Status end_lost_logs(Connection& connection, std::string_view schema, const ServedTable& table) {
  if (table.made_here) return {};
  QueryResult logs =
      TRY(connection.query("SELECT label FROM offramp.logs WHERE table_id = $1 AND is_on",
                           {table.id}, "read the catalog"));
  for (int i = 0; i < logs.rows(); ++i) {
    ChangeLogName name{table.id, std::string(logs.text(i, 0))};
    PlanLogNames log = plan_names(schema, name);
    QueryResult there =
        TRY(connection.query(plan_log_triggers_there_sql(log, table), {}, "look at a change log"));
    if (number(there.text(0, 0)) == table.mapping->tables().size()) continue;
    TRY(in_transaction(connection, [&]() -> Status {
      TRY(raise_served_version(connection));
      TRY(connection.execute(kRaiseLogsVersion, "change the catalog"));
      TRY(connection.query(
          "UPDATE offramp.logs SET is_on = false WHERE table_id = $1 AND label = $2",
          {name.table_id, name.label}, "change the catalog"));
      TRY(connection.execute(kTableWait, "bound a wait"));
      return connection.execute(empty_plan_log_sql(log), "end a change log");
    }));
  }
  return {};
}

Result<ChangeLogRange> change_log_range(Connection& connection, std::string_view schema,
                                        const ChangeLogName& name) {
  LogNames log = names(schema, name);
  // In this order: a change that comes in between is behind `next`, or is seen.
  QueryResult last = TRY(ask_log(
      connection, name,
      fmt::format("SELECT ({}), to_regclass({}) IS NOT NULL", last_number_statement(log).sql,
                  quote_literal(plan_names(schema, name).items())),
      {}));
  bool of_a_plan = last.text(0, 1) == "t";
  QueryResult first = TRY(
      ask_log(connection, name,
              of_a_plan ? "SELECT min(number) FROM " + log.table() : first_number_sql(log), {}));
  ChangeLogRange range;
  range.next = number(last.text(0, 0)) + 1;
  range.first = first.is_null(0, 0) ? range.next : number(first.text(0, 0));
  return range;
}

Result<uint64_t> mark_change_log(Connection& connection, std::string_view schema,
                                 const ChangeLogName& name) {
  QueryResult given = TRY(
      ask_log(connection, name, "SELECT nextval($1::regclass)", {names(schema, name).sequence()}));
  return number(given.text(0, 0));
}

Result<uint64_t> trim_change_log(Connection& connection, std::string_view schema,
                                 const ChangeLogName& name, int64_t before_ms) {
  LogNames log = names(schema, name);
  std::string sql = TRY(is_of_a_plan(connection, schema, name))
                        ? fmt::format("SELECT {}($1, {})", log.function("trim"), kTrimmedMax)
                        : trim_log_sql(log, kTrimmedMax);
  QueryResult trimmed = TRY(ask_log(connection, name, sql, {std::to_string(before_ms)}));
  return number(trimmed.text(0, 0));
}

}  // namespace offramp::target::postgres
