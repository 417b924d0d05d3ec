// Keys of rows: equality, hashes, and KeyIndex, which finds a key among the rows of a table.
//
// Cells are compared as the mapping made them: canonical, so equal values are equal cells.
#pragma once

#include <xxhash.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

#include "mapping/rows.h"

namespace offramp::target {

inline bool cell_has_bytes(const mapping::Cell& cell) {
  using mapping::CellKind;
  return cell.kind == CellKind::kText || cell.kind == CellKind::kBytes ||
         cell.kind == CellKind::kNumber || cell.kind == CellKind::kJson;
}

// True when both rows begin with the same `columns` key cells.
inline bool same_row_key(const mapping::Cell* a, const mapping::Cell* b, uint32_t columns) {
  for (uint32_t i = 0; i < columns; ++i) {
    if (a[i].kind != b[i].kind) return false;
    if (cell_has_bytes(a[i])) {
      if (a[i].size != b[i].size || (a[i].size && std::memcmp(a[i].data, b[i].data, a[i].size)))
        return false;
    } else if (a[i].kind == mapping::CellKind::kBool ? a[i].boolean != b[i].boolean
                                                     : a[i].integer != b[i].integer) {
      return false;
    }
  }
  return true;
}

inline uint64_t hash_row_key(const mapping::Cell* key, uint32_t columns) {
  uint64_t hash = 0;
  for (uint32_t i = 0; i < columns; ++i) {
    const mapping::Cell& cell = key[i];
    if (cell_has_bytes(cell)) {
      hash = XXH3_64bits_withSeed(cell.data, cell.size, hash);
    } else {
      int64_t value = cell.kind == mapping::CellKind::kBool ? cell.boolean : cell.integer;
      hash = XXH3_64bits_withSeed(&value, sizeof value, hash);
    }
  }
  return hash;
}

// Which keys the rows of one table begin with. Memory is kept by build(); the rows must live as
// long as contains() is called. One thread.
class KeyIndex {
 public:
  void build(const mapping::TableRows& rows, size_t stride, uint32_t key_columns) {
    rows_ = &rows;
    stride_ = stride;
    key_columns_ = key_columns;
    size_t slots = std::bit_ceil(size_t{rows.rows} * 2 + 1);
    slots_.assign(slots, 0);
    for (uint32_t row = 0; row < rows.rows; ++row) {
      size_t at = hash_row_key(&rows.cells[row * stride], key_columns) & (slots - 1);
      while (slots_[at] != 0) at = (at + 1) & (slots - 1);
      slots_[at] = row + 1;
    }
  }
  bool contains(const mapping::Cell* key) const {
    if (rows_->rows == 0) return false;
    size_t mask = slots_.size() - 1;
    for (size_t at = hash_row_key(key, key_columns_) & mask; slots_[at] != 0; at = (at + 1) & mask)
      if (same_row_key(key, &rows_->cells[(slots_[at] - 1) * stride_], key_columns_)) return true;
    return false;
  }

 private:
  const mapping::TableRows* rows_ = nullptr;
  size_t stride_ = 0;
  uint32_t key_columns_ = 0;
  std::vector<uint32_t> slots_;  // power of two; row + 1, 0 = free
};

}  // namespace offramp::target
