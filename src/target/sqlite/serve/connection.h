// Connection: one SQLite connection of the store with what it has prepared for each served table.
//
// One thread at a time. A file's store has one connection that writes and one for every session to
// read; a store in memory has a single one for everything.
#pragma once

#include <map>
#include <unordered_map>

#include "target/sqlite/apply.h"
#include "target/sqlite/connection.h"
#include "target/sqlite/serve/log_copier.h"
#include "target/sqlite/serve/log_reader.h"
#include "target/sqlite/serve/page_reader.h"
#include "target/sqlite/serve/plan_log_reader.h"

namespace offramp::target::sqlite::serve {

// Tables whose statements a connection keeps; the one used longest ago goes first.
constexpr size_t kTablesKeptMax = 128;

// A small cache by mapping: the mapping is kept too, so that its address stays its name.
template <class T>
class ByMapping {
 public:
  // `make(table)` gives a unique_ptr<T>.
  template <class Make>
  T& of(const ServedTable& table, Make make) {
    Entry& entry = entries_[table.mapping.get()];
    entry.used = ++clock_;
    if (!entry.value) {
      entry.mapping = table.mapping;
      entry.value = make(table);
      if (entries_.size() > kTablesKeptMax) drop_oldest();
    }
    return *entry.value;
  }

 private:
  struct Entry {
    std::shared_ptr<const mapping::CompiledMapping> mapping;
    std::unique_ptr<T> value;
    uint64_t used = 0;
  };
  void drop_oldest() {
    auto oldest = entries_.begin();
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
      if (entry->second.used < oldest->second.used) oldest = entry;
    entries_.erase(oldest);
  }
  std::unordered_map<const mapping::CompiledMapping*, Entry> entries_;
  uint64_t clock_ = 0;
};

// The statements of one served table.
class TableAccess {
 public:
  TableAccess(io::SqliteDb& db, const ServedTable& table);

  // `keys`: the key cells by table, as the Splitter or KeyOf gives them. Appends the item; false
  // when there is none.
  Result<bool> get(const mapping::RowBatch& keys, ddb::ItemBatch& batch);
  // get() and read() are more than one statement, so they need a transaction to be one snapshot.
  bool needs_transaction() const { return needs_transaction_; }
  Status read(const PageRequest& request, Page& page) { return pages_.read(request, page); }

  // Inside a transaction. Made here: `rows` are put, `keys` are deleted; a plan's: as ChangeWriter.
  Status write(const mapping::RowBatch& keys, const mapping::RowBatch& rows);
  // write() of so many rows is one statement.
  static bool one_statement(const ServedTable& table, size_t items) {
    return table.made_here && items == 1;
  }

 private:
  Status put(const mapping::Cell* row);
  Status remove(const mapping::Cell* key);

  io::SqliteDb& db_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const bool made_here_;
  bool needs_transaction_ = false;
  std::vector<std::unique_ptr<TableReader>> readers_;
  PageReader pages_;
  std::unique_ptr<ChangeWriter> changes_;
  io::SqliteStatement put_, remove_;
  Encoder encoder_;
  base::Arena arena_;
};

// Readers of change logs that a connection keeps.
constexpr size_t kLogsKeptMax = 64;

struct Connection {
  io::SqliteDb db;
  ByMapping<TableAccess> tables;
  io::SqliteStatement begin, commit;  // of a reading; commit also of a writing
  io::SqliteStatement begin_writing, save, release;
  io::SqliteStatement set_origin, clear_origin;  // made when first needed
  WriteMark write_mark;
  // By log and mapping; the mapping is kept, so that its address stays its name.
  struct OpenLog {
    std::shared_ptr<const mapping::CompiledMapping> mapping;
    std::unique_ptr<LogReader> reader;  // of a table made here
    std::unique_ptr<PlanLogReader> plan_reader;
  };
  std::map<std::pair<int64_t, const mapping::CompiledMapping*>, OpenLog> logs;
  int log_checked_at = 0;  // pages of the write-ahead log at the newest checkpoint; 0: none of it
  std::unique_ptr<LogCopier> log_copier;  // of the connection that writes a file; ends first

  TableAccess& access(const ServedTable& table) {
    return tables.of(table,
                     [&](const ServedTable& t) { return std::make_unique<TableAccess>(db, t); });
  }
  Result<OpenLog*> log(const ServedTable& table, int64_t number) {
    OpenLog& open = logs[{number, table.mapping.get()}];
    if (open.reader || open.plan_reader) return &open;
    if (logs.size() > kLogsKeptMax) logs.clear();
    OpenLog& made = logs[{number, table.mapping.get()}];
    made.mapping = table.mapping;
    if (table.made_here)
      made.reader = TRY(LogReader::open(db, table, number));
    else
      made.plan_reader = TRY(PlanLogReader::open(db, table, number));
    return &made;
  }
};

enum class Use { kRead, kWrite };
// `path` is a file, or ":memory:" (then kWrite).
Result<std::unique_ptr<Connection>> open_store_connection(const std::string& path, Use use);

}  // namespace offramp::target::sqlite::serve
