#include "mapping/row_limits.h"

#include <algorithm>

namespace offramp::mapping {
namespace {

// What one value takes in the row at most, alignment and header included: PostgreSQL moves values
// above 24 bytes out of a row that is too wide and leaves a pointer of 18, or 24 compressed.
constexpr size_t kCellInRowMax = 28;

bool fixed_size(model::ColumnType type) {
  switch (type) {
    case model::ColumnType::kBigint:
    case model::ColumnType::kDouble:
    case model::ColumnType::kBoolean:
    case model::ColumnType::kTimestamptz:
    case model::ColumnType::kDate:
    case model::ColumnType::kUuid:
      return true;
    default:
      return false;
  }
}

// The end of the cell in a row whose cells before it end at `at`.
size_t end_in_row(const Cell& cell, size_t at) {
  switch (cell.kind) {
    case CellKind::kNull:
      return at;
    case CellKind::kInt64:
    case CellKind::kDouble:
      return (at + 7) / 8 * 8 + 8;
    case CellKind::kBool:
      return at + 1;
    case CellKind::kText:
    case CellKind::kBytes:
      return at + std::min<size_t>(cell.size + size_t{1}, kCellInRowMax);
    case CellKind::kNumber:  // groups of four digits, two bytes each
      return at + std::min<size_t>(2 * (cell.size / 4 + size_t{2}) + 5, kCellInRowMax);
    case CellKind::kJson:
    case CellKind::kArray:
      return at + kCellInRowMax;
  }
  return at + kCellInRowMax;
}

size_t index_bytes(const Cell& cell) {
  switch (cell.kind) {
    case CellKind::kNull:
      return 0;
    case CellKind::kArray: {
      size_t sum = 24;
      for (uint32_t i = 0; i < cell.size; ++i) sum += cell.members[i].size + size_t{8};
      return sum;
    }
    case CellKind::kText:
    case CellKind::kBytes:
    case CellKind::kNumber:
    case CellKind::kJson:
      return cell.size;
    default:
      return 8;
  }
}

}  // namespace

RowLimits::RowLimits(const Table& table, const Limits& limits)
    : columns_(table.columns.size()),
      row_bytes_max_(limits.row_bytes_max),
      index_bytes_max_(limits.index_bytes_max),
      wide_(columns_ > limits.row_bytes_max / kCellInRowMax) {
  if (limits.index_bytes_max == SIZE_MAX) return;
  for (const Index& index : table.indexes)
    if (std::any_of(index.columns.begin(), index.columns.end(),
                    [&](uint32_t column) { return !fixed_size(table.columns[column].type); }))
      indexes_.push_back(index.columns);
}

RowLimits::Fit RowLimits::look(const Cell* row) const {
  if (wide_) {
    size_t end = 0;
    for (size_t i = 0; i < columns_; ++i) end = end_in_row(row[i], end);
    if (end > row_bytes_max_) return Fit::kTooWide;
  }
  for (const std::vector<uint32_t>& columns : indexes_) {
    size_t sum = 0;
    for (uint32_t column : columns) sum += index_bytes(row[column]);
    if (sum > index_bytes_max_) return Fit::kIndexTooLong;
  }
  return Fit::kYes;
}

}  // namespace offramp::mapping
