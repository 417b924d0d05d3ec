// The SQL text of reading and writing one served table by key. No connection, no decisions.
//
// "Simple" tables have one parent table without children, so that an item is one row of it or one
// of the overflow table; their statements look after both at once. Parameters of a row are its
// cells in column order; of a key, its cells, then (of a simple table) the overflow table's key.
#pragma once

#include <string>
#include <vector>

#include "mapping/compiled_mapping.h"
#include "target/postgres/serve/channel.h"

namespace offramp::target::postgres {

Oid column_oid(model::ColumnType type);
// "$1, $2, …": `count` parameters from number `first` on.
std::string parameter_list(uint32_t first, uint32_t count);

struct TableNames {
  std::string_view schema;
  const mapping::Table* table;
  std::string name() const;
};

// One row by its key. kVersion: with xmin at the end. kLock: … FOR UPDATE.
enum class Find { kPlain, kLock };
Statement find_statement(const TableNames& parent, Find find);
// Of a child: all rows of a parent's key in order of the ordinal.
Statement find_children_statement(const TableNames& child, Find find);
Statement insert_statement(const TableNames& table);
Statement upsert_statement(const TableNames& table);
Statement remove_statement(const TableNames& table);
// Of a child: the rows of a parent's key from an ordinal on.
Statement remove_children_statement(const TableNames& child);

// Simple tables. The row of the overflow table comes with NULL keys and the item in place of
// `extra`.
enum class Version { kWithout, kWith };
// `overflow` is nullptr where an item whose key fits the parent table is never in the overflow
// table; the parameter for its key is there all the same.
Statement find_simple_statement(const TableNames& parent, const TableNames* overflow,
                                Version version);
Statement put_simple_statement(const TableNames& parent, const TableNames* overflow);
Statement remove_simple_statement(const TableNames& parent, const TableNames* overflow);
// Touches one row if there was none under the key.
Statement insert_absent_statement(const TableNames& parent, const TableNames& overflow);
// Touch one row if it still is the version (xmin, the last parameter) that was read.
Statement update_same_statement(const TableNames& parent);
Statement remove_same_statement(const TableNames& parent);

enum class TableLock { kShared, kExclusive };
// kShared goes with itself and with every write; kExclusive with reading only.
Statement lock_table_statement(const TableNames& parent, TableLock lock);

}  // namespace offramp::target::postgres
