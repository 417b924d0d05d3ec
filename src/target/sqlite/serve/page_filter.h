// PageFilter: a PageRequest's conditions and order, exactly, on items: what SQL has only narrowed
// down is decided here.
//
// Keeps pointers into the request: valid as long as that lives. One thread.
#pragma once

#include <vector>

#include "target/store.h"

namespace offramp::target::sqlite::serve {

class PageFilter {
 public:
  void start(const PageRequest& request);

  // The attributes that order a query's items: the sort attributes, then of an index the table's
  // key.
  const std::vector<const model::KeyAttribute*>& order() const { return order_; }
  const std::vector<const model::KeyAttribute*>& partition() const { return partition_; }
  // The sort attribute that bounds and prefix are on; null when all are in sort_equal.
  const model::KeyAttribute* bounded() const { return bounded_; }

  // In the index, and all that the request says holds. `after` counts in a query only: a scan's
  // order is the caller's.
  bool takes(ddb::ItemView item) const;
  // By order(), in the request's direction.
  std::strong_ordering compare(ddb::ItemView a, ddb::ItemView b) const;

 private:
  bool in_segment() const;

  const PageRequest* request_ = nullptr;
  std::vector<const model::KeyAttribute*> partition_, order_;
  size_t sort_count_ = 0;  // of order_: the sort attributes
  const model::KeyAttribute* bounded_ = nullptr;
  std::vector<ddb::ValueView> after_;           // by order_
  mutable std::vector<ddb::ValueView> values_;  // of the item in hand: partition_, then order_
};

// The item of a RowBatch's segment numbers: which of `segments` a partition belongs to.
uint32_t segment_of(const ddb::ValueView* partition, size_t count, uint32_t segments);

}  // namespace offramp::target::sqlite::serve
