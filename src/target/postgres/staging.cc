#include "target/postgres/staging.h"

#include <fmt/format.h>

namespace offramp::target::postgres {

std::string Staging::name(uint32_t table, Stage stage) const {
  return fmt::format("pg_temp.offramp_{}_{}", stage == Stage::kRows ? "rows" : "keys", table);
}

uint32_t Staging::columns(uint32_t table, Stage stage) const {
  const mapping::Table& spec = binding_->tables()[table];
  return stage == Stage::kRows ? spec.column_count() : spec.key_columns;
}

std::string Staging::copy_sql(uint32_t table, Stage stage) const {
  return fmt::format("COPY {} ({}) FROM STDIN (FORMAT binary)", name(table, stage),
                     column_list(binding_->tables()[table], columns(table, stage)));
}

Status Staging::make(Connection& connection, uint32_t table, Stage stage) {
  if (made_.contains({table, stage})) return {};
  const mapping::Table& spec = binding_->tables()[table];
  std::string sql;
  for (uint32_t i = 0; i < columns(table, stage); ++i)
    sql += fmt::format("{}{} {}", i ? ", " : "", quote_identifier(spec.columns[i].name),
                       column_sql_type(spec.columns[i].type));
  TRY(connection.execute(
      // One of that name is left by another mapping that this connection served.
      fmt::format("DROP TABLE IF EXISTS {0}; CREATE TEMP TABLE {0} ({1}) ON COMMIT DELETE ROWS",
                  name(table, stage), sql),
      "make a temporary table"));
  made_.insert({table, stage});
  return {};
}

}  // namespace offramp::target::postgres
