// LogReader: the changes of one log as items, over one connection.
//
// One thread at a time; statements and memory are kept between pages. A log may have fewer columns
// than the table has now, or more: what it does not have is NULL, what the table does not have is
// passed over. A row that SQL has made and that is no item counts as none.
#pragma once

#include "target/sqlite/item_rows.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

class LogReader {
 public:
  // `number` of the log.
  static Result<std::unique_ptr<LogReader>> open(io::SqliteDb& db, const ServedTable& table,
                                                 int64_t number);

  // As StoreSession::changes(), in the caller's snapshot, in which `last` is the last number that
  // was given out.
  Status read(uint64_t after, uint64_t until, uint64_t last, size_t changes_max, size_t bytes_max,
              ChangePage& page);

 private:
  explicit LogReader(std::shared_ptr<const mapping::CompiledMapping> mapping)
      : columns_(static_cast<int>(mapping->tables()[0].columns.size())),
        rows_(std::move(mapping)) {}
  Status add(ChangePage& page, size_t& bytes);
  // False when the row is no item.
  Result<bool> item(int first_column, ddb::ItemBatch& items, size_t& bytes);

  const int columns_;
  ItemRows rows_;
  // The old row's columns, the new row's, number, at_ms, origin, has.
  io::SqliteStatement select_;
};

}  // namespace offramp::target::sqlite::serve
