// DailyWindow: the hours of the day in which the source may be read, in the machine's local time.
//
// "22:00-06:00" includes 22:00 and excludes 06:00; a window may pass midnight. On the day when
// clocks change it follows the wall clock. Immutable.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/clock.h"

namespace offramp::source::scan {

class DailyWindow {
 public:
  // kConfig for anything but HH:MM-HH:MM with two different times.
  static Result<DailyWindow> parse(std::string_view text);
  // Zero inside the window, else the time until it opens.
  std::chrono::seconds until_open(io::Clock::Wall now) const;

 private:
  DailyWindow(int start, int end) : start_s_(start), end_s_(end) {}
  int start_s_, end_s_;  // seconds of the day
};

}  // namespace offramp::source::scan
