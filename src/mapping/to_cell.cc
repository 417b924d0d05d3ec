// Value → cell. Each branch either proves that reading the cell back gives the same value, or
// refuses.
#include <algorithm>
#include <charconv>

#include "ddb/number.h"
#include "mapping/convert.h"
#include "mapping/extra.h"
#include "mapping/time_text.h"

namespace offramp::mapping {
namespace {

using ddb::Type;
using ddb::ValueView;
using model::ColumnType;

// A decimal of so many significant digits always comes back from a double (IEEE 754; magnitudes are
// < 1E126).
constexpr int kDoubleDigits = 15;

bool number_to_int64(std::string_view text, Cell& cell) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  cell = Cell::int64(value);
  return true;
}

bool double_gives_back(std::string_view text, double value) {
  size_t digits = text.size();
  if (digits <= kDoubleDigits) return true;
  char shortest[32];
  auto [end, error] = std::to_chars(shortest, shortest + sizeof shortest, value);
  if (error != std::errc()) return false;
  auto number = ddb::Number::parse({shortest, static_cast<size_t>(end - shortest)});
  if (!number.ok()) return false;
  char canonical[ddb::kNumberTextMax];
  return text == std::string_view(canonical, number->write(canonical));
}

bool number_to_double(std::string_view text, Cell& cell) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (!double_gives_back(text, value)) return false;
  cell = Cell::real_number(value);
  return true;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool text_to_uuid(std::string_view text, base::Arena& bytes, Cell& cell) {
  if (text.size() != 36) return false;
  char uuid[16];
  size_t at = 0;
  for (char& byte : uuid) {
    if (at == 8 || at == 13 || at == 18 || at == 23)
      if (text[at++] != '-') return false;
    int high = hex_digit(text[at]), low = hex_digit(text[at + 1]);
    if (high < 0 || low < 0) return false;
    byte = static_cast<char>(high << 4 | low);
    at += 2;
  }
  cell = Cell::text(CellKind::kBytes, {bytes.copy({uuid, sizeof uuid}), sizeof uuid});
  return true;
}

bool to_json(ValueView value, bool plain, base::Arena& bytes, Cell& cell) {
  ArenaText text(bytes, 256);
  bool fits = true;
  if (plain)
    fits = write_plain_json(value, text);
  else
    write_extra_value(value, text);
  if (!fits) text.truncate(0);
  std::string_view json = text.finish();
  if (fits) cell = Cell::text(CellKind::kJson, json);
  return fits;
}

bool set_to_array(const Conversion& conversion, ValueView set, base::Arena& cells, Cell& cell) {
  CellKind kind = CellKind::kBytes;
  if (set.type() == Type::kSS) {
    kind = CellKind::kText;
    if (!conversion.text_allows_nul)
      for (ValueView member : set)
        if (has_nul(member.bytes())) return false;
  } else if (set.type() == Type::kNS) {
    kind = CellKind::kNumber;
  }
  auto* members = reinterpret_cast<Cell*>(cells.allocate(set.size() * sizeof(Cell)));
  Cell* next = members;
  for (ValueView member : set) new (next++) Cell(Cell::text(kind, member.bytes()));
  if (kind == CellKind::kNumber)
    std::sort(members, next, [](const Cell& a, const Cell& b) {
      return ddb::compare_numbers(a.bytes(), b.bytes()) < 0;
    });
  else
    std::sort(members, next, [](const Cell& a, const Cell& b) { return a.bytes() < b.bytes(); });
  cell.kind = CellKind::kArray;
  cell.size = set.size();
  cell.members = members;
  return true;
}

bool to_time(const Conversion& conversion, ValueView value, Cell& cell) {
  Type wanted = is_epoch(conversion.time_format) ? Type::kN : Type::kS;
  if (value.type() != wanted) return false;
  auto micros = parse_time(value.bytes(), conversion.time_format);
  if (micros) cell = Cell::int64(*micros);
  return micros.has_value();
}

}  // namespace

bool to_cell(const Conversion& conversion, ValueView value, base::Arena& bytes, base::Arena& cells,
             Cell& cell) {
  Type type = value.type();
  switch (conversion.type) {
    case ColumnType::kText:
      if (type != Type::kS || (!conversion.text_allows_nul && has_nul(value.bytes()))) return false;
      cell = Cell::text(CellKind::kText, value.bytes());
      return true;
    case ColumnType::kBigint:
      return type == Type::kN && number_to_int64(value.bytes(), cell);
    case ColumnType::kNumeric:
      if (type != Type::kN) return false;
      cell = Cell::text(CellKind::kNumber, value.bytes());
      return true;
    case ColumnType::kDouble:
      return type == Type::kN && number_to_double(value.bytes(), cell);
    case ColumnType::kBoolean:
      if (type != Type::kBool) return false;
      cell = Cell::boolean_value(value.boolean());
      return true;
    case ColumnType::kBytea:
      if (type != Type::kB) return false;
      cell = Cell::text(CellKind::kBytes, value.bytes());
      return true;
    case ColumnType::kTimestamptz:
      return to_time(conversion, value, cell);
    case ColumnType::kDate: {
      if (type != Type::kS) return false;
      auto days = parse_date(value.bytes());
      if (days) cell = Cell::int64(*days);
      return days.has_value();
    }
    case ColumnType::kUuid:
      return type == Type::kS && text_to_uuid(value.bytes(), bytes, cell);
    case ColumnType::kJsonb:
      // A JSON null of its own would be taken for SQL NULL by people and tools.
      return type != Type::kNull && to_json(value, true, bytes, cell);
    case ColumnType::kAttribute:
      return to_json(value, false, bytes, cell);
    case ColumnType::kTextArray:
      return type == Type::kSS && set_to_array(conversion, value, cells, cell);
    case ColumnType::kNumericArray:
      return type == Type::kNS && set_to_array(conversion, value, cells, cell);
    case ColumnType::kByteaArray:
      return type == Type::kBS && set_to_array(conversion, value, cells, cell);
  }
  return false;
}

size_t cell_bytes(const Cell& cell) {
  switch (cell.kind) {
    case CellKind::kText:
    case CellKind::kBytes:
    case CellKind::kNumber:
    case CellKind::kJson:
      return cell.size;
    case CellKind::kArray: {
      size_t sum = 0;
      for (uint32_t i = 0; i < cell.size; ++i) sum += cell.members[i].size;
      return sum;
    }
    default:
      return 8;
  }
}

}  // namespace offramp::mapping
