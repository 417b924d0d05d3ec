#include "target/sqlite/serve/catalog.h"

#include "target/sqlite/schema.h"
#include "target/sqlite/serve/change_log.h"
#include "target/sqlite/serve/index_paths.h"
#include "target/sqlite/serve/late_index.h"
#include "target/sqlite/serve/plan_access.h"

namespace offramp::target::sqlite::serve {

namespace {

Result<bool> has_row(io::SqliteDb& db, std::string_view sql, std::string_view parameter) {
  io::SqliteStatement statement = TRY(db.prepare(sql));
  statement.bind(1, parameter);
  return statement.step();
}

Status grow_version(io::SqliteDb& db) {
  return db.execute("UPDATE _offramp_served_version SET version = version + 1");
}

Result<bool> has_entry(io::SqliteDb& db, const ServedTable& table) {
  return has_row(db, "SELECT 1 FROM _offramp_served WHERE name = ?1", table.name);
}

Error entry_exists(const ServedTable& table) {
  return Error(ErrorKind::kConflict, "store.table_exists", "there is a table " + table.name);
}

Status insert_entry(io::SqliteDb& db, const ServedTable& table, std::string_view json) {
  io::SqliteStatement insert = TRY(db.prepare("INSERT INTO _offramp_served VALUES (?1, ?2, ?3)"));
  insert.bind(1, std::string_view(table.name));
  insert.bind(2, std::string_view(table.id));
  insert.bind(3, json);
  TRY(insert.run());
  return grow_version(db);
}

}  // namespace

Status make_catalog(io::SqliteDb& db) {
  // What came last: a file of an older release has only some of it.
  if (TRY(has_row(db, "SELECT 1 FROM sqlite_master WHERE name = ?1", "_offramp_plan_logs")))
    return {};
  return in_transaction(db, [&]() -> Status {
    TRY(db.execute(
        "CREATE TABLE IF NOT EXISTS _offramp_served (name TEXT PRIMARY KEY, id TEXT NOT NULL, "
        "json TEXT NOT NULL) STRICT;"
        "CREATE TABLE IF NOT EXISTS _offramp_served_version (version INTEGER NOT NULL) STRICT;"
        "INSERT INTO _offramp_served_version SELECT 1 "
        "WHERE NOT EXISTS (SELECT 1 FROM _offramp_served_version)"));
    return make_log_tables(db);
  });
}

Result<std::vector<CatalogEntry>> read_catalog(io::SqliteDb& db) {
  io::SqliteStatement rows =
      TRY(db.prepare("SELECT name, json FROM _offramp_served ORDER BY name"));
  std::vector<CatalogEntry> out;
  while (TRY(rows.step())) out.push_back({std::string(rows.text(0)), std::string(rows.text(1))});
  return out;
}

Status create_table(io::SqliteDb& db, const ServedTable& table, std::string_view json) {
  if (TRY(has_entry(db, table))) return entry_exists(table);
  for (const std::string& name : relation_names(table))
    if (TRY(has_row(db, "SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE", name)))
      return Error(ErrorKind::kConflict, "store.name_taken",
                   "the file has something else named " + name);
  TRY(db.execute(create_table_sql(table.mapping->tables()[0])));
  for (const std::string& sql : create_indexes_sql(table)) TRY(db.execute(sql));
  return insert_entry(db, table, json);
}

Status adopt(io::SqliteDb& db, const ServedTable& table, std::string_view json) {
  if (TRY(has_entry(db, table))) return entry_exists(table);
  return insert_entry(db, table, json);
}

Status update_entry(io::SqliteDb& db, std::string_view name, std::string_view expected_json,
                    std::string_view json) {
  io::SqliteStatement update =
      TRY(db.prepare("UPDATE _offramp_served SET json = ?3 WHERE name = ?1 AND json = ?2"));
  update.bind(1, name);
  update.bind(2, expected_json);
  update.bind(3, json);
  TRY(update.run());
  if (sqlite3_changes(db.get()) != 1)
    return Error(ErrorKind::kConflict, "store.catalog_changed",
                 "the catalog's entry of " + std::string(name) + " has been changed meanwhile");
  return grow_version(db);
}

Status drop_table(io::SqliteDb& db, const ServedTable& table) {
  io::SqliteStatement remove =
      TRY(db.prepare("DELETE FROM _offramp_served WHERE name = ?1 AND id = ?2"));
  remove.bind(1, std::string_view(table.name));
  remove.bind(2, std::string_view(table.id));
  TRY(remove.run());
  if (sqlite3_changes(db.get()) != 1)
    return Error(ErrorKind::kConfig, "store.no_table", "there is no table " + table.name);
  TRY(end_logs_of(db, table));
  TRY(db.execute("DROP TABLE IF EXISTS " + quote_name(table.mapping->tables()[0].name)));
  for (const std::string& name : late_tables(table))
    TRY(db.execute("DROP TABLE IF EXISTS " + quote_name(name)));
  return grow_version(db);
}

Status attach(io::SqliteDb& db, const ServedTable& table) {
  for (const mapping::Table& t : table.mapping->tables()) {
    if (!TRY(has_row(
            db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1 COLLATE NOCASE",
            t.name)))
      return Error(ErrorKind::kConfig, "store.no_table",
                   "there is no table " + t.name + " in " + db.path() +
                       "; load it with `offramp run` first, or correct the target");
  }
  for (const std::string& sql : plan_indexes_sql(table)) TRY(db.execute(sql));
  return TRY(end_broken_logs(db, table)) ? grow_version(db) : Status();
}

}  // namespace offramp::target::sqlite::serve
