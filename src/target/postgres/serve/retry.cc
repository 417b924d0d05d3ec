#include "target/postgres/serve/retry.h"

namespace offramp::target::postgres {

bool is_conflict(std::string_view sqlstate) { return sqlstate == "40001" || sqlstate == "40P01"; }

bool is_stale_statement(std::string_view sqlstate) {
  return sqlstate == "26000" || sqlstate == "0A000" || sqlstate == "42P05";
}

bool is_no_connection_left(const Error& error) { return error.code() == "postgres.resources"; }

Error store_error(Error error, std::string_view sqlstate) {
  if (error.code().starts_with("store.")) return error;
  if (is_conflict(sqlstate) || sqlstate == "55P03")
    return Error(ErrorKind::kConflict, "store.conflict", error.message());
  // A table, a column or the schema that is not there.
  if (sqlstate == "42P01" || sqlstate == "42703" || sqlstate == "3F000")
    return Error(ErrorKind::kConfig, "store.no_table", error.message());
  if (sqlstate.starts_with("22") || sqlstate.starts_with("23") || sqlstate.starts_with("54") ||
      sqlstate == "P0001" || sqlstate == "44000")
    return Error(ErrorKind::kBadItem, "store.refused", error.message());
  return error;
}

}  // namespace offramp::target::postgres
