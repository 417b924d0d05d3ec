// RowLimits: whether a filled row of one table fits the target beyond its single values: the width
// of the row itself and the length of its index entries.
//
// A target with pages (PostgreSQL) keeps long values elsewhere, but a short one, or the pointer to
// a long one, stays in the row, so a row of very many columns can be too wide whatever its values
// are. Rows that do not fit go to the overflow table (C7, C8). Constant after construction.
#pragma once

#include <vector>

#include "mapping/compiled_mapping.h"
#include "mapping/rows.h"

namespace offramp::mapping {

class RowLimits {
 public:
  RowLimits(const Table& table, const Limits& limits);

  enum class Fit : uint8_t { kYes, kTooWide, kIndexTooLong };
  // `row`: the table's cells. Tables that cannot exceed a limit cost one branch.
  Fit fit(const Cell* row) const { return wide_ || !indexes_.empty() ? look(row) : Fit::kYes; }

 private:
  Fit look(const Cell* row) const;

  const size_t columns_;
  const size_t row_bytes_max_, index_bytes_max_;
  const bool wide_;                             // enough columns to be too wide
  std::vector<std::vector<uint32_t>> indexes_;  // columns of those with values of any length
};

}  // namespace offramp::mapping
