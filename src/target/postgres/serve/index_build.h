// Indexes that are added to a table made here, and removed, while it is served.
//
// What is true:
// - Rows and columns stay as they are: an attribute that is no column is indexed as an expression
// over `extra`. From the
//   moment that the catalog of PostgreSQL knows the index, all writers keep it up, whatever they
//   know of it.
// - CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY stop no writer. What a kill leaves is an
// invalid index: it is
//   dropped and made again.
// - One process at a time works at an index: an advisory lock of the session, which ends with it.
#pragma once

#include <stop_token>
#include <string>

#include "base/result.h"
#include "target/store.h"

namespace offramp::target::postgres {

// Each over a connection of its own. See Store.
Result<bool> build_index(const std::string& url, std::string_view schema, const ServedTable& table,
                         size_t index, std::stop_token stop);
Result<bool> remove_index(const std::string& url, std::string_view schema, const ServedTable& table,
                          size_t index);

}  // namespace offramp::target::postgres
