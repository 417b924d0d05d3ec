#include "target/postgres/copy_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <new>

#include "target/postgres/numeric_wire.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {
namespace {

using mapping::Cell;
using mapping::CellKind;
using model::ColumnType;

// Length word, and what a fixed-size value or a numeric takes beyond its text.
constexpr size_t kCellOverhead = 4 + 16;
constexpr size_t kArrayOverhead = 4 + 20;

size_t measure(const Cell& cell) {
  switch (cell.kind) {
    case CellKind::kText:
    case CellKind::kBytes:
    case CellKind::kNumber:
    case CellKind::kJson:
      return kCellOverhead + cell.size;
    case CellKind::kArray: {
      size_t bytes = kArrayOverhead;
      for (uint32_t i = 0; i < cell.size; ++i) bytes += kCellOverhead + cell.members[i].size;
      return bytes;
    }
    default:
      return kCellOverhead;
  }
}

char* write_bytes(std::string_view bytes, char* out) {
  put_u32(out, static_cast<uint32_t>(bytes.size()));
  if (!bytes.empty()) std::memcpy(out + 4, bytes.data(), bytes.size());
  return out + 4 + bytes.size();
}

char* write_number(std::string_view text, char* out) {
  size_t size = encode_numeric(text, out + 4);
  put_u32(out, static_cast<uint32_t>(size));
  return out + 4 + size;
}

char* write_int64(int64_t value, char* out) {
  put_u32(out, 8);
  put_u64(out + 4, static_cast<uint64_t>(value));
  return out + 12;
}

// array_recv: dimensions, has-nulls flag, element type; per dimension length and lower bound; then
// the elements.
char* write_array(const Cell& cell, uint32_t element_oid, CellKind element_kind, char* out) {
  char* length = out;
  out += 4;
  put_u32(out, cell.size ? 1 : 0);
  put_u32(out + 4, 0);
  put_u32(out + 8, element_oid);
  out += 12;
  if (cell.size) {
    put_u32(out, cell.size);
    put_u32(out + 4, 1);
    out += 8;
  }
  for (uint32_t i = 0; i < cell.size; ++i) {
    const Cell& member = cell.members[i];
    if (member.kind != element_kind) return nullptr;
    out = element_kind == CellKind::kNumber ? write_number(member.bytes(), out)
                                            : write_bytes(member.bytes(), out);
  }
  put_u32(length, static_cast<uint32_t>(out - length - 4));
  return out;
}

}  // namespace

CopyEncoder::CopyEncoder(const mapping::Table& table, uint32_t columns) : table_(&table) {
  for (uint32_t i = 0; i < columns; ++i) types_.push_back(table.columns[i].type);
}

Error CopyEncoder::column_error(ErrorKind kind, std::string_view why, uint32_t column) const {
  return Error(
      kind, "postgres.encode",
      fmt::format("table {}, column {}: {}", table_->name, table_->columns[column].name, why));
}

void CopyEncoder::reserve(size_t more) {
  if (size_ + more <= capacity_) return;
  size_t capacity = std::max({size_ + more, capacity_ + capacity_ / 2, size_t{64} * 1024});
  // realloc moves large blocks by remapping pages; the pages are not cleared first.
  char* grown = static_cast<char*>(std::realloc(buffer_.get(), capacity));
  if (!grown) throw std::bad_alloc();
  static_cast<void>(buffer_.release());
  buffer_.reset(grown);
  capacity_ = capacity;
}

Status CopyEncoder::append(const mapping::TableRows& rows, uint32_t first, uint32_t end) {
  const uint32_t columns = static_cast<uint32_t>(types_.size());
  if (size_ == 0) {
    reserve(kCopyHeaderBytes);
    std::memcpy(buffer_.get(), kCopyHeader, kCopyHeaderBytes);
    size_ = kCopyHeaderBytes;
  }
  for (uint32_t row = first; row < end; ++row) {
    const Cell* cells = rows.cells.data() + size_t{row} * columns;
    size_t bound = 2 + kCopyTrailerBytes;
    for (uint32_t i = 0; i < columns; ++i) bound += measure(cells[i]);
    reserve(bound);
    char* out = buffer_.get() + size_;
    put_u16(out, static_cast<uint16_t>(columns));
    out += 2;
    for (uint32_t i = 0; i < columns; ++i) {
      char* after = write_cell(cells[i], i, out);
      if (!after) {
        bool time = cells[i].kind == CellKind::kInt64 &&
                    (types_[i] == ColumnType::kTimestamptz || types_[i] == ColumnType::kDate);
        return time
                   ? column_error(ErrorKind::kBadItem,
                                  "a time is outside PostgreSQL's range; map the attribute as "
                                  "bigint, numeric or text",
                                  i)
                   : column_error(ErrorKind::kInternal, "a cell does not fit the column's type", i);
      }
      out = after;
    }
    size_ = static_cast<size_t>(out - buffer_.get());
    ++rows_;
  }
  return {};
}

// The end of what was written; nullptr when the cell does not fit the column.
inline char* CopyEncoder::write_cell(const Cell& cell, uint32_t column, char* out) {
  const ColumnType type = types_[column];
  switch (cell.kind) {
    case CellKind::kNull:
      put_u32(out, 0xFFFFFFFF);
      return out + 4;
    case CellKind::kText:
      return type == ColumnType::kText ? write_bytes(cell.bytes(), out) : nullptr;
    case CellKind::kBytes:
      if (type == ColumnType::kUuid && cell.size != 16) return nullptr;
      return type == ColumnType::kBytea || type == ColumnType::kUuid
                 ? write_bytes(cell.bytes(), out)
                 : nullptr;
    case CellKind::kNumber:
      return type == ColumnType::kNumeric ? write_number(cell.bytes(), out) : nullptr;
    case CellKind::kInt64: {
      if (type == ColumnType::kBigint) return write_int64(cell.integer, out);
      if (type == ColumnType::kTimestamptz) {
        if (cell.integer < kTimestampMin + kEpochMicros || cell.integer >= kTimestampEnd)
          return nullptr;
        return write_int64(cell.integer - kEpochMicros, out);
      }
      if (type != ColumnType::kDate) return nullptr;
      int64_t days = cell.integer - kEpochDays;
      if (days < kDateMin || days >= kDateEnd) return nullptr;
      put_u32(out, 4);
      put_u32(out + 4, static_cast<uint32_t>(static_cast<int32_t>(days)));
      return out + 8;
    }
    case CellKind::kDouble:
      return type == ColumnType::kDouble ? write_int64(std::bit_cast<int64_t>(cell.real), out)
                                         : nullptr;
    case CellKind::kBool:
      if (type != ColumnType::kBoolean) return nullptr;
      put_u32(out, 1);
      out[4] = cell.boolean ? 1 : 0;
      return out + 5;
    case CellKind::kJson:
      if (type != ColumnType::kJsonb && type != ColumnType::kAttribute) return nullptr;
      put_u32(out, cell.size + 1);
      out[4] = kJsonbVersion;
      std::memcpy(out + 5, cell.data, cell.size);
      return out + 5 + cell.size;
    case CellKind::kArray:
      switch (type) {
        case ColumnType::kTextArray:
          return write_array(cell, kTextOid, CellKind::kText, out);
        case ColumnType::kNumericArray:
          return write_array(cell, kNumericOid, CellKind::kNumber, out);
        case ColumnType::kByteaArray:
          return write_array(cell, kByteaOid, CellKind::kBytes, out);
        default:
          return nullptr;
      }
  }
  return nullptr;
}

std::string_view CopyEncoder::finish() {
  // append() always leaves room for the trailer, which the next append() overwrites.
  std::memcpy(buffer_.get() + size_, kCopyTrailer, kCopyTrailerBytes);
  return {buffer_.get(), size_ + kCopyTrailerBytes};
}

void CopyEncoder::clear() {
  size_ = 0;
  rows_ = 0;
}

void CopyEncoder::shrink(size_t keep_bytes) {
  if (size_ || capacity_ <= keep_bytes) return;
  buffer_.reset();
  capacity_ = 0;
}

std::string_view CopyEncoder::row_bytes(uint64_t row) const {
  if (row >= rows_) return {};
  size_t at = kCopyHeaderBytes;
  for (uint64_t i = 0;; ++i) {
    size_t start = at;
    at += 2;
    for (size_t column = 0; column < types_.size(); ++column) {
      uint32_t size = get_u32(buffer_.get() + at);
      at += 4 + (size == 0xFFFFFFFF ? 0 : size);
    }
    if (i == row) return {buffer_.get() + start, at - start};
  }
}

}  // namespace offramp::target::postgres
