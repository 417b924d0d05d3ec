// SIGINT and SIGTERM as a stop token: the work ends at its next batch and checkpoints; a second signal ends at once.
#pragma once

#include <stop_token>
#include <thread>

namespace offramp::cli {

// Made before any other thread, so that all of them inherit the blocked signals.
class StopOnSignal {
 public:
  StopOnSignal();
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::jthread waiter_;
};

}  // namespace offramp::cli
