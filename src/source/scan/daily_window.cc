#include "source/scan/daily_window.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

namespace offramp::source::scan {
namespace {

constexpr int kDaySeconds = 24 * 3600;

// "HH:MM" as seconds of the day; -1 when it is no time.
int parse_time(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return -1;
  for (size_t i : {0, 1, 3, 4})
    if (text[i] < '0' || text[i] > '9') return -1;
  int hour = (text[0] - '0') * 10 + (text[1] - '0'),
      minute = (text[3] - '0') * 10 + (text[4] - '0');
  if (hour > 23 || minute > 59) return -1;
  return hour * 3600 + minute * 60;
}

}  // namespace

Result<DailyWindow> DailyWindow::parse(std::string_view text) {
  size_t dash = text.find('-');
  int start = parse_time(text.substr(0, dash));
  int end = dash == text.npos ? -1 : parse_time(text.substr(dash + 1));
  if (start < 0 || end < 0 || start == end)
    return Error(
        ErrorKind::kConfig, "scan.window",
        fmt::format("window \"{}\" cannot be read; write two times such as \"22:00-06:00\"", text));
  return DailyWindow(start, end);
}

std::chrono::seconds DailyWindow::until_open(io::Clock::Wall now) const {
  std::time_t time = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  localtime_r(&time, &local);
  int at = local.tm_hour * 3600 + local.tm_min * 60 + std::min(local.tm_sec, 59);
  bool inside = start_s_ < end_s_ ? at >= start_s_ && at < end_s_ : at >= start_s_ || at < end_s_;
  if (inside) return std::chrono::seconds(0);
  return std::chrono::seconds((start_s_ - at + kDaySeconds) % kDaySeconds);
}

}  // namespace offramp::source::scan
