// The SQLite store's entry in the table of stores: `sqlite:FILE` and `sqlite::memory:`.
#pragma once

#include "target/stores.h"

namespace offramp::target::sqlite {

const StoreEntry& store_entry();

}  // namespace offramp::target::sqlite
