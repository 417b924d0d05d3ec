// Changes of what the catalog knows of a table: look, change, and replace the entry if nobody else
// did meanwhile. A plan's table gets its entry with its first change.
#pragma once

#include <functional>

#include "engine/operation.h"

namespace offramp::engine {

// The table that TableName names; "Requested resource not found: Table: t not found" when there is
// none.
Result<TableRef> existing_table(Context& context);
// The same, after the constraints on TableName.
Result<TableRef> named_table(Context& context);

// `find` gives the table as it is, `change` makes it what it shall be (it may be called again with
// another one). The table as it is then; other processes learn of it within a second or so.
Result<TableRef> change_table(target::Store& store, Catalog& catalog,
                              const std::function<Result<TableRef>()>& find,
                              const std::function<Status(Table& table)>& change);
// As above; `store_entry` replaces the entry, as Store::update_entry() does, and what belongs to
// it.
Result<TableRef> change_table(
    target::Store& store, Catalog& catalog, const std::function<Result<TableRef>()>& find,
    const std::function<Status(Table& table)>& change,
    const std::function<Status(const Table& old, const Table& table)>& store_entry);

}  // namespace offramp::engine
