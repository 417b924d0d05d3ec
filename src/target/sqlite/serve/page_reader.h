// PageReader: pages of one served table over one connection, in the service's order.
//
// 1. A table made here is read along an SQL index straight into the page, unless numbers are in the
//    way that SQLite keeps as text (more than 17 digits): those sort behind all others in SQL.
// 2. All else goes through the Collector: every table that can have items of the partition gives
//    what its columns narrow down, exact conditions and order are decided on the items.
// 3. A scan of a plan's tables goes through one table after the other, each in order of its key.
// Inside the caller's transaction. One thread at a time.
#pragma once

#include "mapping/key_order.h"
#include "target/sqlite/serve/collector.h"
#include "target/sqlite/serve/plan_access.h"
#include "target/sqlite/serve/table_reader.h"

namespace offramp::target::sqlite::serve {

class PageReader {
 public:
  // `readers`: by table of the mapping, null for child tables (and for the overflow table of a
  // table made here, which the database does not have). They must live as long.
  PageReader(const ServedTable& table, std::vector<std::unique_ptr<TableReader>>& readers);

  Status read(const PageRequest& request, Page& page);

 private:
  struct IndexPath {
    std::string name;
    Path path;
    bool late = false;    // with a table of its own
    bool usable = true;   // else all rows are looked at
    std::string odd_sql;  // late: the rows to be looked at besides
  };
  // Where a request reads in one table.
  struct Source {
    uint32_t table = 0;
    const Path* path = nullptr;
    uint32_t path_number = 0;
    const mapping::KeyOrder* order = nullptr;  // where the sort column is the sort key's
  };
  enum class Range { kNone, kOrdered, kUnordered };
  // How far a run of rows goes: to its end; until it has given a page's worth; or, where rows come
  // in the order of the index's first sort attribute only, until that changes behind a page's
  // worth.
  enum class Until { kEnd, kFull, kFullAndNextValue };

  void add_index_path(const ServedTable& table, size_t number);
  Status read_made_here(const PageRequest& request, Page& page);
  Status read_late(const PageRequest& request, size_t index, const Source& source, Page& page);
  Status read_through(const PageRequest& request, Page& page);
  Status query_plan(const PageRequest& request, Page& page);
  Status scan_plan(const PageRequest& request, Page& page);
  Result<uint32_t> first_table_of_scan(const PageRequest& request);
  Status add_overflow(const PageRequest& request);
  Status add_all_rows(uint32_t table);
  Status add_index_rows(const PageRequest& request, uint32_t table);
  Result<Until> index_range(const PageRequest& request, const Source& source,
                            const PlanAccess& access, Read& read);
  bool index_bounds(const PageRequest& request, const Source& source, Read& read);
  // False when no row of the table can be in the index's partition.
  bool index_parameters(const PageRequest& request, uint32_t table, const PlanAccess& access);

  // Steps through a bound statement, into the page or the collector, until the page is full.
  Status read_into(const PageRequest& request, TableReader& reader, sqlite3_stmt* row, Page& page);
  Status collect(const PageRequest& request, TableReader& reader, sqlite3_stmt* row, Until until);

  // The statement's form and parameters_. kUnordered: the rows are not in order, or cannot be
  // narrowed down; then only the equalities are in `read`.
  Result<Range> plan_range(const PageRequest& request, const Source& source, Read& read);
  void scan_range(const PageRequest& request, const Source& source, Read& read);
  bool add_equalities(const PageRequest& request, const Source& source, Read& read);
  bool plan_bounds(const PageRequest& request, const Source& source, Read& read);
  bool plan_after(const PageRequest& request, const Source& source, Read& read);
  bool add_bound(const Source& source, ddb::ValueView value, bool lower, bool inclusive,
                 Read& read);
  bool add_prefix(const Source& source, ddb::ValueView prefix, Read& read);
  Result<bool> has_text_numbers(const Source& source, uint32_t equal);
  void add_parameter(ddb::ValueView value);
  void add_parameter(const Path& path, size_t column, ddb::ValueView value);
  void bind(sqlite3_stmt* statement);
  Result<sqlite3_stmt*> bound(const Source& source, const Read& read);

  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const bool made_here_;
  std::vector<std::unique_ptr<TableReader>>& readers_;
  std::vector<mapping::KeyOrder> orders_;  // by table
  std::vector<Path> key_paths_;            // by table: along the key
  std::vector<IndexPath> index_paths_;     // made here
  // A plan's: by table and index.
  std::vector<std::vector<PlanAccess>> accesses_;
  std::vector<std::string> index_names_;
  mapping::Splitter splitter_;
  mapping::PartitionCells partitions_;
  mapping::RowBatch keys_;
  PageFilter filter_;
  Collector collector_;
  Encoder encoder_;

  // Of the page in hand.
  base::Arena arena_;
  std::vector<mapping::Cell> parameters_;  // in storage form
  bool exact_ = true;  // the SQL decides all; else the filter looks at each item
  // `after` has a number that SQLite would keep as text: it does not compare with the others.
  bool after_text_number_ = false;
  std::string successor_, last_value_;
};

}  // namespace offramp::target::sqlite::serve
