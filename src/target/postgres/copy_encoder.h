// CopyEncoder: rows of cells → the bytes of one COPY … FROM STDIN (FORMAT binary) of one table.
//
// The buffer grows to what is pending and is kept by clear(). A row is measured once, then written
// without further checks; nothing is allocated per row. Not thread-safe.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mapping/compiled_mapping.h"
#include "mapping/rows.h"

namespace offramp::target::postgres {

class CopyEncoder {
 public:
  // `columns`: the first columns of `table` that each row has (all of them, or its key columns).
  CopyEncoder(const mapping::Table& table, uint32_t columns);

  // Appends rows first … end of `rows`. kBadItem (naming table and column, never the value) when a
  // time is outside PostgreSQL's range; kInternal when a cell does not fit its column's type. The
  // rows before stay appended.
  Status append(const mapping::TableRows& rows, uint32_t first, uint32_t end);

  uint64_t rows() const { return rows_; }
  size_t bytes() const { return size_; }
  bool empty() const { return rows_ == 0; }
  // The complete COPY stream of the appended rows: header, rows, trailer.
  std::string_view finish();
  void clear();
  // Also gives back a buffer that one outsized batch made large (C10).
  void shrink(size_t keep_bytes);
  // The bytes of the row (0-based) inside the stream; empty when there is none.
  std::string_view row_bytes(uint64_t row) const;

 private:
  struct Free {
    void operator()(char* bytes) const { std::free(bytes); }
  };
  void reserve(size_t more);
  char* write_cell(const mapping::Cell& cell, uint32_t column, char* out);
  Error column_error(ErrorKind kind, std::string_view why, uint32_t column) const;

  const mapping::Table* table_;
  std::vector<model::ColumnType> types_;
  std::unique_ptr<char, Free> buffer_;
  size_t size_ = 0, capacity_ = 0;
  uint64_t rows_ = 0;
};

}  // namespace offramp::target::postgres
