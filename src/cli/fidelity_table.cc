// Printing of attribute fates.
#include "cli/fidelity_table.h"

#include <fmt/format.h>

#include "cli/command.h"

namespace offramp::cli {

void print_extra_share(const std::vector<mapping::AttributeFate>& fates) {
  for (const mapping::AttributeFate& fate : fates) {
    if (fate.column.empty() || fate.through_extra == 0) continue;
    fmt::print("  {}.{}: {} of {} values are not exactly a {} and are kept, typed, in extra\n",
               fate.table, fate.column, with_commas(fate.through_extra), with_commas(fate.values),
               fate.type);
  }
  uint64_t dropped = 0;
  for (const mapping::AttributeFate& fate : fates) dropped += fate.dropped;
  if (dropped)
    fmt::print("  {} attribute values left behind as planned (drop)\n", with_commas(dropped));
}

}  // namespace offramp::cli
