// Progress of a long step: a bar with rate and ETA on a terminal, one JSON line per step (and every
// few seconds) otherwise. Written to stderr; results go to stdout. Of several tables that move side
// by side each has a Progress, and all of them stand on one ProgressBoard, which does the printing.
//
// add() may be called from any thread; the printing thread only reads atomics.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace offramp::migrate {

class ProgressBoard;

class Progress {
 public:
  enum class Mode { kTerminal, kJsonLines, kQuiet };
  // kTerminal when stderr is a terminal, else kJsonLines.
  static Mode detect();

  explicit Progress(Mode mode);
  // One line of `board`, which must outlive this; `table` names it.
  Progress(ProgressBoard& board, std::string table);
  ~Progress();

  // Starts a step; ends the one before. `total` = items expected, when known; `already` = done by
  // earlier runs.
  void begin(const std::string& step, std::optional<uint64_t> total_items,
             std::optional<uint64_t> total_bytes = {}, uint64_t already_items = 0);
  void add(uint64_t items, uint64_t bytes) {
    items_.fetch_add(items, std::memory_order_relaxed);
    bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  // Something to say at the end of the step's line: text on a terminal, members (`"lag_ms":12`) in
  // a JSON line. Called by the printing thread until the step ends. `counted`: what the step's
  // numbers are of, on a terminal.
  struct Detail {
    std::string text, json;
  };
  void show(std::function<Detail()> detail, const std::string& counted = "items");
  void end();
  // What a board shows between steps, e.g. "waits for its turn to load".
  void rest(const std::string& what);
  // A sentence between steps.
  void say(const std::string& sentence);
  uint64_t items() const { return items_.load(std::memory_order_relaxed); }
  double step_seconds() const;

  // For the board. The line of this moment without the table's name, of a terminal; of a program,
  // empty between steps.
  std::string board_line();
  const std::string& table() const { return table_; }

 private:
  void print_loop(std::stop_token stop);
  void print(bool last);
  // The step as a line (without its end) in the mode's form. Under mutex_.
  std::string step_line(bool last) const;
  std::string json_line(double seconds, bool last, const Detail& detail) const;
  std::string bar_line(double seconds, bool last) const;

  const Mode mode_;
  ProgressBoard* const board_ = nullptr;
  const std::string table_;  // empty without a board
  std::mutex mutex_;         // guards the printing and the fields below it
  std::condition_variable_any wake_;
  std::string step_;
  std::optional<uint64_t> total_items_, total_bytes_;
  uint64_t already_items_ = 0;
  std::chrono::steady_clock::time_point begun_;
  bool active_ = false;
  std::function<Detail()> detail_;
  std::string counted_ = "items";
  std::string resting_ = "starting";
  std::atomic<uint64_t> items_{0}, bytes_{0};
  std::jthread printer_;
};

// A sentence as a JSON line.
std::string note_line(const std::string& table, const std::string& sentence);
// At most `columns` - 1 characters of UTF-8 text in which each character takes one column.
std::string cut_to_width(const std::string& text, size_t columns);

// 1234567 → "1,234,567".
std::string with_commas(uint64_t value);

}  // namespace offramp::migrate
