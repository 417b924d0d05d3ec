// FakeClock: time that passes only by sleeping, for tests. Guarded by mutex_.
#pragma once

#include <mutex>
#include <vector>

#include "io/clock.h"

namespace offramp::io {

class FakeClock : public Clock {
 public:
  explicit FakeClock(Wall start = Wall(std::chrono::seconds(1'700'000'000))) : start_(start) {}
  Steady now() override {
    std::lock_guard lock(mutex_);
    return Steady(std::chrono::hours(1000)) + passed_;
  }
  Wall wall() override {
    std::lock_guard lock(mutex_);
    return start_ + std::chrono::duration_cast<Wall::duration>(passed_);
  }
  bool sleep(std::chrono::nanoseconds duration, std::stop_token stop) override {
    std::lock_guard lock(mutex_);
    if (stop.stop_requested()) return false;
    passed_ += duration;
    sleeps_.push_back(duration);
    return true;
  }
  void pass(std::chrono::nanoseconds duration) {
    std::lock_guard lock(mutex_);
    passed_ += duration;
  }
  std::chrono::nanoseconds passed() {
    std::lock_guard lock(mutex_);
    return passed_;
  }
  std::vector<std::chrono::nanoseconds> sleeps() {
    std::lock_guard lock(mutex_);
    return sleeps_;
  }

 private:
  const Wall start_;
  std::mutex mutex_;
  std::chrono::nanoseconds passed_{0};
  std::vector<std::chrono::nanoseconds> sleeps_;
};

}  // namespace offramp::io
