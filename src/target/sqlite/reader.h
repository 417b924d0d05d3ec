// Reading all items back, in parts that can be read in parallel.
//
// A table without children is cut by rowid; a table with children by keys (quantiles of a sample),
// and read as a merge of the parent's rows and each child's rows, all in order of the key, inside
// one read transaction. Each reader has a read-only connection of its own and serves one thread.
#pragma once

#include "target/sqlite/connection.h"

namespace offramp::target::sqlite {

constexpr size_t kReadItemsMax = 1024;

// Cuts what `db` holds now. `pieces` per table at most.
Result<std::vector<ReadPartition>> cut_tables(io::SqliteDb& db,
                                              const mapping::CompiledMapping& mapping, int pieces);

Result<std::unique_ptr<RowReader>> open_reader(
    const Options& options, std::shared_ptr<const mapping::CompiledMapping> mapping,
    const ReadPartition& partition);

}  // namespace offramp::target::sqlite
