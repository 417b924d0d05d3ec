// SIGINT and SIGTERM as a stop token: the work ends at its next batch and checkpoints; a second
// signal ends at once.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
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
  // Returns when the first one has come.
  void wait() const;

  // While it lives, what is said about a signal goes to `say` instead of standard error.
  class Listener {
   public:
    Listener(StopOnSignal& signals, std::function<void(const std::string&)> say);
    ~Listener();
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   private:
    StopOnSignal& signals_;
  };

 private:
  void listen(std::function<void(const std::string&)> say);

  std::mutex mutex_;
  std::function<void(const std::string&)> say_;  // guarded by mutex_
  std::stop_source stop_;
  std::jthread waiter_;
};

}  // namespace offramp::cli
