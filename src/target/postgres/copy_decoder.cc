#include "target/postgres/copy_decoder.h"

#include <fmt/format.h>

#include <bit>

#include "target/postgres/numeric_wire.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {
namespace {

using mapping::Cell;
using mapping::CellKind;
using model::ColumnType;

constexpr uint32_t kNullSize = 0xFFFFFFFF;

// Takes one length-prefixed field off `rest`. False when it is cut short.
bool take_field(std::string_view& rest, std::string_view& field, bool& null) {
  if (rest.size() < 4) return false;
  uint32_t size = get_u32(rest.data());
  rest.remove_prefix(4);
  null = size == kNullSize;
  if (null) {
    field = {};
    return true;
  }
  if (size > rest.size()) return false;
  field = rest.substr(0, size);
  rest.remove_prefix(size);
  return true;
}

Status decode_number(std::string_view wire, Cell& cell, base::Arena& arena) {
  char* out = arena.allocate(kNumericTextMax);
  size_t size = TRY(decode_numeric(wire, out));
  arena.shrink_last(out, kNumericTextMax, size);
  cell = Cell::text(CellKind::kNumber, {out, size});
  return {};
}

}  // namespace

CopyDecoder::CopyDecoder(const mapping::Table& table, uint32_t columns, uint32_t prefix_columns)
    : table_(&table), columns_(columns), prefix_(prefix_columns) {}

Error CopyDecoder::corrupt(uint32_t column, std::string_view why) const {
  return Error(
      ErrorKind::kCorrupt, "postgres.row",
      fmt::format(
          "table {}, column {}: {}; the row was changed by someone else or the table is not the "
          "plan's",
          table_->name, column < columns_ ? table_->columns[column].name : "?", why));
}

Status CopyDecoder::decode(std::string_view row, std::vector<Cell>& cells, base::Arena& bytes,
                           base::Arena& members) {
  if (row.size() < 2 || get_u16(row.data()) != columns_ + prefix_.size())
    return corrupt(columns_, "a row has another number of columns than was asked for");
  row.remove_prefix(2);
  bool null = false;
  for (std::string_view& field : prefix_)
    if (!take_field(row, field, null)) return corrupt(columns_, "a row is cut short");
  for (uint32_t column = 0; column < columns_; ++column) {
    std::string_view field;
    if (!take_field(row, field, null)) return corrupt(column, "a row is cut short");
    Cell& cell = cells.emplace_back();
    if (!null) TRY(decode_cell(field, column, cell, bytes, members));
  }
  if (!row.empty()) return corrupt(columns_, "a row is longer than its columns");
  return {};
}

Status CopyDecoder::decode_cell(std::string_view wire, uint32_t column, Cell& cell,
                                base::Arena& bytes, base::Arena& members) {
  auto need = [&](size_t size) -> Status {
    if (wire.size() != size) return corrupt(column, "a value has a wrong length");
    return {};
  };
  switch (table_->columns[column].type) {
    case ColumnType::kText:
      cell = Cell::text(CellKind::kText, wire);
      return {};
    case ColumnType::kBytea:
      cell = Cell::text(CellKind::kBytes, wire);
      return {};
    case ColumnType::kUuid:
      TRY(need(16));
      cell = Cell::text(CellKind::kBytes, wire);
      return {};
    case ColumnType::kNumeric: {
      Status status = decode_number(wire, cell, bytes);
      return status.ok() ? Status() : Status(corrupt(column, status.error().message()));
    }
    case ColumnType::kBigint:
      TRY(need(8));
      cell = Cell::int64(static_cast<int64_t>(get_u64(wire.data())));
      return {};
    case ColumnType::kTimestamptz: {
      TRY(need(8));
      int64_t micros = static_cast<int64_t>(get_u64(wire.data()));
      // Infinity lies outside; the upper bound also keeps the sum inside 64 bits.
      if (micros < kTimestampMin || micros >= kTimestampEnd - kEpochMicros)
        return corrupt(column, "a time is infinite or out of range");
      cell = Cell::int64(micros + kEpochMicros);
      return {};
    }
    case ColumnType::kDate: {
      TRY(need(4));
      int64_t days = static_cast<int32_t>(get_u32(wire.data()));
      if (days < kDateMin || days >= kDateEnd)
        return corrupt(column, "a date is infinite or out of range");
      cell = Cell::int64(days + kEpochDays);
      return {};
    }
    case ColumnType::kDouble:
      TRY(need(8));
      cell = Cell::real_number(std::bit_cast<double>(get_u64(wire.data())));
      return {};
    case ColumnType::kBoolean:
      TRY(need(1));
      cell = Cell::boolean_value(wire[0] != 0);
      return {};
    case ColumnType::kJsonb:
    case ColumnType::kAttribute:
      if (wire.empty() || wire[0] != kJsonbVersion)
        return corrupt(column, "jsonb of an unknown version");
      cell = Cell::text(CellKind::kJson, wire.substr(1));
      return {};
    case ColumnType::kTextArray:
      return decode_array(wire, column, kTextOid, cell, bytes, members);
    case ColumnType::kNumericArray:
      return decode_array(wire, column, kNumericOid, cell, bytes, members);
    case ColumnType::kByteaArray:
      return decode_array(wire, column, kByteaOid, cell, bytes, members);
  }
  return corrupt(column, "unknown column type");
}

Status CopyDecoder::decode_array(std::string_view wire, uint32_t column, uint32_t element_oid,
                                 Cell& cell, base::Arena& bytes, base::Arena& members) {
  if (wire.size() < 12 || get_u32(wire.data() + 8) != element_oid)
    return corrupt(column, "not the expected array");
  uint32_t dimensions = get_u32(wire.data());
  wire.remove_prefix(12);
  cell.kind = CellKind::kArray;
  cell.size = 0;
  cell.members = nullptr;
  if (dimensions == 0) return {};
  if (dimensions != 1 || wire.size() < 8)
    return corrupt(column, "an array has more than one dimension");
  uint32_t count = get_u32(wire.data());
  wire.remove_prefix(8);
  // Each element takes at least its length word: bounds the allocation by the row's size.
  if (count > wire.size() / 4) return corrupt(column, "an array is cut short");
  Cell* out = reinterpret_cast<Cell*>(members.allocate(count * sizeof(Cell)));
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view field;
    bool null = false;
    if (!take_field(wire, field, null)) return corrupt(column, "an array is cut short");
    if (null) return corrupt(column, "an array holds NULL");
    Cell member;
    if (element_oid == kNumericOid) {
      Status status = decode_number(field, member, bytes);
      if (!status.ok()) return corrupt(column, status.error().message());
    } else {
      member = Cell::text(element_oid == kTextOid ? CellKind::kText : CellKind::kBytes, field);
    }
    out[i] = member;
  }
  cell.size = count;
  cell.members = out;
  return {};
}

size_t copy_header_size(std::string_view bytes) {
  constexpr size_t kSignatureBytes = 11;
  if (bytes.size() < kCopyHeaderBytes ||
      std::memcmp(bytes.data(), kCopyHeader, kSignatureBytes) != 0)
    return 0;
  size_t size = kCopyHeaderBytes + get_u32(bytes.data() + 15);
  return size <= bytes.size() ? size : 0;
}

bool is_copy_trailer(std::string_view bytes) {
  return bytes.size() == 2 && get_u16(bytes.data()) == 0xFFFF;
}

}  // namespace offramp::target::postgres
