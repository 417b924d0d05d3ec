#include "endpoint/time_text.h"

#include <fmt/format.h>

#include <chrono>

namespace offramp::endpoint {
namespace {

using namespace std::chrono;  // NOLINT: calendar literals and types throughout

// The digits at [at, at + size), or -1.
int number(std::string_view text, size_t at, size_t size) {
  int value = 0;
  for (size_t i = at; i < at + size; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

std::optional<int64_t> seconds_of(int y, int m, int d, int hour, int minute, int second) {
  if (y < 0 || m < 0 || d < 0 || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  if (hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const year_month_day date{year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d))};
  if (!date.ok()) return std::nullopt;
  return sys_days(date).time_since_epoch().count() * int64_t{86'400} + hour * 3600 + minute * 60 +
         second;
}

}  // namespace

std::string basic_time(int64_t unix_seconds) {
  const sys_seconds at{seconds(unix_seconds)};
  const auto midnight = floor<days>(at);
  const year_month_day date(midnight);
  const hh_mm_ss time(at - midnight);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

std::optional<int64_t> parse_basic_time(std::string_view text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  return seconds_of(number(text, 0, 4), number(text, 4, 2), number(text, 6, 2), number(text, 9, 2),
                    number(text, 11, 2), number(text, 13, 2));
}

std::optional<int64_t> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  // 0    5  8   12   17 20 23 26
  // Sun, 09 Jun 2013 09:52:04 GMT
  if (text.size() < 29 || text[3] != ',' || text[19] != ':' || text[22] != ':') return std::nullopt;
  const std::string_view zone = text.substr(25);
  if (zone != " GMT" && zone != " -0000" && zone != " +0000") return std::nullopt;
  const size_t at = kMonths.find(text.substr(8, 3));
  if (at == kMonths.npos || at % 3 != 0) return std::nullopt;
  return seconds_of(number(text, 12, 4), static_cast<int>(at / 3) + 1, number(text, 5, 2),
                    number(text, 17, 2), number(text, 20, 2), number(text, 23, 2));
}

}  // namespace offramp::endpoint
