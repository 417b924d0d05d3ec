#include "io/clock.h"

#include <condition_variable>
#include <mutex>

namespace offramp::io {
namespace {

class SystemClock : public Clock {
 public:
  Steady now() override { return std::chrono::steady_clock::now(); }
  Wall wall() override { return std::chrono::system_clock::now(); }
  bool sleep(std::chrono::nanoseconds duration, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

}  // namespace offramp::io
