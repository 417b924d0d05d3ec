// Packing and unpacking of checkpoint tokens.
#include "migrate/load_token.h"

#include <fmt/format.h>

#include <cinttypes>
#include <cstdio>

namespace offramp::migrate {

std::string pack_token(const LoadCounts& counts, const std::string& source_token) {
  return fmt::format("1;{};{};{};{}|{}", counts.stored, counts.overflow, counts.skipped,
                     counts.refused, source_token);
}

Result<UnpackedToken> unpack_token(const std::string& token) {
  UnpackedToken out;
  if (token.empty()) return out;
  size_t bar = token.find('|');
  LoadCounts& c = out.counts;
  int read = 0;
  if (bar == token.npos ||
      std::sscanf(token.c_str(), "1;%" SCNu64 ";%" SCNu64 ";%" SCNu64 ";%" SCNu64 "|%n", &c.stored,
                  &c.overflow, &c.skipped, &c.refused, &read) != 4 ||
      static_cast<size_t>(read) != bar + 1)
    return Error(ErrorKind::kCorrupt, "checkpoint.token",
                 "a checkpoint in the target was not written by this version of offramp; was its "
                 "bookkeeping changed?");
  out.source_token = token.substr(bar + 1);
  return out;
}

}  // namespace offramp::migrate
