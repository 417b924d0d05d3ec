// Bucket digests: the sum of item digests per bucket of key digests, for one side.
#pragma once

#include <cstdint>
#include <vector>

#include "ddb/digest.h"

namespace offramp::migrate::verify {

constexpr size_t kBuckets = 1 << 16;
inline size_t bucket_of(const ddb::Digest& key) { return key.high >> 48; }

struct Buckets {
  struct Sum {
    ddb::Digest digest;
    uint64_t items = 0;
    bool operator==(const Sum&) const = default;
  };
  std::vector<Sum> sums = std::vector<Sum>(kBuckets);
  uint64_t items = 0;

  void add(const ddb::Digest& key, const ddb::Digest& item) {
    Sum& sum = sums[bucket_of(key)];
    sum.digest += item;
    ++sum.items;
    ++items;
  }
  void merge(const Buckets& other) {
    for (size_t i = 0; i < kBuckets; ++i) {
      sums[i].digest += other.sums[i].digest;
      sums[i].items += other.sums[i].items;
    }
    items += other.items;
  }
};

}  // namespace offramp::migrate::verify
