#include "target/postgres/serve/postgres_store.h"

#include <fmt/format.h>

#include "target/postgres/ddl.h"
#include "target/postgres/open.h"
#include "target/postgres/postgres_target.h"
#include "target/postgres/serve/attach.h"
#include "target/postgres/serve/catalog.h"
#include "target/postgres/serve/change_logs.h"
#include "target/postgres/serve/index_build.h"
#include "target/postgres/serve/log_sql.h"
#include "target/postgres/serve/open.h"
#include "target/postgres/serve/retry.h"
#include "target/postgres/serve/table_size.h"

namespace offramp::target::postgres {

const StoreEntry& store_entry() {
  const Entry& target = entry();
  static const StoreEntry store{.name = target.name,
                                .url_form = target.url_form,
                                .takes = target.takes,
                                .open = &PostgresStore::open};
  return store;
}

PostgresStore::PostgresStore(std::string url, std::string schema, std::string description,
                             Connection connection)
    : url_(std::move(url)),
      schema_(std::move(schema)),
      description_(std::move(description)),
      limits_(postgres_capabilities().limits),
      horizons_(std::make_shared<LogHorizons>()),
      pool_(std::make_shared<SessionPool>(url_, schema_, horizons_)),
      queues_(std::make_shared<LoopQueues>(pool_)),
      catalog_{.mutex = {}, .connection = std::move(connection)} {}

Result<std::unique_ptr<Store>> PostgresStore::open(const std::string& url) {
  Connection connection = TRY(Connection::open(url));
  QueryResult facts = TRY(connection.query(
      "SELECT (SELECT name FROM unnest(current_schemas(false)) WITH ORDINALITY s(name, at) "
      "WHERE name <> 'offramp' ORDER BY at LIMIT 1), current_setting('server_version')",
      {}, "look at the server"));
  if (facts.is_null(0, 0))
    return Error(
        ErrorKind::kConfig, "postgres.no_schema",
        fmt::format(
            "{}: the connection's search_path names no schema that exists; create it, or set it in "
            "the URL: ?options=-csearch_path%3Dpublic",
            connection.where()));
  if (connection.server_version() < 130000)
    return Error(ErrorKind::kUnsupported, "postgres.version",
                 connection.where() + ": serving needs PostgreSQL 13 or newer");
  TRY(prepare_catalog(connection));
  std::string schema(facts.text(0, 0));
  std::string_view version = facts.text(0, 1);
  std::string description =
      fmt::format("PostgreSQL {} at {}", version.substr(0, version.find(' ')), connection.where());
  return std::unique_ptr<Store>(
      new PostgresStore(url, std::move(schema), std::move(description), std::move(connection)));
}

template <class Call>
auto PostgresStore::with_connection(Access& access, Use use, Call call)
    -> decltype(call(std::declval<Connection&>())) {
  std::optional<decltype(call(std::declval<Connection&>()))> result;
  io::run_blocking([&] { result = with_connection_here(access, use, call); });
  return std::move(*result);
}

template <class Call>
auto PostgresStore::with_connection_here(Access& access, Use use, Call& call)
    -> decltype(call(std::declval<Connection&>())) {
  std::lock_guard lock(access.mutex);
  std::optional<Connection>& connection = access.connection;
  for (bool again = use == Use::kReads;; again = false) {
    if (!connection || !connection->alive()) {
      connection.reset();
      auto opened = &access == &catalog_ ? pool_->open_beside() : Connection::open(url_);
      if (!opened.ok() && is_no_connection_left(opened.error()) && &access != &catalog_)
        return with_connection_here(catalog_, use, call);
      connection = TRY(std::move(opened));
    }
    auto result = call(*connection);
    if (result.ok()) return result;
    if (!again || connection->alive())
      return store_error(std::move(result).error(), connection->last_sqlstate());
  }
}

Result<std::unique_ptr<StoreSession>> PostgresStore::session() {
  return std::unique_ptr<StoreSession>(std::make_unique<PooledSession>(pool_, queues_));
}

Result<uint64_t> PostgresStore::catalog_version() {
  return with_connection(catalog_, Use::kReads,
                         [](Connection& c) { return read_catalog_version(c); });
}

Result<std::vector<CatalogEntry>> PostgresStore::catalog() {
  return with_connection(catalog_, Use::kReads, [](Connection& c) { return read_catalog(c); });
}

Status PostgresStore::create_table(const ServedTable& table, std::string_view json) {
  return with_connection(catalog_, Use::kWrites, [&](Connection& c) {
    return create_served_table(c, schema_, table, json);
  });
}

Status PostgresStore::update_entry(std::string_view name, std::string_view expected_json,
                                   std::string_view json) {
  return with_connection(catalog_, Use::kWrites, [&](Connection& c) {
    return update_served_entry(c, name, expected_json, json);
  });
}

Status PostgresStore::adopt(const ServedTable& table, std::string_view json) {
  return with_connection(catalog_, Use::kWrites,
                         [&](Connection& c) { return adopt_served_table(c, table, json); });
}

Status PostgresStore::begin_log(const ServedTable& table, const ChangeLogEntry& entry,
                                std::string_view expected_json, std::string_view json) {
  return with_connection(logs_, Use::kWrites, [&](Connection& c) {
    return begin_change_log(c, schema_, table, entry, expected_json, json);
  });
}

Status PostgresStore::end_log(const ServedTable& table, const ChangeLogName& name,
                              std::string_view expected_json, std::string_view json) {
  return with_connection(logs_, Use::kWrites, [&](Connection& c) {
    return end_change_log(c, schema_, table, name, expected_json, json);
  });
}

Result<uint64_t> PostgresStore::logs_version() {
  return with_connection(catalog_, Use::kReads, [](Connection& c) { return read_logs_version(c); });
}

Result<std::vector<ChangeLogEntry>> PostgresStore::logs() {
  return with_connection(catalog_, Use::kReads, [](Connection& c) { return read_logs(c); });
}

Status PostgresStore::update_log(const ChangeLogName& name, std::string_view expected_json,
                                 std::string_view json) {
  return with_connection(logs_, Use::kWrites, [&](Connection& c) {
    return update_change_log(c, name, expected_json, json);
  });
}

Result<ChangeLogRange> PostgresStore::log_range(const ChangeLogName& log) {
  return with_connection(logs_, Use::kReads,
                         [&](Connection& c) { return change_log_range(c, schema_, log); });
}

Result<uint64_t> PostgresStore::log_mark(const ChangeLogName& log) {
  // A number that is given out and not used is a gap.
  return with_connection(logs_, Use::kReads,
                         [&](Connection& c) { return mark_change_log(c, schema_, log); });
}

Result<uint64_t> PostgresStore::trim_log(const ChangeLogName& log, int64_t before_ms) {
  return with_connection(logs_, Use::kReads, [&](Connection& c) {
    return trim_change_log(c, schema_, log, before_ms);
  });
}

Status PostgresStore::drop_log(const ChangeLogName& log) {
  TRY(with_connection(logs_, Use::kWrites,
                      [&](Connection& c) { return drop_change_log(c, schema_, log); }));
  horizons_->forget(log_base_name(log));
  return {};
}

Status PostgresStore::drop_table(const ServedTable& table) {
  return with_connection(catalog_, Use::kWrites,
                         [&](Connection& c) { return drop_served_table(c, schema_, table); });
}

Status PostgresStore::attach(const ServedTable& table) {
  return with_connection(catalog_, Use::kWrites, [&](Connection& c) -> Status {
    TRY(attach_table(c, schema_, table));
    return end_lost_logs(c, schema_, table);
  });
}

Result<bool> PostgresStore::build_index(const ServedTable& table, size_t index,
                                        std::stop_token stop) {
  return postgres::build_index(url_, schema_, table, index, std::move(stop));
}

Result<bool> PostgresStore::remove_index(const ServedTable& table, size_t index) {
  return postgres::remove_index(url_, schema_, table, index);
}

Result<TableSize> PostgresStore::table_size(const ServedTable& table) {
  return with_connection(sizes_, Use::kReads,
                         [&](Connection& c) { return measure_table(c, schema_, table); });
}

}  // namespace offramp::target::postgres
