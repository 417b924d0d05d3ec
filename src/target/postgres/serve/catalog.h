// The catalog of tables made here, in the schema `offramp` beside the bookkeeping of migrations.
//
// Stored form, version 1:
//   offramp.served (name text COLLATE "C" PRIMARY KEY, id text, entry text)
//   offramp.served_version (one row: version bigint, which every change of offramp.served makes
//   larger; format int)
// An entry and the tables that it stands for come and go in one transaction, which holds the
// version's row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "target/postgres/connection.h"
#include "target/store.h"

namespace offramp::target::postgres {

constexpr int kCatalogFormat = 1;

// Creates what is missing.
Status prepare_catalog(Connection& connection);
Result<uint64_t> read_catalog_version(Connection& connection);
Result<std::vector<CatalogEntry>> read_catalog(Connection& connection);

// See Store; each is one transaction.
Status create_served_table(Connection& connection, std::string_view schema,
                           const ServedTable& table, std::string_view json);
// Adds the entry alone.
Status adopt_served_table(Connection& connection, const ServedTable& table, std::string_view json);
Status update_served_entry(Connection& connection, std::string_view name, std::string_view expected,
                           std::string_view json);
// Part of a transaction.
Status change_served_entry(Connection& connection, std::string_view name, std::string_view expected,
                           std::string_view json);
Status raise_served_version(Connection& connection);
Status drop_served_table(Connection& connection, std::string_view schema, const ServedTable& table);

}  // namespace offramp::target::postgres
