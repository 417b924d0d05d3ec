// Clock: time and sleep as something that is passed in, so that tests neither wait nor guess.
//
// A Clock is used from many threads at once; implementations are thread-safe.
#pragma once

#include <chrono>
#include <stop_token>

namespace offramp::io {

class Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Wall = std::chrono::system_clock::time_point;

  virtual ~Clock() = default;
  virtual Steady now() = 0;
  virtual Wall wall() = 0;
  // False when `stop` was requested before the time had passed.
  virtual bool sleep(std::chrono::nanoseconds duration, std::stop_token stop) = 0;
};

// The machine's own clock; lives as long as the process.
Clock& system_clock();

}  // namespace offramp::io
