// CopyDecoder: one row of COPY … TO STDOUT (FORMAT binary) → cells.
//
// Text, bytes and JSON cells point into the row's bytes; numbers and array members into the
// caller's arenas. Everything is checked against the row's length: a row that contradicts itself or
// the mapping is kCorrupt, naming table and column.
#pragma once

#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "mapping/compiled_mapping.h"
#include "mapping/rows.h"

namespace offramp::target::postgres {

class CopyDecoder {
 public:
  // `prefix_columns`: bytes-sized columns that stand before the table's own (system columns); see
  // prefix().
  CopyDecoder(const mapping::Table& table, uint32_t columns, uint32_t prefix_columns = 0);

  // Appends the row's cells to `cells`.
  Status decode(std::string_view row, std::vector<mapping::Cell>& cells, base::Arena& bytes,
                base::Arena& members);
  // One value that is not SQL NULL, in the same binary form.
  Status decode_field(std::string_view wire, uint32_t column, mapping::Cell& cell,
                      base::Arena& bytes, base::Arena& members) {
    return decode_cell(wire, column, cell, bytes, members);
  }
  // The raw bytes of prefix column `index` of the newest row.
  std::string_view prefix(uint32_t index) const { return prefix_[index]; }

 private:
  Status decode_cell(std::string_view wire, uint32_t column, mapping::Cell& cell,
                     base::Arena& bytes, base::Arena& members);
  Status decode_array(std::string_view wire, uint32_t column, uint32_t element_oid,
                      mapping::Cell& cell, base::Arena& bytes, base::Arena& members);
  Error corrupt(uint32_t column, std::string_view why) const;

  const mapping::Table* table_;
  uint32_t columns_;
  std::vector<std::string_view> prefix_;
};

// The offset of the first row behind the COPY header; 0 when `bytes` does not begin with one.
size_t copy_header_size(std::string_view bytes);
// True for the trailer that ends a COPY stream.
bool is_copy_trailer(std::string_view bytes);

}  // namespace offramp::target::postgres
