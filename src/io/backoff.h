// Backoff: how long to wait before the next try, and when to give up.
//
// Exponential with full jitter: the n-th wait is uniform in [0, min(cap, base * 2^n)], and never
// shorter than what the other side asked for in Retry-After (bounded by retry_after_max). The
// number of tries is bounded (C10). One object serves one call; not thread-safe. Source: AWS
// architecture blog, "Exponential backoff and jitter".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>

#include "io/clock.h"

namespace offramp::io {

struct BackoffOptions {
  int tries_max = 10;  // with the first
  std::chrono::milliseconds base{50};
  std::chrono::milliseconds cap{20'000};
  std::chrono::milliseconds retry_after_max{60'000};
  uint64_t seed = 0;  // 0: a random one; tests name one
};

class Backoff {
 public:
  Backoff(const BackoffOptions& options, Clock& clock);

  // The wait before the next try, or nothing when the tries are used up.
  std::optional<std::chrono::milliseconds> next(
      std::optional<std::chrono::milliseconds> retry_after = {});
  // next() and the sleep. False when the tries are used up or `stop` was requested.
  bool wait(std::stop_token stop, std::optional<std::chrono::milliseconds> retry_after = {});
  int tries() const { return tries_; }
  // The other side has made progress: count anew.
  void reset() { tries_ = 1; }

 private:
  const BackoffOptions options_;
  Clock& clock_;
  uint64_t state_;
  int tries_ = 1;
};

// Retry-After as seconds ("3"); its date form is not sent by AWS and gives nothing.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value);

}  // namespace offramp::io
