// The PostgreSQL store: postgresql://… and postgres://… as libpq understands them.
#pragma once

#include "target/stores.h"

namespace offramp::target::postgres {

const StoreEntry& store_entry();

}  // namespace offramp::target::postgres
