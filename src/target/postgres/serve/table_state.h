// TableState: what a session keeps for one served table: its statements, encoders, splitter and
// assembler.
//
// Belongs to one session: one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "mapping/key_order.h"
#include "target/postgres/copy_decoder.h"
#include "target/postgres/copy_encoder.h"
#include "target/postgres/serve/access_path.h"
#include "target/postgres/serve/channel.h"
#include "target/postgres/serve/table_sql.h"
#include "target/store.h"

namespace offramp::target::postgres {

// Writes that lock at once after one that lost a race.
constexpr uint32_t kContendedWrites = 32;

struct ChildState {
  uint32_t table;
  CopyEncoder rows;
  CopyDecoder decoder;
  Statement find, lock, upsert, remove_from;
};

struct ParentState {
  uint32_t table, key_columns;
  CopyEncoder rows, keys, partition;  // partition: the key columns that a partition gives
  CopyDecoder decoder;
  Statement find, lock, insert, upsert, remove;
  std::vector<ChildState> children;
};

struct TableState {
  TableState(const ServedTable& served, std::string schema);

  const mapping::Table& table(uint32_t index) const { return mapping->tables()[index]; }
  TableNames names(uint32_t index) const { return {schema, &table(index)}; }
  // An item is one row, of `parents[0]` or of the overflow table.
  bool simple() const { return parents.size() == 1 && parents[0].children.empty(); }
  // Some parent has child tables.
  bool has_children() const;
  // Every statement, to be taken back from the server.
  void each_statement(const std::function<void(Statement&)>& visit);

  const std::string id, schema;
  const std::shared_ptr<const mapping::CompiledMapping> mapping;
  mapping::Splitter splitter;
  mapping::Assembler assembler;
  mapping::PartitionCells partition_cells;
  std::vector<ParentState> parents;  // in the order of the mapping's tables
  ParentState overflow;
  Statement find_simple, find_version, put_simple, remove_simple, insert_absent, update_same,
      remove_same, lock_shared, lock_exclusive;
  std::unordered_map<uint64_t, Statement> reads;  // of pages; see page_reader.h
  std::unordered_map<uint8_t, std::unique_ptr<AccessPath>>
      paths;  // 0: the table; i + 1: its index i
  // Made here: index attributes of type S, which the target's text must be able to hold.
  std::vector<std::string> text_attributes;
  uint64_t lock_seed;           // of the advisory locks on this table's keys
  double row_bytes = 16384;     // of an item, as the newest page had them
  size_t row_bytes_max = 1024;  // of the largest item that a page had
  uint32_t contended = 0;  // writes to come that lock at once, because others came between before
  uint64_t used = 0;       // when, for giving up what was not used for long
};

// Cells of row `row` of a result, beginning with field `first`.
Status decode_row(const PGresult* result, int row, int first, uint32_t columns,
                  CopyDecoder& decoder, std::vector<mapping::Cell>& cells,
                  mapping::RowBatch& memory);

}  // namespace offramp::target::postgres
