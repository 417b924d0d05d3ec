// How many items a served table has and how large they are: exact while a table is small, otherwise
// what PostgreSQL knows, or an estimate from the table's first rows until it has looked itself.
// Never reads more than kCountedBytesMax.
#pragma once

#include <string_view>

#include "target/postgres/connection.h"
#include "target/store.h"

namespace offramp::target::postgres {

Result<TableSize> measure_table(Connection& connection, std::string_view schema,
                                const ServedTable& table);

}  // namespace offramp::target::postgres
