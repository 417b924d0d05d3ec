// LoadGate: when each of several moves may load.
//
// No load begins before every capture stands (or its move has given up): the stream of the last
// table must not expire while the first one is being loaded. Then at most `at_once` load at the
// same time; of those that wait, captured, the one that is first in the plan comes next. Target
// tables are prepared by one move at a time. Thread-safe; everything is guarded by mutex_.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <stop_token>

#include "base/result.h"

namespace offramp::migrate {

class LoadGate {
 public:
  LoadGate(size_t moves, size_t at_once) : awaited_(moves), free_(at_once) {}

  // One move's part. Destroying it gives up whatever it holds.
  class Ticket {
   public:
    // `place`: the move's place in the plan.
    Ticket(LoadGate& gate, size_t place) : gate_(gate), place_(place) {}
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

    // The capture stands, or there is none.
    void captured();
    // Waits for every capture and then for a turn; `waiting` is called when that takes time.
    // kCancelled at a stop.
    Status begin_load(std::stop_token stop, const std::function<void()>& waiting = nullptr);
    void end_load();
    std::mutex& preparing() { return gate_.preparing_; }

   private:
    LoadGate& gate_;
    const size_t place_;
    bool counted_ = false, loads_ = false;  // of the owner's thread
  };

 private:
  std::mutex preparing_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  size_t awaited_;            // moves whose capture does not stand yet
  size_t free_;               // turns that nobody has
  std::set<size_t> waiting_;  // places that want a turn
};

}  // namespace offramp::migrate
