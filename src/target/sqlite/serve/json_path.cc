#include "target/sqlite/serve/json_path.h"

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite::serve {
namespace {

// Not one that JSON escapes.
bool plain_in_json(std::string_view name) {
  for (char c : name)
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return !name.empty();
}

}  // namespace

std::optional<std::string> json_path(std::string_view attribute, ddb::Type type) {
  if (!plain_in_json(attribute)) return std::nullopt;
  return quote_text("$.\"" + std::string(attribute) + "\"." + std::string(ddb::type_tag(type)));
}

std::string odd_rows(const std::string& extra) {
  return "(ifnull(instr(" + extra + ", '{\"$S64\":') + instr(" + extra + ", '{\"$M64\":'), 0) > 0)";
}

}  // namespace offramp::target::sqlite::serve
