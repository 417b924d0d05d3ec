// PlanLogReader: the changes of one log of a plan's table as items, over one connection.
//
// The log has rows; a change is what one write did to an item, whose rows may be several, in
// several tables. A write of the API is a run of numbers, and its change of an item has the number
// of the item's last row in it; each row that SQL changes is a change of its own. The item before
// is what the rows made before the run, and the item after what they make behind it
// (plan_states.h), so an item's changes are a chain whatever their rows are. From a log that is not
// whole nothing can be read. One thread at a time; statements and memory are kept between pages.
#pragma once

#include <array>

#include "mapping/key_cells.h"
#include "target/sqlite/serve/plan_log.h"
#include "target/sqlite/serve/plan_states.h"

namespace offramp::target::sqlite::serve {

class PlanLogReader {
 public:
  // `number` of the log.
  static Result<std::unique_ptr<PlanLogReader>> open(io::SqliteDb& db, const ServedTable& table,
                                                     int64_t number);

  // As StoreSession::changes(), in the caller's snapshot; `log` as it is in that.
  Status read(const PlanLog& log, uint64_t after, uint64_t until, size_t changes_max,
              size_t bytes_max, ChangePage& page);

 private:
  using Id = std::array<char, 16>;  // of a key: as the overflow table has it
  // An item of the run in hand.
  struct Touched {
    Id id;
    uint64_t number;
    size_t key;  // into keys_
  };
  struct Run {
    uint64_t first = 0, last = 0;
    int64_t at_ms = 0;
    std::string origin;
  };
  PlanLogReader(io::SqliteDb& db, const ServedTable& table, int64_t number);

  Result<bool> is_whole();
  // Where the run begins that has the first number behind `after`; nothing when it is the one in
  // hand. That is whole as long as one of its rows is there.
  Result<std::optional<uint64_t>> begin_of_run(uint64_t after);
  // Reads the run that entries_ stands on; false when that was the last.
  Result<bool> read_run();
  // Of an item's rows in the run only the last counts.
  void keep_last_rows();
  Status add_row(uint64_t number, std::string_view table_name);
  // Appends the key of the row to keys_; false when it is no key.
  Result<bool> key_of_row(uint32_t table, uint64_t number);
  Result<bool> key_of_overflow(const mapping::Cell& id, uint64_t number);
  // The run's changes with numbers in (after, until]; false when the page is full.
  Result<bool> tell(uint64_t after, uint64_t until, size_t changes_max, size_t bytes_max,
                    size_t& bytes, ChangePage& page);
  Status tell_one(const Touched& touched, size_t& bytes, ChangePage& page);

  io::SqliteDb& db_;
  const ServedTable table_;
  const int64_t number_;
  PlanStates states_;
  mapping::Splitter splitter_;
  mapping::KeyCells joiner_;
  Decoder decoder_;
  io::SqliteStatement schema_version_;
  int64_t checked_version_ = -1;  // of the schema when is_whole() last looked
  bool whole_ = false;
  io::SqliteStatement entries_, next_entry_, entries_back_;
  std::vector<io::SqliteStatement> keys_of_rows_;  // by table; made when first needed

  // Of the run in hand; `last` is 0 when there is none.
  Run run_;
  std::vector<Touched> touched_;
  ddb::ItemBatch keys_, overflow_item_;
  mapping::RowBatch key_rows_;
  std::vector<mapping::Cell> cells_;
  base::Arena arena_, cell_arena_;
};

}  // namespace offramp::target::sqlite::serve
