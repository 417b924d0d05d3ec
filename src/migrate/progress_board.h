// ProgressBoard: the progress of several tables at once.
//
// On a terminal one line per table at the bottom of the screen, redrawn in place, and everything
// that is said or done scrolls by above them; when there are more tables than the screen has lines,
// the rest is counted. Otherwise JSON lines, each with its "table". Threads: say() and each
// Progress' methods may be called from any thread; a Progress never calls the board while it holds
// its own lock, the board calls it while it holds mutex_.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "migrate/progress.h"

namespace offramp::migrate {

class ProgressBoard {
 public:
  struct Size {
    size_t columns = 80, rows = 24;
  };
  struct Screen {
    std::function<void(std::string_view)> write;  // empty: standard error
    std::function<Size()> size;                   // empty: the terminal's
    bool redraws = true;                          // by itself, from a thread of its own
  };

  explicit ProgressBoard(Progress::Mode mode) : ProgressBoard(mode, Screen()) {}
  ProgressBoard(Progress::Mode mode, Screen screen);
  ~ProgressBoard();
  ProgressBoard(const ProgressBoard&) = delete;
  ProgressBoard& operator=(const ProgressBoard&) = delete;

  Progress::Mode mode() const { return mode_; }
  // A sentence; `table` empty: of all of them.
  void say(const std::string& table, const std::string& sentence);
  // Everything as it is now; called every 200 ms on a terminal, every 5 s otherwise.
  void redraw();

 private:
  friend class Progress;
  void add(Progress& progress);
  void remove(Progress& progress);
  void step_ended(Progress& progress, const std::string& line);
  // Under mutex_.
  void draw(const std::string& above);
  std::vector<std::string> lines(const Size& size) const;
  std::string named(const std::string& table, const std::string& text) const;
  void print_loop(std::stop_token stop);

  const Progress::Mode mode_;
  const Screen screen_;
  std::mutex mutex_;  // guards the printing and the fields below it
  std::condition_variable_any wake_;
  std::vector<Progress*> members_;
  size_t name_width_ = 0;
  size_t drawn_ = 0;  // lines on the screen, above the cursor
  std::jthread printer_;
};

}  // namespace offramp::migrate
