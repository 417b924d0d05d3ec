#include "target/sqlite/serve/json_path.h"

namespace offramp::target::sqlite::serve {
namespace {

// Not one that JSON escapes.
bool plain_in_json(std::string_view name) {
  for (char c : name)
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return !name.empty();
}

std::string sql_text(const std::string& text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

}  // namespace

std::optional<std::string> json_path(std::string_view attribute, ddb::Type type) {
  if (!plain_in_json(attribute)) return std::nullopt;
  return sql_text("$.\"" + std::string(attribute) + "\"." + std::string(ddb::type_tag(type)));
}

std::string odd_rows(const std::string& extra) {
  return "(ifnull(instr(" + extra + ", '{\"$S64\":') + instr(" + extra + ", '{\"$M64\":'), 0) > 0)";
}

}  // namespace offramp::target::sqlite::serve
