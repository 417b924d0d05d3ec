#include "target/postgres/serve/kept_items.h"

#include <algorithm>

#include "ddb/item_size.h"

namespace offramp::target::postgres {

void KeptItems::begin(const Range& range, const PageRequest& request) {
  range_ = &range;
  items_max_ = request.items_max;
  bytes_max_ = request.bytes_max;
  batch_.reset();
  order_.clear();
  sizes_.clear();
  bytes_ = at_ = 0;
  prune_at_ = 2 * bytes_max_ + (1 << 20);
}

void KeptItems::offer(Range::Segment segment) {
  ddb::ItemView item = candidate_.item(0);
  if (!range_->takes(item, segment)) return;
  batch_.append(item);
  sizes_.push_back(static_cast<uint32_t>(ddb::item_size(item)));
  bytes_ += sizes_.back();
  order_.push_back(static_cast<uint32_t>(batch_.size() - 1));
  bool many = items_max_ < SIZE_MAX / 4 && order_.size() > 2 * items_max_ + 1000;
  if (bytes_ > prune_at_ || many) prune();
}

void KeptItems::sort() {
  std::sort(order_.begin(), order_.end(), [&](uint32_t a, uint32_t b) {
    return range_->compare(batch_.item(a), batch_.item(b)) < 0;
  });
}

// What lies behind a whole page of kept items will not be in it.
void KeptItems::prune() {
  sort();
  size_t bytes = 0, keep = 0;
  while (keep < order_.size() && keep < items_max_ && bytes < bytes_max_)
    bytes += sizes_[order_[keep++]];
  spare_.reset();
  std::vector<uint32_t> sizes;
  for (size_t i = 0; i < keep; ++i) {
    spare_.append(batch_.item(order_[i]));
    sizes.push_back(sizes_[order_[i]]);
  }
  std::swap(batch_, spare_);
  sizes_ = std::move(sizes);
  order_.resize(keep);
  for (uint32_t i = 0; i < keep; ++i) order_[i] = i;
  bytes_ = bytes;
}

void KeptItems::finish() {
  sort();
  at_ = 0;
}

}  // namespace offramp::target::postgres
