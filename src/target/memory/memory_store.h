// What the memory target keeps: items as their rows, one entry per item, and the bookkeeping of
// prepare and positions.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mapping/compiled_mapping.h"
#include "mapping/rows.h"
#include "model/position.h"

namespace offramp::target::memory {

// One parent or overflow row with its child rows. Constant once it is in a store.
struct StoredItem {
  uint32_t table = 0;
  std::string key;  // key_text of the parent row
  std::vector<mapping::Cell> row;
  std::vector<mapping::TableRows> children;  // in the order of the table's children
  base::Arena arena{512}, cell_arena{512};

  void add_cells(const mapping::Cell* cells, size_t count, std::vector<mapping::Cell>& out);
};

// Equal for equal keys and for no others.
std::string key_text(const mapping::Cell* cells, uint32_t count);

// The items in `rows`: each parent row with the child rows of its key. Parent keys must be unique
// in `rows`.
std::vector<std::shared_ptr<const StoredItem>> collect_items(
    const mapping::CompiledMapping& mapping, const mapping::RowBatch& rows);

// Shared by the targets that stand for connections to the same database. All is guarded by `mutex`.
struct MemoryStore {
  std::mutex mutex;
  std::map<std::string, std::string> tables;  // table → migration that made it
  std::map<std::string, std::map<std::string, model::Position>>
      positions;  // migration → partition → position
  std::vector<std::shared_ptr<const StoredItem>>
      loaded;  // in the order of loading; keys may repeat
  // By table and key: finish_load() moves what was loaded here, and changes go here.
  std::map<std::pair<uint32_t, std::string>, std::shared_ptr<const StoredItem>> items;
};

}  // namespace offramp::target::memory
