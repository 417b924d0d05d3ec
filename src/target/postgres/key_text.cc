#include "target/postgres/key_text.h"

#include <fmt/format.h>

#include "ddb/wire_json.h"

namespace offramp::target::postgres {

using mapping::Cell;
using mapping::CellKind;

std::string key_text(const Cell* cells, uint32_t columns) {
  constexpr size_t kShownBytesMax = 100;
  std::string out = "(";
  for (uint32_t i = 0; i < columns; ++i) {
    if (i) out += ", ";
    const Cell& cell = cells[i];
    switch (cell.kind) {
      case CellKind::kText: {
        // Cut between characters, not inside one.
        std::string_view text = cell.bytes().substr(0, kShownBytesMax);
        while (text.size() < cell.size && !text.empty() && (cell.data[text.size()] & 0xC0) == 0x80)
          text.remove_suffix(1);
        ddb::append_json_string(text, out);
        if (cell.size > text.size()) out += "…";
        break;
      }
      case CellKind::kNumber:
        out += cell.bytes();
        break;
      case CellKind::kInt64:
        out += std::to_string(cell.integer);
        break;
      case CellKind::kBytes:
        out += "0x";
        for (unsigned char byte : cell.bytes().substr(0, kShownBytesMax / 2))
          out += fmt::format("{:02x}", byte);
        if (cell.size > kShownBytesMax / 2) out += "…";
        break;
      default:
        out += "?";
    }
  }
  return out + ")";
}

bool same_key(const Cell* a, const Cell* b, uint32_t columns) {
  for (uint32_t i = 0; i < columns; ++i) {
    if (a[i].kind != b[i].kind) return false;
    switch (a[i].kind) {
      case CellKind::kText:
      case CellKind::kBytes:
      case CellKind::kNumber:
      case CellKind::kJson:
        if (a[i].bytes() != b[i].bytes()) return false;
        break;
      case CellKind::kBool:
        if (a[i].boolean != b[i].boolean) return false;
        break;
      case CellKind::kDouble:
        if (a[i].real != b[i].real) return false;
        break;
      case CellKind::kInt64:
        if (a[i].integer != b[i].integer) return false;
        break;
      case CellKind::kNull:
        break;
      case CellKind::kArray:
        return false;
    }
  }
  return true;
}

}  // namespace offramp::target::postgres
