// Cutting the loaded tables into parts and reading them, all from one snapshot.
//
// Tables without children are cut by blocks (ctid), which needs no index and no sort. Tables with
// children are read in key order and cut at keys found in a sample of blocks. A token is only good
// in the process that made it:
//   "blocks FROM TO"        blocks FROM ≤ … < TO; TO "end" = to the last
//   "keys N LITERALS"       LITERALS are N bytes of the lower key's SQL literals, then the upper
//   key's; either may be empty
#pragma once

#include <memory>
#include <vector>

#include "target/postgres/binding.h"
#include "target/postgres/snapshot.h"
#include "target/target.h"

namespace offramp::target::postgres {

Result<std::vector<ReadPartition>> cut_tables(Snapshot& snapshot, const Binding& binding,
                                              int pieces);

Result<std::unique_ptr<RowReader>> open_partition(const Snapshot& snapshot,
                                                  std::shared_ptr<const Binding> binding,
                                                  const ReadPartition& partition);

}  // namespace offramp::target::postgres
