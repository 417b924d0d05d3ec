// Reading all items back, in parts that can be read in parallel.
//
// A table without children is cut by rowid; a table with children by keys (quantiles of a sample),
// and read as a merge of the parent's rows and each child's rows, all in order of the key. Each
// reader has a read-only connection of its own and serves one thread.
//
// Every batch is read in a transaction of its own that ends with it, so a reader in no hurry does
// not keep the write-ahead log from being emptied. While changes are applied a batch is therefore
// one state of the database, and an item is one state of itself; the next batch may be a later one.
// An item that does not change is read exactly once: its rowid and key stay (apply.h).
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
