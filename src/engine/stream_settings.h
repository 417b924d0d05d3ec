// StreamSpecification: a table's stream switched on and off.
#pragma once

#include "engine/constraints.h"
#include "engine/operation.h"
#include "engine/table.h"

namespace offramp::engine {

void constrain_stream(Json specification, Constraints& constraints);
// What can be said without knowing the table.
Status check_stream(Json specification);

// The table as the specification wants it, with a label of its own when it is switched on.
Status change_stream(Context& context, Json specification, Table& table);
// Replaces the table's entry in the store, `old`, and begins or ends its change log with it.
Status store_table_entry(Context& context, const Table& old, const Table& table);
// The stream of a table that is about to be dropped remembers it, to be read for 24 hours more.
Status keep_table_for_stream(Context& context, const Table& table);

}  // namespace offramp::engine
