// PlanStates: the items of a plan's table as they were before a number of one of its change logs.
//
// One connection, one thread at a time, in the caller's snapshot; the log must be whole. Statements
// and memory are kept.
#pragma once

#include "target/sqlite/item_rows.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

class PlanStates {
 public:
  PlanStates(io::SqliteDb& db, std::shared_ptr<const mapping::CompiledMapping> mapping,
             int64_t number);

  // The item with these keys (as Splitter::key_rows gives them) as it was before `number` was
  // given out: what a get() would have found. Appends it; false when there was none, or only rows
  // that are no item. Adds the bytes it looked at.
  Result<bool> before(const mapping::RowBatch& keys, uint64_t number, ddb::ItemBatch& items,
                      size_t& bytes);
  // The same of one parent table, or the overflow table, alone.
  Result<bool> before_in(uint32_t table, const mapping::Cell* key, uint64_t number,
                         ddb::ItemBatch& items, size_t& bytes);

 private:
  // Of one parent or overflow table.
  struct Statements {
    io::SqliteStatement logged, now;
    std::vector<io::SqliteStatement> children;
  };
  Result<Statements*> statements_of(uint32_t table);
  std::string children_sql(const mapping::Table& parent, const mapping::Table& child) const;
  // The row that `row` stands on, with its children, as an item; false when it is none.
  Result<bool> item_of(uint32_t table, Statements& statements, sqlite3_stmt* row, int first_column,
                       ddb::ItemBatch& items, size_t& bytes);
  // Whether the newest item of `items` has the key that its row in the overflow table says.
  bool has_its_key(const ddb::ItemBatch& items, const mapping::Cell* key);

  io::SqliteDb& db_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const int64_t number_;
  ItemRows rows_;
  mapping::Splitter splitter_;
  std::vector<Statements> statements_;  // by table; made when first needed
  mapping::RowBatch own_key_;
  Encoder encoder_;
  base::Arena arena_;
};

}  // namespace offramp::target::sqlite::serve
