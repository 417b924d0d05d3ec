// A 128-bit digest of a value that is equal for equal values, in whatever order members were
// written.
//
// Maps and sets sum the digests of their members, so nothing is sorted; lists chain them. Built on
// XXH3-128: for finding differences, not against forgery. The definition is stored in verify
// reports: never change it silently (kDigestVersion).
#pragma once

#include <cstdint>

#include "ddb/value.h"

namespace offramp::ddb {

constexpr int kDigestVersion = 1;

struct Digest {
  uint64_t low = 0, high = 0;
  bool operator==(const Digest&) const = default;
  auto operator<=>(const Digest&) const = default;
  // Commutative sum, for buckets.
  Digest& operator+=(const Digest& other) {
    low += other.low;
    high += other.high;
    return *this;
  }
};

Digest digest(ValueView value);

}  // namespace offramp::ddb
