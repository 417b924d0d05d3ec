// Applier of PostgreSQL: one connection, one transaction per batch with the lane's position (C5).
#pragma once

#include <memory>
#include <string>

#include "target/postgres/binding.h"
#include "target/target.h"

namespace offramp::target::postgres {

Result<std::unique_ptr<Applier>> make_applier(std::shared_ptr<const Binding> binding,
                                              const std::string& lane);

}  // namespace offramp::target::postgres
