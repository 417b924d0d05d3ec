// LoadBatch: items and their rows on the way into a target; BatchPool: their memory, used again.
//
// A batch that is destroyed gives its memory back to its pool, so a target only lets go of it when
// it has been written. The pool is thread-safe and outlives its batches by shared ownership.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ddb/item_batch.h"
#include "mapping/rows.h"
#include "model/position.h"

namespace offramp::target {

class BatchPool;

struct LoadBatch {
  LoadBatch() = default;
  LoadBatch(const LoadBatch&) = delete;
  LoadBatch& operator=(const LoadBatch&) = delete;
  ~LoadBatch();

  ddb::ItemBatch items;  // owns the bytes that rows point to
  mapping::RowBatch rows;
  std::string partition;
  model::Position after;  // durable with the rows
  std::shared_ptr<BatchPool> pool;
};

class BatchPool : public std::enable_shared_from_this<BatchPool> {
 public:
  explicit BatchPool(size_t kept_max) : kept_max_(kept_max) {}

  std::unique_ptr<LoadBatch> take() {
    auto batch = std::make_unique<LoadBatch>();
    batch->pool = shared_from_this();
    std::lock_guard lock(mutex_);
    if (!kept_.empty()) {
      batch->items = std::move(kept_.back().items);
      batch->rows = std::move(kept_.back().rows);
      kept_.pop_back();
    }
    return batch;
  }

 private:
  friend struct LoadBatch;
  struct Memory {
    ddb::ItemBatch items;
    mapping::RowBatch rows;
  };
  void give_back(LoadBatch& batch) {
    std::lock_guard lock(mutex_);
    if (kept_.size() < kept_max_)
      kept_.push_back(Memory{std::move(batch.items), std::move(batch.rows)});
  }

  const size_t kept_max_;
  std::mutex mutex_;
  std::vector<Memory> kept_;  // guarded by mutex_
};

inline LoadBatch::~LoadBatch() {
  if (pool) pool->give_back(*this);
}

}  // namespace offramp::target
