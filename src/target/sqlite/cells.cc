// Storage classes of cells: numbers, arrays and the trivial rest; times and UUIDs are in
// text_forms.
#include "target/sqlite/cells.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "base/base64.h"
#include "ddb/number.h"
#include "target/sqlite/text_forms.h"

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::CellKind;
using model::ColumnType;

namespace {

// Below this, the shortest plain decimal of a double has no more digits than its shortest
// scientific one (libstdc++ writes larger values in fixed form with all their digits).
constexpr double kFixedFormMax = 9e15;
constexpr size_t kRealTextMax = 400;

// The canonical decimal of the shortest text that reads back as `value`; 0 when it is outside
// DynamoDB's range.
size_t real_to_canonical(double value, char (&out)[kRealTextMax]) {
  if (!std::isfinite(value)) return 0;
  if (value == 0) {
    out[0] = '0';
    return 1;
  }
  // 1e-100 keeps the fixed form within the buffer and within a number's range.
  if (std::fabs(value) < kFixedFormMax && std::fabs(value) > 1e-100) {
    auto end = std::to_chars(out, out + kRealTextMax, value, std::chars_format::fixed);
    return end.ec == std::errc() ? end.ptr - out : 0;
  }
  char text[64];
  auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  auto number = ddb::Number::parse({text, static_cast<size_t>(end.ptr - text)});
  return number.ok() ? number->write(out) : 0;
}

Cell encode_number(std::string_view text, const Cell& cell) {
  int64_t integer;
  auto whole = std::from_chars(text.data(), text.data() + text.size(), integer);
  if (whole.ec == std::errc() && whole.ptr == text.data() + text.size())
    return Cell::int64(integer);
  double real;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), real);
  // -2^63 is the one double here that SQLite takes for equal to an INTEGER: -9223372036854776000
  // must not collide with -9223372036854775808.
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && real != -0x1p63) {
    char back[kRealTextMax];
    if (std::string_view(back, real_to_canonical(real, back)) == text)
      return Cell::real_number(real);
  }
  return Cell::text(CellKind::kText, cell.bytes());
}

Cell text_in(base::Arena& arena, std::string_view text) {
  return Cell::text(CellKind::kText, {arena.copy(text), text.size()});
}

void append_array_json(const Cell& array, std::string& out) {
  out = "[";
  for (uint32_t i = 0; i < array.size; ++i) {
    const Cell& member = array.members[i];
    if (i) out += ',';
    if (member.kind == CellKind::kNumber) {
      out += member.bytes();
    } else if (member.kind == CellKind::kBytes) {
      out += '"';
      base::append_base64(member.bytes(), out);
      out += '"';
    } else {
      ddb::append_json_string(member.bytes(), out);
    }
  }
  out += ']';
}

Error corrupt(const mapping::Table& table, const mapping::Column& column, std::string_view what) {
  return Error(ErrorKind::kCorrupt, "sqlite.bad_cell",
               "column " + column.name + " of table " + table.name + " holds " + std::string(what) +
                   ", which was not written by this migration; correct that row or run verify with "
                   "--repair");
}

}  // namespace

bool needs_encoding(ColumnType type) {
  switch (type) {
    case ColumnType::kNumeric:
    case ColumnType::kTimestamptz:
    case ColumnType::kDate:
    case ColumnType::kUuid:
    case ColumnType::kTextArray:
    case ColumnType::kNumericArray:
    case ColumnType::kByteaArray:
      return true;
    default:
      return false;
  }
}

Cell Encoder::encode(ColumnType type, const Cell& cell, base::Arena& arena) {
  char text[kTextFormMax];
  switch (cell.kind) {
    case CellKind::kNumber:
      return encode_number(cell.bytes(), cell);
    case CellKind::kInt64:
      if (type == ColumnType::kTimestamptz)
        return text_in(arena, {text, write_timestamp(cell.integer, text)});
      if (type == ColumnType::kDate) return text_in(arena, {text, write_date(cell.integer, text)});
      return cell;
    case CellKind::kBytes:
      if (type == ColumnType::kUuid && cell.size == 16)
        return text_in(arena, {text, write_uuid(cell.data, text)});
      return cell;
    case CellKind::kArray:
      append_array_json(cell, scratch_);
      return text_in(arena, scratch_);
    default:
      return cell;
  }
}

void Encoder::encode_rows(const mapping::Table& table, mapping::TableRows& rows,
                          base::Arena& arena) {
  size_t stride = table.columns.size();
  for (size_t column = 0; column < stride; ++column) {
    ColumnType type = table.columns[column].type;
    if (!needs_encoding(type)) continue;
    for (size_t at = column; at < rows.cells.size(); at += stride)
      if (rows.cells[at].kind != CellKind::kNull)
        rows.cells[at] = encode(type, rows.cells[at], arena);
  }
}

Result<Cell> Decoder::decode(const mapping::Table& table, const mapping::Column& column,
                             const Cell& storage, base::Arena& arena, base::Arena& cell_arena) {
  if (storage.kind == CellKind::kNull) return storage;
  bool is_text = storage.kind == CellKind::kText;
  switch (column.type) {
    case ColumnType::kText:
      if (is_text) return storage;
      break;
    case ColumnType::kJsonb:
    case ColumnType::kAttribute:
      if (is_text) return Cell::text(CellKind::kJson, storage.bytes());
      break;
    case ColumnType::kBigint:
      if (storage.kind == CellKind::kInt64) return storage;
      break;
    case ColumnType::kBoolean:
      if (storage.kind == CellKind::kInt64 && (storage.integer == 0 || storage.integer == 1))
        return Cell::boolean_value(storage.integer == 1);
      break;
    case ColumnType::kDouble:
      if (storage.kind == CellKind::kDouble) return storage;
      break;
    case ColumnType::kBytea:
      if (storage.kind == CellKind::kBytes) return storage;
      break;
    case ColumnType::kNumeric: {
      if (is_text && ddb::is_canonical_number(storage.bytes()))
        return Cell::text(CellKind::kNumber, storage.bytes());
      char text[kRealTextMax];
      size_t size = 0;
      if (storage.kind == CellKind::kInt64)
        size = std::to_chars(text, text + sizeof text, storage.integer).ptr - text;
      else if (storage.kind == CellKind::kDouble)
        size = real_to_canonical(storage.real, text);
      if (size > 0) return Cell::text(CellKind::kNumber, {arena.copy({text, size}), size});
      break;
    }
    case ColumnType::kTimestamptz:
      if (auto micros = is_text ? parse_timestamp(storage.bytes()) : std::nullopt)
        return Cell::int64(*micros);
      break;
    case ColumnType::kDate:
      if (auto days = is_text ? parse_date(storage.bytes()) : std::nullopt)
        return Cell::int64(*days);
      break;
    case ColumnType::kUuid: {
      char* bytes = arena.allocate(16);
      if (is_text && parse_uuid(storage.bytes(), bytes))
        return Cell::text(CellKind::kBytes, {bytes, 16});
      break;
    }
    case ColumnType::kTextArray:
    case ColumnType::kNumericArray:
    case ColumnType::kByteaArray:
      if (is_text) return decode_array(table, column, storage.bytes(), arena, cell_arena);
      break;
  }
  return corrupt(table, column,
                 "a value that is no " + std::string(model::column_type_name(column.type)));
}

Result<Cell> Decoder::decode_array(const mapping::Table& table, const mapping::Column& column,
                                   std::string_view json, base::Arena& arena,
                                   base::Arena& cell_arena) {
  padded_.assign("{\"a\":");
  padded_.append(json).append("}");
  size_t size = padded_.size();
  padded_.append(ddb::kJsonPadding, ' ');
  parsed_.reset();
  auto root = json_.decode_item({padded_.data(), size}, {}, ddb::JsonForm::kPlain, parsed_);
  if (!root.ok()) return corrupt(table, column, "no JSON array");
  ddb::ValueView array = ddb::ItemView(&parsed_.nodes()[*root]).find("a");
  if (!array || array.type() != ddb::Type::kL) return corrupt(table, column, "no JSON array");
  bool numbers = column.type == ColumnType::kNumericArray;
  Cell* members = reinterpret_cast<Cell*>(cell_arena.allocate(array.size() * sizeof(Cell)));
  uint32_t count = 0;
  for (ddb::ValueView member : array) {
    if (member.type() != (numbers ? ddb::Type::kN : ddb::Type::kS))
      return corrupt(table, column, "an array member of another type");
    std::string_view bytes = member.bytes();
    CellKind kind = numbers ? CellKind::kNumber : CellKind::kText;
    char* copy = arena.allocate(bytes.size());
    if (column.type == ColumnType::kByteaArray) {
      auto decoded = base::decode_base64(bytes, copy);
      if (!decoded) return corrupt(table, column, "an array member that is no base64");
      bytes = {copy, *decoded};
      kind = CellKind::kBytes;
    } else {
      if (!bytes.empty()) std::memcpy(copy, bytes.data(), bytes.size());
      bytes = {copy, bytes.size()};
    }
    new (&members[count++]) Cell(Cell::text(kind, bytes));
  }
  Cell out;
  out.kind = CellKind::kArray;
  out.size = count;
  out.members = members;
  return out;
}

Cell storage_cell(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return Cell::int64(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return Cell::real_number(sqlite3_column_double(statement, column));
    case SQLITE_TEXT:
    case SQLITE_BLOB: {
      CellKind kind = sqlite3_column_type(statement, column) == SQLITE_TEXT ? CellKind::kText
                                                                            : CellKind::kBytes;
      // column_blob does not convert: text stays UTF-8, with its NUL characters.
      const void* bytes = sqlite3_column_blob(statement, column);
      return Cell::text(kind, {static_cast<const char*>(bytes),
                               static_cast<size_t>(sqlite3_column_bytes(statement, column))});
    }
    default:
      return Cell();
  }
}

int compare_storage(const Cell& a, const Cell& b) {
  auto rank = [](const Cell& cell) {
    switch (cell.kind) {
      case CellKind::kNull:
        return 0;
      case CellKind::kText:
        return 2;
      case CellKind::kBytes:
        return 3;
      default:
        return 1;
    }
  };
  if (rank(a) != rank(b)) return rank(a) - rank(b);
  if (rank(a) >= 2) {
    int order = a.bytes().compare(b.bytes());
    return order;
  }
  if (rank(a) == 0) return 0;
  if (a.kind == CellKind::kInt64 && b.kind == CellKind::kInt64)
    return a.integer < b.integer ? -1 : a.integer > b.integer;
  // x86's long double holds every int64 and every double exactly.
  static_assert(std::numeric_limits<long double>::digits >= 64);
  auto wide = [](const Cell& cell) -> long double {
    return cell.kind == CellKind::kInt64 ? static_cast<long double>(cell.integer) : cell.real;
  };
  return wide(a) < wide(b) ? -1 : wide(a) > wide(b);
}

}  // namespace offramp::target::sqlite
