// Cell → value. Cells come from a database that others can write to, so every kind and range is
// checked.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "ddb/number.h"
#include "mapping/convert.h"
#include "mapping/time_text.h"

namespace offramp::mapping {
namespace {

using ddb::ItemBuilder;
using ddb::Type;
using model::ColumnType;

Error corrupt(std::string message) {
  return Error(ErrorKind::kCorrupt, "mapping.bad_cell", std::move(message));
}

Error wrong_kind(ColumnType type) {
  return corrupt("the cell is not a " + std::string(model::column_type_name(type)));
}

std::string_view keep(std::string_view bytes, ddb::ItemBatch& batch) {
  return {batch.arena.copy(bytes), bytes.size()};
}

Result<std::string_view> canonical_number(std::string_view text, ddb::ItemBatch& batch) {
  if (ddb::is_canonical_number(text)) return keep(text, batch);
  auto number = ddb::Number::parse(text);
  if (!number.ok()) return corrupt("not a number that DynamoDB can hold");
  char* to = batch.arena.allocate(ddb::kNumberTextMax);
  size_t size = number->write(to);
  batch.arena.shrink_last(to, ddb::kNumberTextMax, size);
  return std::string_view(to, size);
}

Status read_double(double value, std::string_view name, ddb::ItemBatch& batch) {
  char text[32];
  auto [end, error] = std::to_chars(text, text + sizeof text, value);
  if (error != std::errc() || !std::isfinite(value))
    return corrupt("not a number that DynamoDB can hold");
  std::string_view number = TRY(canonical_number({text, static_cast<size_t>(end - text)}, batch));
  ItemBuilder(batch.nodes()).scalar(Type::kN, number, name);
  return {};
}

void read_int64(int64_t value, std::string_view name, ddb::ItemBatch& batch) {
  char text[24];
  auto end = std::to_chars(text, text + sizeof text, value).ptr;
  ItemBuilder(batch.nodes())
      .scalar(Type::kN, keep({text, static_cast<size_t>(end - text)}, batch), name);
}

Status read_time(const Conversion& conversion, int64_t value, std::string_view name,
                 ddb::ItemBatch& batch) {
  char text[kTimeTextMax];
  bool date = conversion.type == ColumnType::kDate;
  auto size = date ? write_date(value, text) : write_time(value, conversion.time_format, text);
  if (!size)
    return corrupt(date ? "a date outside the years 1 to 9999"
                        : "a time that the column's format '" +
                              std::string(model::time_format_name(conversion.time_format)) +
                              "' cannot write");
  Type type = !date && is_epoch(conversion.time_format) ? Type::kN : Type::kS;
  ItemBuilder(batch.nodes()).scalar(type, keep({text, *size}, batch), name);
  return {};
}

void read_uuid(std::string_view uuid, std::string_view name, ddb::ItemBatch& batch) {
  constexpr char kHex[] = "0123456789abcdef";
  char text[36];
  size_t at = 0;
  for (size_t i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text[at++] = '-';
    auto byte = static_cast<unsigned char>(uuid[i]);
    text[at++] = kHex[byte >> 4];
    text[at++] = kHex[byte & 15];
  }
  ItemBuilder(batch.nodes()).scalar(Type::kS, keep({text, sizeof text}, batch), name);
}

CellKind expected_kind(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return CellKind::kText;
    case ColumnType::kBigint:
    case ColumnType::kTimestamptz:
    case ColumnType::kDate:
      return CellKind::kInt64;
    case ColumnType::kNumeric:
      return CellKind::kNumber;
    case ColumnType::kDouble:
      return CellKind::kDouble;
    case ColumnType::kBoolean:
      return CellKind::kBool;
    case ColumnType::kBytea:
    case ColumnType::kUuid:
      return CellKind::kBytes;
    case ColumnType::kJsonb:
    case ColumnType::kAttribute:
      return CellKind::kJson;
    case ColumnType::kTextArray:
    case ColumnType::kNumericArray:
    case ColumnType::kByteaArray:
      return CellKind::kArray;
  }
  return CellKind::kNull;
}

}  // namespace

Status CellReader::read_array(const Conversion& conversion, const Cell& cell, std::string_view name,
                              ddb::ItemBatch& batch) {
  Type set = conversion.type == ColumnType::kTextArray      ? Type::kSS
             : conversion.type == ColumnType::kNumericArray ? Type::kNS
                                                            : Type::kBS;
  CellKind kind = set == Type::kSS   ? CellKind::kText
                  : set == Type::kNS ? CellKind::kNumber
                                     : CellKind::kBytes;
  size_t before = batch.nodes().size();
  ItemBuilder builder(batch.nodes());
  uint32_t index = builder.open(set, name);
  sorted_.clear();
  auto fail = [&](Error error) -> Status {
    batch.nodes().resize(before);
    return error;
  };
  for (uint32_t i = 0; i < cell.size; ++i) {
    if (cell.members[i].kind != kind) return fail(wrong_kind(conversion.type));
    std::string_view bytes = cell.members[i].bytes();
    if (set == Type::kNS) {
      auto number = canonical_number(bytes, batch);
      if (!number.ok()) return fail(std::move(number).error());
      bytes = *number;
    } else {
      bytes = keep(bytes, batch);
    }
    sorted_.push_back(bytes);
    builder.scalar(ddb::member_type(set), bytes);
  }
  std::sort(sorted_.begin(), sorted_.end());
  if (std::adjacent_find(sorted_.begin(), sorted_.end()) != sorted_.end())
    return fail(corrupt("a set holds the same member twice"));
  builder.close(index, cell.size);
  return {};
}

Status CellReader::read(const Conversion& conversion, const Cell& cell, std::string_view name,
                        ddb::ItemBatch& batch) {
  if (cell.kind != expected_kind(conversion.type)) return wrong_kind(conversion.type);
  ItemBuilder builder(batch.nodes());
  switch (conversion.type) {
    case ColumnType::kText:
      builder.scalar(Type::kS, keep(cell.bytes(), batch), name);
      return {};
    case ColumnType::kBytea:
      builder.scalar(Type::kB, keep(cell.bytes(), batch), name);
      return {};
    case ColumnType::kBigint:
      read_int64(cell.integer, name, batch);
      return {};
    case ColumnType::kNumeric: {
      std::string_view number = TRY(canonical_number(cell.bytes(), batch));
      builder.scalar(Type::kN, number, name);
      return {};
    }
    case ColumnType::kDouble:
      return read_double(cell.real, name, batch);
    case ColumnType::kBoolean:
      builder.boolean(cell.boolean, name);
      return {};
    case ColumnType::kTimestamptz:
    case ColumnType::kDate:
      return read_time(conversion, cell.integer, name, batch);
    case ColumnType::kUuid:
      if (cell.size != 16) return wrong_kind(conversion.type);
      read_uuid(cell.bytes(), name, batch);
      return {};
    case ColumnType::kJsonb:
    case ColumnType::kAttribute: {
      auto form =
          conversion.type == ColumnType::kJsonb ? ddb::JsonForm::kPlain : ddb::JsonForm::kExtra;
      size_t before = batch.nodes().size();
      auto root = decoder_.decode_value(cell.bytes(), name, form, batch);
      // The decoder's own words may show item content (C12).
      if (!root.ok()) return corrupt("the cell's JSON is not a value that this column can hold");
      const ddb::Node& node = batch.nodes()[*root];
      if (*root + node.span != batch.nodes().size() || node.type == Type::kAbsent) {
        batch.nodes().resize(before);
        return corrupt("the cell's JSON is not a value that this column can hold");
      }
      return {};
    }
    case ColumnType::kTextArray:
    case ColumnType::kNumericArray:
    case ColumnType::kByteaArray:
      return read_array(conversion, cell, name, batch);
  }
  return wrong_kind(conversion.type);
}

}  // namespace offramp::mapping
