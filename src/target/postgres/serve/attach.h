// What a plan's tables need so that pages are read in order: expression indexes, where no index has
// that order yet.
#pragma once

#include <string_view>

#include "target/postgres/connection.h"
#include "target/store.h"

namespace offramp::target::postgres {

// Creates what is missing; never changes rows.
Status attach_table(Connection& connection, std::string_view schema, const ServedTable& table);

}  // namespace offramp::target::postgres
