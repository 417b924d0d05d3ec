// What each file of operations adds to the dispatch table.
#pragma once

#include "engine/operation.h"

namespace offramp::engine {

void register_manage_tables(Dispatch& dispatch);  // manage_tables.cc
void register_describe(
    Dispatch& dispatch);  // describe.cc: DescribeTable, ListTables, DescribeLimits, …

}  // namespace offramp::engine
