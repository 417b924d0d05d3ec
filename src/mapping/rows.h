// Rows on their way between an item and a table: cells without a database's encoding.
//
// A RowBatch holds rows per table of a CompiledMapping, flat (stride = the table's column count).
// Bytes live in the ItemBatch that the rows came from or in the RowBatch's arena.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"

namespace offramp::mapping {

enum class CellKind : uint8_t {
  kNull,
  kText,   // UTF-8
  kInt64,  // bigint; timestamptz: microseconds since 1970-01-01 UTC; date: days since 1970-01-01
  kDouble,
  kBool,
  kBytes,   // bytea; uuid: 16 bytes
  kNumber,  // canonical decimal text
  kJson,    // JSON text without NUL characters
  kArray,   // `size` members that follow as cells at `members`
};

struct Cell {
  CellKind kind = CellKind::kNull;
  uint32_t size = 0;  // bytes, or members of an array
  union {
    const char* data;
    int64_t integer;
    double real;
    bool boolean;
    const Cell* members;
  };
  Cell() : integer(0) {}
  std::string_view bytes() const { return {data, size}; }
  static Cell text(CellKind kind, std::string_view bytes) {
    Cell cell;
    cell.kind = kind;
    cell.size = static_cast<uint32_t>(bytes.size());
    cell.data = bytes.data();
    return cell;
  }
  static Cell int64(int64_t value) {
    Cell cell;
    cell.kind = CellKind::kInt64;
    cell.integer = value;
    return cell;
  }
  static Cell real_number(double value) {
    Cell cell;
    cell.kind = CellKind::kDouble;
    cell.real = value;
    return cell;
  }
  static Cell boolean_value(bool value) {
    Cell cell;
    cell.kind = CellKind::kBool;
    cell.boolean = value;
    return cell;
  }
};
static_assert(sizeof(Cell) == 16);

// Rows of one table: row r's cells are cells[r * columns … (r + 1) * columns).
struct TableRows {
  std::vector<Cell> cells;
  uint32_t rows = 0;
  void clear() {
    cells.clear();
    rows = 0;
  }
};

struct RowBatch {
  std::vector<TableRows> tables;  // index = CompiledMapping::tables() index
  base::Arena arena;
  base::Arena cell_arena;  // array members; 16-byte cells only
  void reset(size_t table_count) {
    tables.resize(table_count);
    for (TableRows& table : tables) table.clear();
    arena.reset();
    cell_arena.reset();
  }
};

}  // namespace offramp::mapping
