// What a table's columns say about DynamoDB's order and partitions: for stores that read items in
// key order.
//
// A table's leading key columns come from the partition key's template alone, so the items of one
// partition are the rows with these cells. Whether the rows' order is the sort key's depends on the
// template: one placeholder with nothing behind it, in a column that compares as the attribute
// does. Constant; any thread.
#pragma once

#include <optional>
#include <string>

#include "mapping/compiled_mapping.h"

namespace offramp::mapping {

enum class SortOrder {
  kNoSortKey,  // one item per partition
  kByColumn,   // the order of `sort_column` is the order of the sort key
  kInMemory,   // the columns' order is another one: read the partition and sort the items
};

struct KeyOrder {
  uint32_t partition_columns = 0;  // the leading key columns that the partition key gives
  SortOrder sort = SortOrder::kNoSortKey;
  // kByColumn: of type text (bytes compared as unsigned), numeric, bigint or bytea. Of text, every
  // sort key of the table is `sort_literal` followed by the column.
  uint32_t sort_column = 0;
  std::string sort_literal;
};
// Of a parent table (not of the overflow table).
KeyOrder key_order(const CompiledMapping& mapping, uint32_t table);

// Where a sort key value lies among the sort keys of a table with SortOrder::kByColumn.
enum class SortPlace {
  kBelowAll,
  kWithin,
  kAboveAll,
};
// kWithin: `cell` (text, number or bytes) compares with the sort column as `value` does with the
// sort keys. Its bytes are the value's.
SortPlace place_of(const KeyOrder& order, ddb::ValueView value, Cell& cell);

// Which sort keys of such a table begin with `prefix`: all, none, or those whose column begins with
// `cell`.
enum class PrefixMatch { kAll, kNone, kWithin };
PrefixMatch match_prefix(const KeyOrder& order, ddb::ValueView prefix, Cell& cell);

struct AttributeColumn {
  uint32_t column = 0;
  // Every value of the attribute's type is in the column. Otherwise some can be in `extra` with
  // NULL in the column (text with a NUL character, where the target's text cannot have it).
  bool total = true;
};
// The column of a parent table that holds a top-level attribute of type S, N or B as text, numeric
// (of a key: or bigint) or bytea; nothing when it is held another way.
std::optional<AttributeColumn> attribute_column(const CompiledMapping& mapping, uint32_t table,
                                                const model::KeyAttribute& attribute);

// The leading key cells of a partition, table by table. One per thread.
class PartitionCells {
 public:
  explicit PartitionCells(std::shared_ptr<const CompiledMapping> mapping);
  ~PartitionCells();

  // False when no item of this partition is in the parent table; else writes
  // key_order().partition_columns cells. Bytes are the value's or `arena`'s.
  bool find(uint32_t table, ddb::ValueView partition, base::Arena& arena, Cell* cells);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::mapping
