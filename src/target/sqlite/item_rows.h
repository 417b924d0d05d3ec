// From stored rows back to items: decoding rows, and fetching single items by key or by rowid.
#pragma once

#include <vector>

#include "io/sqlite_db.h"
#include "mapping/compiled_mapping.h"
#include "target/sqlite/cells.h"

namespace offramp::target::sqlite {

// Collects one item's rows and hands them to the Assembler. One per thread.
class ItemRows {
 public:
  explicit ItemRows(std::shared_ptr<const mapping::CompiledMapping> mapping);

  // Begins the item whose parent row the statement stands on (its columns in table order, from
  // first_column on). Text of the row is not copied: the statement must stand still until finish().
  Status begin(uint32_t table, sqlite3_stmt* parent_row, int first_column = 0);
  // Adds the row that the statement stands on to the table's children[child_index]; copies its
  // bytes.
  Status add_child(size_t child_index, sqlite3_stmt* child_row);
  // Rebuilds the item into `batch`.
  Status finish(uint64_t ordinal, ddb::ItemBatch& batch);

  // Bytes stored for the newest item.
  size_t bytes() const { return bytes_; }
  const mapping::CompiledMapping& mapping() const { return *mapping_; }

 private:
  Status decode_row(const mapping::Table& table, sqlite3_stmt* row, int first_column, bool copy,
                    std::vector<mapping::Cell>& out);

  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  mapping::Assembler assembler_;
  Decoder decoder_;
  uint32_t table_ = 0;
  size_t bytes_ = 0;
  std::vector<mapping::Cell> parent_;
  std::vector<mapping::TableRows> children_;
  base::Arena arena_, cell_arena_;
};

// Fetches items of one parent or overflow table over one connection.
class ItemFetcher {
 public:
  enum class By {
    kKey,    // the unique key; children in order of the ordinal
    kRowid,  // as loaded: children by child_rowid()
  };
  static Result<ItemFetcher> create(io::SqliteDb& db,
                                    std::shared_ptr<const mapping::CompiledMapping> mapping,
                                    uint32_t table, By by);
  // `key`: the mapping's key cells. False when there is no such row.
  Result<bool> by_key(const mapping::Cell* key, uint64_t ordinal, ddb::ItemBatch& batch);
  Result<bool> by_rowid(int64_t rowid, uint64_t ordinal, ddb::ItemBatch& batch);

 private:
  Result<bool> fetch(uint64_t ordinal, ddb::ItemBatch& batch);
  void reset();

  uint32_t table_ = 0;
  io::SqliteStatement parent_;
  std::vector<io::SqliteStatement> children_;
  std::unique_ptr<ItemRows> rows_;
  Encoder encoder_;
  base::Arena arena_;
};

}  // namespace offramp::target::sqlite
