// The PostgreSQL target: postgresql://… and postgres://… as libpq understands them.
#pragma once

#include "target/registry.h"

namespace offramp::target::postgres {

const Entry& entry();

}  // namespace offramp::target::postgres
