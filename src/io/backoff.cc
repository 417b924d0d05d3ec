#include "io/backoff.h"

#include <algorithm>
#include <charconv>
#include <random>

namespace offramp::io {
namespace {

uint64_t random_seed() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

// splitmix64: enough for jitter, and the same everywhere for a given seed.
uint64_t next_random(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

Backoff::Backoff(const BackoffOptions& options, Clock& clock)
    : options_(options), clock_(clock), state_(options.seed ? options.seed : random_seed()) {}

std::optional<std::chrono::milliseconds> Backoff::next(
    std::optional<std::chrono::milliseconds> retry_after) {
  if (tries_ >= options_.tries_max) return std::nullopt;
  int doublings = std::min(tries_ - 1, 30);
  ++tries_;
  int64_t bound = std::min<int64_t>(options_.cap.count(), options_.base.count() << doublings);
  int64_t wait = bound > 0 ? static_cast<int64_t>(next_random(state_) % (bound + 1)) : 0;
  if (retry_after) {
    wait = std::max(wait, std::min(retry_after->count(), options_.retry_after_max.count()));
  }
  return std::chrono::milliseconds(wait);
}

bool Backoff::wait(std::stop_token stop, std::optional<std::chrono::milliseconds> retry_after) {
  auto duration = next(retry_after);
  if (!duration) return false;
  return clock_.sleep(*duration, stop);
}

std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value) {
  uint32_t seconds = 0;
  auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  return std::chrono::seconds(seconds);
}

}  // namespace offramp::io
