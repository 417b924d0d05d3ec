// What a load writes into a target's checkpoint beside the source's own token: the partition's
// counts so far.
//
// The counts are durable with the rows, so that after any number of kills the sums are exact.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "model/position.h"

namespace offramp::migrate {

struct LoadCounts {
  uint64_t stored = 0;    // items that became rows, overflow included
  uint64_t overflow = 0;  // of these: kept whole in the overflow table
  uint64_t skipped = 0;   // left behind because the plan says `skip`
  uint64_t refused = 0;   // dead letters
  LoadCounts& operator+=(const LoadCounts& other) {
    stored += other.stored;
    overflow += other.overflow;
    skipped += other.skipped;
    refused += other.refused;
    return *this;
  }
};

// "1;stored;overflow;skipped;refused|" before the source's token; the leading 1 is the format's
// version.
std::string pack_token(const LoadCounts& counts, const std::string& source_token);
struct UnpackedToken {
  LoadCounts counts;
  std::string source_token;
};
// kCorrupt when the text is not ours.
Result<UnpackedToken> unpack_token(const std::string& token);

}  // namespace offramp::migrate
