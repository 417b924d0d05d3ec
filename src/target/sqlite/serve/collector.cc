#include "target/sqlite/serve/collector.h"

#include <algorithm>

#include "ddb/item_size.h"

namespace offramp::target::sqlite::serve {

namespace {

// Below this much nothing is dropped.
constexpr size_t kPoolBytesMin = 4 << 20;

}  // namespace

void Collector::start(const PageRequest& request, const PageFilter& filter) {
  request_ = &request;
  filter_ = &filter;
  pool_.reset();
  entries_.clear();
  bytes_ = 0;
}

void Collector::take() {
  auto item = static_cast<uint32_t>(pool_.size() - 1);
  auto bytes = static_cast<uint32_t>(ddb::item_size(pool_.item(item)));
  entries_.push_back({item, bytes});
  bytes_ += bytes;
  if (bytes_ < kPoolBytesMin) return;
  // Half of it at least goes away, so that sorting costs little per item.
  bool by_bytes = bytes_ / 2 >= request_->bytes_max;
  bool by_items = entries_.size() / 2 >= request_->items_max;
  if (by_bytes || by_items) prune();
}

bool Collector::cut() {
  std::sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
    return filter_->compare(pool_.item(a.item), pool_.item(b.item)) < 0;
  });
  size_t count = 0, bytes = 0;
  while (count < entries_.size() && !page_is_full(*request_, count, bytes))
    bytes += entries_[count++].bytes;
  entries_.resize(count);
  bytes_ = bytes;
  return page_is_full(*request_, count, bytes);
}

void Collector::prune() {
  cut();
  other_.reset();
  for (Entry& entry : entries_) {
    other_.append(pool_.item(entry.item));
    entry.item = static_cast<uint32_t>(other_.size() - 1);
  }
  std::swap(pool_, other_);
  other_.reset();
}

void Collector::finish(Page& page) {
  page.more = cut();
  for (const Entry& entry : entries_) page.items.append(pool_.item(entry.item));
}

}  // namespace offramp::target::sqlite::serve
