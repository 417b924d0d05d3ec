// KeptItems: the first items of a page among candidates that come in any order. Memory: about two
// pages.
//
// One thread.
#pragma once

#include <vector>

#include "ddb/item_batch.h"
#include "target/postgres/serve/range.h"

namespace offramp::target::postgres {

class KeptItems {
 public:
  void begin(const Range& range, const PageRequest& request);
  // A candidate is built alone in this batch, then offered.
  ddb::ItemBatch& candidate() {
    candidate_.reset();
    return candidate_;
  }
  // Keeps the candidate, if the range takes it.
  void offer(Range::Segment segment);
  // No more candidates: the kept items in order.
  void finish();
  bool ended() const { return at_ == order_.size(); }
  ddb::ItemView head() const { return batch_.item(order_[at_]); }
  void next() { ++at_; }

 private:
  void sort();
  void prune();

  const Range* range_ = nullptr;
  size_t items_max_ = 0, bytes_max_ = 0;
  ddb::ItemBatch candidate_, batch_, spare_;
  std::vector<uint32_t> order_;
  std::vector<uint32_t> sizes_;  // of batch_'s items
  size_t bytes_ = 0, at_ = 0, prune_at_ = 0;
};

}  // namespace offramp::target::postgres
