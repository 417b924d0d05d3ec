// Collector: the first page's worth of items that come in any order.
//
// Holds at most about two pages (and kPoolBytesMin): whenever there are more, those that cannot be
// on the page are dropped. One thread; memory is kept between pages.
#pragma once

#include "target/sqlite/serve/page_filter.h"

namespace offramp::target::sqlite::serve {

class Collector {
 public:
  void start(const PageRequest& request, const PageFilter& filter);
  // Where the next item is to be appended; then take() or leave() it.
  ddb::ItemBatch& batch() { return pool_; }
  // Keeps the newest item of batch().
  void take();
  void leave() { pool_.drop_last(); }
  // Copies the page's items, in order.
  void finish(Page& page);

 private:
  struct Entry {
    uint32_t item;
    uint32_t bytes;
  };
  void prune();
  // Sorts entries_ and cuts them where the page ends; true when it ended because it was full.
  bool cut();

  const PageRequest* request_ = nullptr;
  const PageFilter* filter_ = nullptr;
  ddb::ItemBatch pool_, other_;
  std::vector<Entry> entries_;
  size_t bytes_ = 0;  // of entries_
};

// Whether a page that holds so much is full.
inline bool page_is_full(const PageRequest& request, size_t items, size_t bytes) {
  return items >= request.items_max || bytes >= request.bytes_max;
}

}  // namespace offramp::target::sqlite::serve
