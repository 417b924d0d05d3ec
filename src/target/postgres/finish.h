// After the load: unique keys, primary keys, indexes, statistics. Idempotent: each step looks at
// the catalog first, so after a kill it goes on where it was.
#pragma once

#include <functional>

#include "target/postgres/binding.h"
#include "target/postgres/connection.h"
#include "target/target.h"

namespace offramp::target::postgres {

Result<Target::FinishOutcome> finish_tables(
    std::shared_ptr<const Binding> binding, Connection& connection,
    const std::function<Status(const Duplicate&)>& duplicate,
    const std::function<void(const std::string&)>& step);

}  // namespace offramp::target::postgres
