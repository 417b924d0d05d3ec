// Changes as images: a key's old rows go away in every table, the new image's rows come in (C4).
//
// A parent row is upserted and keeps its rowid, so a reader that runs over rowids finds an item
// that did not change exactly once, whatever happens around it. Child rows are upserted by their
// ordinal and those beyond go away. A key is deleted only from the tables that its new image is not
// in, and not at all from a table that is empty at that moment.
#pragma once

#include <vector>

#include "io/sqlite_db.h"
#include "mapping/compiled_mapping.h"
#include "target/row_keys.h"
#include "target/sqlite/cells.h"

namespace offramp::target::sqlite {

// Statements of one connection, made when first needed and kept: SQLite makes them anew by itself
// when the schema changes. One thread at a time.
class ChangeWriter {
 public:
  ChangeWriter(io::SqliteDb& db, std::shared_ptr<const mapping::CompiledMapping> mapping);

  // Inside the caller's transaction. `keys`, `rows`: as Applier::apply. Applying the same again
  // changes nothing. kBadItem "applier.refused" when a constraint of the table's owner refuses a
  // row, kConflict "applier.table_changed" when a table or column is gone; never with a value.
  Status write(const mapping::RowBatch& keys, const mapping::RowBatch& rows);

 private:
  struct TableStatements {
    io::SqliteStatement upsert;
    io::SqliteStatement remove;       // by the parent's key
    io::SqliteStatement remove_rest;  // of a child: by the parent's key, outside two ordinals
    io::SqliteStatement any;          // whether the table has a row
  };
  Status prepare(io::SqliteStatement& statement, const mapping::Table& table,
                 const std::string& sql);
  Result<bool> has_rows(uint32_t table);
  Status remove_absent(uint32_t table, const mapping::TableRows& keys);
  Status remove_key(uint32_t of, const mapping::Table& parent, const mapping::Cell* key);
  Status upsert_rows(uint32_t table, const mapping::TableRows& rows);
  Status replace_children(uint32_t parent, uint32_t child, const mapping::RowBatch& rows);
  void bind(io::SqliteStatement& statement, const mapping::Table& table, const mapping::Cell* cells,
            size_t count);

  io::SqliteDb& db_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  std::vector<TableStatements> statements_;  // per table
  KeyIndex index_;
  Encoder encoder_;
  base::Arena arena_;  // bytes of the row that is bound
};

}  // namespace offramp::target::sqlite
