#include "migrate/plan/plan_name.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/ascii.h"

namespace offramp::migrate::plan {
namespace {

constexpr size_t kFolderBytesMax = 200;  // file systems take 255

// A table's name as the name of a folder: what is not plain is percent-encoded, a long one (an ARN)
// is cut, with a hash of the whole in place of what was cut.
std::string folder_name(const std::string& table) {
  std::string out;
  for (size_t i = 0; i < table.size(); ++i) {
    char c = table[i];
    bool plain = base::is_letter_or_digit(c) || c == '_' || c == '-' || (c == '.' && i > 0);
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  if (out.size() <= kFolderBytesMax) return out;
  // FNV-1a: the folder outlives the build.
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : table) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return out.substr(0, kFolderBytesMax) + fmt::format("%{:016x}", hash);
}

}  // namespace

PlanName PlanName::parse(const std::string& name) {
  size_t at = name.rfind("::");
  std::error_code code;
  if (at == std::string::npos || at + 2 == name.size() || at == 0 ||
      std::filesystem::exists(name, code))
    return {name, {}};
  return {name.substr(0, at), name.substr(at + 2)};
}

std::string PlanName::folder() const {
  std::string out = path + ".offramp";
  return table.empty() ? out : out + "/" + folder_name(table);
}

}  // namespace offramp::migrate::plan
