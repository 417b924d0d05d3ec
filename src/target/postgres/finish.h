// After the load: unique keys, primary keys, indexes, statistics. Idempotent: each step looks at
// the catalog first, so after a kill it goes on where it was.
//
// Tables are worked on in parallel, the largest first. When a key turns out not to be unique, the
// rest waits for the duplicates to be removed, parents before children.
#pragma once

#include <functional>

#include "target/postgres/binding.h"
#include "target/postgres/connection.h"
#include "target/target.h"

namespace offramp::target::postgres {

Result<Target::FinishOutcome> finish_tables(
    std::shared_ptr<const Binding> binding,
    const std::function<Status(const Duplicate&)>& duplicate,
    const std::function<void(const std::string&)>& step);

}  // namespace offramp::target::postgres
