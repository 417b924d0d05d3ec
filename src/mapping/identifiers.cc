// FNV-1a: the names are stored at the target, so the hash must not depend on the build.
#include "mapping/identifiers.h"

#include <cstdint>

#include "base/ascii.h"

namespace offramp::mapping {

std::string hash_tail(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string tail = "_";
  for (int i = 0; i < 8; ++i, hash >>= 4) tail += "0123456789abcdef"[hash & 15];
  return tail;
}

std::string shortened(const std::string& name, size_t bytes_max) {
  if (name.size() <= bytes_max) return name;
  std::string tail = hash_tail(name);
  size_t keep = bytes_max > tail.size() ? bytes_max - tail.size() : 0;
  while (keep > 0 && (static_cast<unsigned char>(name[keep]) & 0xc0) == 0x80) --keep;
  return name.substr(0, keep) + tail;
}

std::string plain_identifier(std::string_view name) {
  std::string out(name);
  for (char& c : out)
    if (!base::is_letter_or_digit(c)) c = '_';
  return out;
}

}  // namespace offramp::mapping
