#include "target/postgres/serve/catalog.h"

#include <fmt/format.h>

#include <charconv>

#include "target/postgres/bookkeeping.h"
#include "target/postgres/ddl.h"
#include "target/postgres/serve/change_logs.h"
#include "target/postgres/serve/transaction.h"

namespace offramp::target::postgres {

using mapping::Table;
using mapping::TableRole;

namespace {

constexpr const char* kCreate =
    "CREATE SCHEMA IF NOT EXISTS offramp;"
    "CREATE TABLE IF NOT EXISTS offramp.served "
    "(name text COLLATE \"C\" PRIMARY KEY, id text NOT NULL, entry text NOT NULL);"
    "CREATE TABLE IF NOT EXISTS offramp.served_version (version bigint NOT NULL, format int NOT "
    "NULL);"
    "INSERT INTO offramp.served_version SELECT 1, 1 WHERE NOT EXISTS (SELECT 1 FROM "
    "offramp.served_version)";

constexpr const char* kRaiseVersion =
    "UPDATE offramp.served_version SET version = version + 1";  // locks the row until the commit

Error no_table(std::string_view name) {
  return Error(ErrorKind::kConfig, "store.no_table",
               fmt::format("there is no table '{}' in the catalog any more", name));
}

// Sparse: an index of CreateTable has only the items that have all its attributes.
std::string sparse_index_sql(std::string_view schema, const Table& table,
                             const mapping::Index& index) {
  std::string sql = create_index_sql(schema, table, index), there;
  for (uint32_t column : index.columns)
    if (column >= table.key_columns)
      there += fmt::format("{}{} IS NOT NULL", there.empty() ? "" : " AND ",
                           quote_identifier(table.columns[column].name));
  return there.empty() ? sql : sql + " WHERE " + there;
}

// Part of a transaction.
Status add_entry(Connection& connection, const ServedTable& table, std::string_view json) {
  TRY(connection.execute(kRaiseVersion, "change the catalog"));
  QueryResult added =
      TRY(connection.query("INSERT INTO offramp.served VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                           {table.name, table.id, std::string(json)}, "add to the catalog"));
  if (added.affected() == 1) return {};
  return Error(ErrorKind::kConflict, "store.table_exists",
               fmt::format("the table '{}' exists", table.name));
}

std::string create_sql(std::string_view schema, const ServedTable& served) {
  std::string sql;
  for (const Table& table : served.mapping->tables()) {
    std::string create = create_table_sql(schema, table);
    create.pop_back();  // the closing parenthesis
    sql += fmt::format("{}, PRIMARY KEY ({}))", create, column_list(table, table.key_columns));
    // Room for new versions of rows beside the old ones.
    if (table.role == TableRole::kParent) sql += " WITH (fillfactor = 90)";
    sql += ";";
    for (const mapping::Index& index : table.indexes)
      sql += sparse_index_sql(schema, table, index) + ";";
  }
  return sql;
}

}  // namespace

Status prepare_catalog(Connection& connection) {
  QueryResult there =
      TRY(connection.query("SELECT to_regclass('offramp.served_version') IS NOT NULL AND "
                           "to_regclass('offramp.logs_version') IS NOT NULL",
                           {}, "look at the catalog"));
  if (there.text(0, 0) != "t")
    TRY(in_transaction(connection, [&]() -> Status {
      TRY(connection.execute(kPrepareLock, "wait for another offramp"));
      TRY(connection.execute(kCreate, "create the catalog"));
      return connection.execute(kCreateLogCatalog, "create the catalog");
    }));
  QueryResult format =
      TRY(connection.query("SELECT format FROM offramp.served_version", {}, "read the catalog"));
  if (format.rows() != 1 || format.text(0, 0) != std::to_string(kCatalogFormat))
    return Error(
        ErrorKind::kUnsupported, "postgres.version",
        connection.where() +
            ": the catalog of served tables is another version's; use that version of offramp");
  return {};
}

Result<uint64_t> read_catalog_version(Connection& connection) {
  QueryResult version =
      TRY(connection.query("SELECT version FROM offramp.served_version", {}, "read the catalog"));
  uint64_t out = 0;
  if (version.rows() == 1) {
    std::string_view text = version.text(0, 0);
    std::from_chars(text.data(), text.data() + text.size(), out);
  }
  return out;
}

Result<std::vector<CatalogEntry>> read_catalog(Connection& connection) {
  QueryResult rows = TRY(connection.query("SELECT name, entry FROM offramp.served ORDER BY name",
                                          {}, "read the catalog"));
  std::vector<CatalogEntry> out;
  for (int i = 0; i < rows.rows(); ++i)
    out.push_back({std::string(rows.text(i, 0)), std::string(rows.text(i, 1))});
  return out;
}

Status create_served_table(Connection& connection, std::string_view schema,
                           const ServedTable& table, std::string_view json) {
  return in_transaction(connection, [&]() -> Status {
    TRY(add_entry(connection, table, json));
    Status created = connection.execute(create_sql(schema, table), "create the table");
    // A table, an index or a type of this name.
    const std::string& state = connection.last_sqlstate();
    if (!created.ok() && (state == "42P07" || state == "42710" || state == "23505"))
      return Error(ErrorKind::kConflict, "store.name_taken", created.error().message());
    return created;
  });
}

Status adopt_served_table(Connection& connection, const ServedTable& table, std::string_view json) {
  return in_transaction(connection, [&] { return add_entry(connection, table, json); });
}

Status raise_served_version(Connection& connection) {
  return connection.execute(kRaiseVersion, "change the catalog");
}

Status change_served_entry(Connection& connection, std::string_view name, std::string_view expected,
                           std::string_view json) {
  TRY(raise_served_version(connection));
  QueryResult changed = TRY(connection.query(
      "UPDATE offramp.served SET entry = $3 WHERE name = $1 AND entry = $2",
      {std::string(name), std::string(expected), std::string(json)}, "change the catalog"));
  if (changed.affected() == 1) return {};
  return Error(ErrorKind::kConflict, "store.catalog_changed",
               fmt::format("the entry of '{}' was changed by someone else", name));
}

Status update_served_entry(Connection& connection, std::string_view name, std::string_view expected,
                           std::string_view json) {
  return in_transaction(connection,
                        [&] { return change_served_entry(connection, name, expected, json); });
}

Status drop_served_table(Connection& connection, std::string_view schema,
                         const ServedTable& table) {
  return in_transaction(connection, [&]() -> Status {
    TRY(connection.execute(kRaiseVersion, "change the catalog"));
    QueryResult removed =
        TRY(connection.query("DELETE FROM offramp.served WHERE name = $1 AND id = $2",
                             {table.name, table.id}, "change the catalog"));
    if (removed.affected() != 1) return no_table(table.name);
    TRY(end_logs_of(connection, table.id));
    std::string sql;
    // Who dropped it with SQL has done that part.
    for (const Table& part : table.mapping->tables())
      sql += fmt::format("{}{}", sql.empty() ? "" : ", ", qualified(schema, part.name));
    return connection.execute("DROP TABLE IF EXISTS " + sql, "drop the table");
  });
}

}  // namespace offramp::target::postgres
