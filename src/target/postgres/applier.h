// Applier of PostgreSQL: one connection, one transaction per batch with the lane's position (C5).
//
// The transaction begins by locking the lane's checkpoint and comparing its token, so whatever an
// earlier session of the lane is still about to commit is waited for and then seen. Beyond that a
// new applier ends such sessions before it begins (migration_lock.h).
#pragma once

#include <memory>
#include <string>

#include "target/postgres/binding.h"
#include "target/target.h"

namespace offramp::target::postgres {

Result<std::unique_ptr<Applier>> make_applier(std::shared_ptr<const Binding> binding,
                                              const std::string& lane);

}  // namespace offramp::target::postgres
