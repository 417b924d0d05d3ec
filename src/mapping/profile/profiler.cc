#include "mapping/profile/profiler.h"

#include "ddb/item_size.h"

namespace offramp::mapping::profile {

void Profiler::add(ddb::ItemView item) {
  uint64_t ordinal = profile_.items_seen++;
  profile_.item_bytes += ddb::item_size(item);
  if (ordinal % profile_.stride != 0) return;
  bytes_ += profile_.sample.append(item, ordinal);
  while (bytes_ > bytes_max_ && profile_.sample.size() > 1) thin_out();
}

void Profiler::thin_out() {
  profile_.stride *= 2;
  ddb::ItemBatch kept;
  bytes_ = 0;
  for (size_t i = 0; i < profile_.sample.size(); ++i)
    if (uint64_t ordinal = profile_.sample.ordinal(i); ordinal % profile_.stride == 0)
      bytes_ += kept.append(profile_.sample.item(i), ordinal);
  profile_.sample = std::move(kept);
}

}  // namespace offramp::mapping::profile
