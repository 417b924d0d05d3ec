// TableReader: the rows of one parent (or overflow) table, as items, over one connection.
//
// Statements are made when first needed and kept; SQLite makes them anew by itself when the schema
// changes. One thread at a time; a reading must be ended (reset) before another begins.
#pragma once

#include <unordered_map>

#include "target/sqlite/item_rows.h"
#include "target/sqlite/serve/statements.h"

namespace offramp::target::sqlite::serve {

class TableReader {
 public:
  TableReader(io::SqliteDb& db, std::shared_ptr<const mapping::CompiledMapping> mapping,
              uint32_t table);

  const mapping::Table& table() const { return spec_; }
  // An item is one row: a reading of one statement is one snapshot by itself.
  bool one_row() const { return spec_.children.empty(); }

  // The item with these key cells (of the mapping); false when there is none.
  Result<bool> fetch(const mapping::Cell* key, uint64_t ordinal, ddb::ItemBatch& batch);
  Result<bool> exists(const mapping::Cell* key);
  // Cheap: stops at the first row.
  Result<bool> empty();

  // A statement of read_sql(), reset, to bind and step.
  Result<sqlite3_stmt*> statement(const Path& path, const Read& read);
  // Any other statement, kept under a number above all Read::code()s.
  Result<sqlite3_stmt*> statement(uint64_t number, const std::string& sql);
  // Appends the item of the row that the statement stands on.
  Status append(sqlite3_stmt* row, ddb::ItemBatch& batch);
  // Steps; false, and reset, at the end or on error.
  static Result<bool> step(sqlite3_stmt* statement);

 private:
  Status add_children(sqlite3_stmt* row);

  io::SqliteDb& db_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const uint32_t number_;
  const mapping::Table& spec_;
  ItemRows rows_;
  std::vector<io::SqliteStatement> children_;  // by the parent's key; made when first needed
  io::SqliteStatement by_key_, exists_, any_;
  std::unordered_map<uint64_t, io::SqliteStatement> statements_;
  Encoder encoder_;
  base::Arena arena_;
};

// Resets a statement at the end of a scope, so that its snapshot ends.
class StatementReset {
 public:
  explicit StatementReset(sqlite3_stmt* statement) : statement_(statement) {}
  ~StatementReset() { sqlite3_reset(statement_); }
  StatementReset(const StatementReset&) = delete;

 private:
  sqlite3_stmt* statement_;
};

}  // namespace offramp::target::sqlite::serve
