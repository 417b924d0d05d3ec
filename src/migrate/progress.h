// Progress of a long step: a bar with rate and ETA on a terminal, one JSON line per step (and every few seconds)
// otherwise. Written to stderr; results go to stdout.
//
// add() may be called from any thread; the printing thread only reads atomics.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace offramp::migrate {

class Progress {
 public:
  enum class Mode { kTerminal, kJsonLines, kQuiet };
  // kTerminal when stderr is a terminal, else kJsonLines.
  static Mode detect();

  explicit Progress(Mode mode);
  ~Progress();

  // Starts a step; ends the one before. `total` = items expected, when known; `already` = done by earlier runs.
  void begin(const std::string& step, std::optional<uint64_t> total_items, std::optional<uint64_t> total_bytes = {},
             uint64_t already_items = 0);
  void add(uint64_t items, uint64_t bytes) {
    items_.fetch_add(items, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  // Something to say at the end of the step's line: text on a terminal, members (`"lag_ms":12`) in a JSON line. Called
  // by the printing thread until the step ends.
  struct Detail {
    std::string text, json;
  };
  void show(std::function<Detail()> detail);
  void end();
  // A sentence between steps.
  void say(const std::string& sentence);
  uint64_t items() const { return items_.load(std::memory_order_relaxed); }
  double step_seconds() const;

 private:
  void print_loop(std::stop_token stop);
  void print(bool last);
  std::string bar_line(double seconds, bool last) const;

  const Mode mode_;
  std::mutex mutex_;  // guards the printing and the fields below it
  std::condition_variable_any wake_;
  std::string step_;
  std::optional<uint64_t> total_items_, total_bytes_;
  uint64_t already_items_ = 0;
  std::chrono::steady_clock::time_point begun_;
  bool active_ = false;
  std::function<Detail()> detail_;
  std::atomic<uint64_t> items_{0}, bytes_{0};
  std::jthread printer_;
};

// 1234567 → "1,234,567".
std::string with_commas(uint64_t value);

}  // namespace offramp::migrate
