// PageReader: one page of a table or index, in the service's order.
//
// A simple table's page is one statement in one round trip: an ordered range of rows, and a look
// whether the overflow table is empty. Everything else merges, from one snapshot: the ordered rows
// of each parent table, and the kept items (kept_items.h) of what has no order in SQL: the overflow
// table, parent tables whose key text cannot be said in SQL, rows that hide a value from SQL. A
// merge first tries to do with one round trip, and begins again in a transaction when a table has
// more rows than were asked for. One thread; belongs to a session.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "target/postgres/serve/access_path.h"
#include "target/postgres/serve/kept_items.h"
#include "target/postgres/serve/range.h"
#include "target/postgres/serve/table_state.h"

namespace offramp::target::postgres {

class PageReader {
 public:
  explicit PageReader(Channel& channel) : channel_(channel) {}

  // Appends to `page`, which is reset. The channel is connected.
  Status read(TableState& state, const PageRequest& request, Page& page);

 private:
  // Rows of one parent table (or the overflow table), statement by statement.
  struct Stream {
    ParentState* parent = nullptr;
    size_t number = 0;  // into AccessPath::parents; of the overflow table: unused
    bool overflow = false;
    ReadKind kind = ReadKind::kCandidates;
    bool segmented = false;  // by SQL
    // Of the newest statements.
    size_t first = 0, limit = 0;       // the number of the first of them; rows asked for
    std::vector<QueryResult> results;  // the parent's rows, then those of each child table
    int row = 0, rows = 0;
    std::vector<int> child_rows;  // by child: the next row of its result
    bool ended = false;           // no rows behind those
    std::string last_key;         // COPY row of the newest row's key, for candidates
    ddb::ItemBatch head;          // kOrdered: the next item of the merge, or the last one
    bool has_head = false;
  };
  enum class Mode { kOneTrip, kTransaction };

  Statement& statement(TableState& state, const ReadShape& shape, uint32_t child);
  size_t limit_for(const TableState& state) const;
  Result<bool> read_simple(TableState& state, Page& page);
  void make_streams(TableState& state);
  Stream& add_stream(ParentState& parent, size_t number, ReadKind kind);
  Result<bool> add_partition(TableState& state, ParentState& parent,
                             const AccessPath::Parent& described);
  Status queue_rows(TableState& state, Stream& stream);
  void queue_overflow(TableState& state, Stream& stream);
  void take_results(Stream& stream);
  Status refill(TableState& state, Stream& stream);
  Status build(TableState& state, Stream& stream, ddb::ItemBatch& batch);
  Result<bool> keep_all(TableState& state, Stream& stream, Mode mode);
  Result<bool> find_head(TableState& state, Stream& stream, Mode mode);
  Result<bool> read_merged(TableState& state, Page& page, Mode mode);
  Stream* least();
  Result<bool> merge(TableState& state, Page& page, Mode mode);
  // True when the page is full with the item.
  bool count(TableState& state, ddb::ItemView item, Page& page);

  Channel& channel_;
  const PageRequest* request_ = nullptr;
  const AccessPath* path_ = nullptr;
  uint8_t path_number_ = 0;
  Range range_;
  KeptItems kept_;
  std::vector<std::unique_ptr<Stream>> streams_;  // the first used_
  size_t used_ = 0;
  size_t bytes_ = 0, items_ = 0;  // of the page
  Params params_;
  base::Arena arena_;
  std::string json_;
  std::vector<mapping::Cell> cells_;
  std::vector<mapping::TableRows> children_;
  mapping::RowBatch memory_;
  mapping::TableRows key_rows_;
  Statement begin_{.sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                   .doing = "begin to read"};
  Statement commit_{.sql = "COMMIT", .doing = "end reading"};
};

}  // namespace offramp::target::postgres
