// KeyWatch: whether any of a few keys changed while they were being looked at.
//
// The follower notes every change that it reads; a key that is not watched costs one branch when
// nothing is watched. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <span>
#include <unordered_map>

#include "ddb/digest.h"
#include "model/change.h"

namespace offramp::migrate::follow {

class KeyWatch {
 public:
  // Replaces what was watched before.
  void watch(std::span<const ddb::Digest> keys) {
    std::lock_guard lock(mutex_);
    seen_.clear();
    for (const ddb::Digest& key : keys) seen_[key] = false;
    active_ = !seen_.empty();
  }
  void note(const model::ChangeBatch& batch) {
    if (!active_.load(std::memory_order_acquire)) return;
    std::lock_guard lock(mutex_);
    for (const model::Change& change : batch.changes)
      if (auto found = seen_.find(change.key); found != seen_.end()) found->second = true;
  }
  bool changed(const ddb::Digest& key) {
    std::lock_guard lock(mutex_);
    auto found = seen_.find(key);
    return found != seen_.end() && found->second;
  }

 private:
  struct Hash {
    size_t operator()(const ddb::Digest& key) const { return key.low; }
  };
  std::atomic<bool> active_{false};
  std::mutex mutex_;
  std::unordered_map<ddb::Digest, bool, Hash> seen_;  // guarded by mutex_
};

}  // namespace offramp::migrate::follow
