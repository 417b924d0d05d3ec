// What a store's caller may see: the errors of store.h, made of SQLite's and of the layers below.
#pragma once

#include "base/result.h"

namespace offramp::target::sqlite::serve {

// "no such table" → kConfig store.no_table; a file that others kept busy → kConflict
// store.conflict; a constraint or a trigger of the owner → kBadItem store.refused; everything else
// stays. Messages name tables and columns, never a value.
Error store_error(Error error);

inline Status as_store(Status status) {
  return status.ok() ? std::move(status) : Status(store_error(std::move(status).error()));
}

}  // namespace offramp::target::sqlite::serve
