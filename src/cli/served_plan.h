// A migrated table as `serve` needs it: the plan's mapping, key and indexes under the source
// table's name.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/table_spec.h"
#include "target/store.h"

namespace offramp::cli {

struct ServedPlan {
  std::string target;  // URL, resolved
  struct Table {
    target::ServedTable served;  // without the mapping, which depends on the store's limits
    std::vector<model::SecondaryIndex> indexes;  // with their projections
    model::MappingSpec spec;
    std::string move;  // as CompiledMapping::compile() wants it
  };
  std::vector<Table> tables;
};

// kConfig when the plan cannot be read, a load has not finished, or a process still works on the
// migration.
Result<ServedPlan> read_served_plan(const std::string& plan_name);

// Compiles the mapping for the store; then the table can be served.
Status bind(ServedPlan::Table& table, const mapping::Limits& limits);

}  // namespace offramp::cli
