// The catalog in the file, and the tables made here; all inside the caller's transaction.
//
//   _offramp_served (name, id, json)       one row per table made here, or adopted; id is
//   ServedTable::id _offramp_served_version (version)      one row; grows by one with every change
#pragma once

#include "target/sqlite/serve/connection.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

constexpr const char* kCatalogVersionSql = "SELECT version FROM _offramp_served_version";

Status make_catalog(io::SqliteDb& db);
Result<std::vector<CatalogEntry>> read_catalog(io::SqliteDb& db);
// As Store's methods.
Status create_table(io::SqliteDb& db, const ServedTable& table, std::string_view json);
Status adopt(io::SqliteDb& db, const ServedTable& table, std::string_view json);
Status update_entry(io::SqliteDb& db, std::string_view name, std::string_view expected_json,
                    std::string_view json);
Status drop_table(io::SqliteDb& db, const ServedTable& table);
Status attach(io::SqliteDb& db, const ServedTable& table);

}  // namespace offramp::target::sqlite::serve
