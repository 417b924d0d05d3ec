#include "target/sqlite/serve/log_reader.h"

#include <algorithm>

#include "target/sqlite/schema.h"
#include "target/sqlite/serve/change_log.h"
#include "target/sqlite/serve/table_reader.h"

namespace offramp::target::sqlite::serve {

Result<std::unique_ptr<LogReader>> LogReader::open(io::SqliteDb& db, const ServedTable& table,
                                                   int64_t number) {
  std::unique_ptr<LogReader> out(new LogReader(table.mapping));
  std::string log = log_table_name(number);
  std::vector<std::string> known = TRY(columns_of(db, log));
  std::string columns;
  for (const char* start : {"old_", "new_"})
    for (const mapping::Column& column : table.mapping->tables()[0].columns) {
      std::string name = start + column.name;
      bool there = std::find(known.begin(), known.end(), name) != known.end();
      columns += (there ? quote_name(name) : "NULL") + ", ";
    }
  out->select_ =
      TRY(db.prepare("SELECT " + columns + "number, at_ms, origin, has FROM " + quote_name(log) +
                     " WHERE number > ?1 AND number <= ?2 ORDER BY number"));
  return out;
}

Result<bool> LogReader::item(int first_column, ddb::ItemBatch& items, size_t& bytes) {
  Status read = rows_.begin(0, select_.get(), first_column);
  bytes += rows_.bytes();
  if (read.ok()) read = rows_.finish(items.size(), items);
  if (!read.ok() && read.error().kind() != ErrorKind::kCorrupt) return std::move(read).error();
  return read.ok();
}

Status LogReader::add(ChangePage& page, size_t& bytes) {
  Change change;
  change.number = static_cast<uint64_t>(select_.int64(2 * columns_));
  change.at_ms = select_.int64(2 * columns_ + 1);
  if (!select_.is_null(2 * columns_ + 2)) change.origin = select_.text(2 * columns_ + 2);
  int64_t has = select_.int64(2 * columns_ + 3);
  change.old_root = static_cast<uint32_t>(page.items.size());
  change.has_old = (has & 1) != 0 && TRY(item(0, page.items, bytes));
  change.new_root = static_cast<uint32_t>(page.items.size());
  change.has_new = (has & 2) != 0 && TRY(item(columns_, page.items, bytes));
  if (!change.has_old && !change.has_new) return {};
  page.changes.push_back(std::move(change));
  return {};
}

Status LogReader::read(uint64_t after, uint64_t until, uint64_t last, size_t changes_max,
                       size_t bytes_max, ChangePage& page) {
  page.items.reset();
  page.changes.clear();
  page.next = std::max(after, std::min(until, last));
  if (page.next == after) return {};
  StatementReset reset(select_.get());
  select_.bind(1, static_cast<int64_t>(after));
  select_.bind(2, static_cast<int64_t>(page.next));
  size_t bytes = 0;
  while (TRY(select_.step())) {
    TRY(add(page, bytes));
    if (page.changes.size() < changes_max && bytes < bytes_max) continue;
    page.next = static_cast<uint64_t>(select_.int64(2 * columns_));
    return {};
  }
  return {};
}

}  // namespace offramp::target::sqlite::serve
