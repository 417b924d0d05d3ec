// Making the keys of one parent table unique after a load.
//
// Of each key the newest copy stays (see loader.h: largest xmin). Every other copy is compared with
// it: equal ones go silently, different ones are given to the callback first; then parent and child
// rows of the copy are deleted by their ctid in one transaction. A kill leaves whole copies behind,
// which the next run finds again.
#pragma once

#include <functional>

#include "target/postgres/binding.h"
#include "target/postgres/connection.h"
#include "target/target.h"

namespace offramp::target::postgres {

Status remove_duplicates(std::shared_ptr<const Binding> binding, uint32_t table,
                         Connection& connection,
                         const std::function<Status(const Duplicate&)>& duplicate,
                         Target::FinishOutcome& outcome);

}  // namespace offramp::target::postgres
