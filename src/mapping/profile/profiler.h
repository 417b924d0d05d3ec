// Profiler: keeps an even sample of all items that pass by, within a bound of bytes.
//
// Every `stride`-th item is kept; when the bytes exceed the bound the stride doubles and every
// second kept item is let go, so the sample stays spread over the whole input (C10). Not
// thread-safe. Items are copied: views may die.
#pragma once

#include <cstdint>

#include "ddb/item_batch.h"

namespace offramp::mapping::profile {

struct Profile {
  ddb::ItemBatch sample;
  uint64_t items_seen = 0;  // all that were added
  uint64_t stride = 1;      // the sample holds every stride-th of them
  uint64_t item_bytes = 0;  // sum of item sizes seen, as AWS counts them
};

class Profiler {
 public:
  explicit Profiler(size_t sample_bytes_max = 48u << 20) : bytes_max_(sample_bytes_max) {}
  void add(ddb::ItemView item);
  Profile finish() { return std::move(profile_); }

 private:
  void thin_out();

  size_t bytes_max_;
  size_t bytes_ = 0;  // nodes and text of the sample
  Profile profile_;
};

}  // namespace offramp::mapping::profile
