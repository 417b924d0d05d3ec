// Fixed positions, no locale, no allocation.
#include "mapping/time_text.h"

#include <charconv>
#include <chrono>

namespace offramp::mapping {
namespace {

using model::TimeFormat;

constexpr int64_t kMicrosPerDay = 86'400'000'000;

// `count` digits at `at`, or -1.
int digits(const char* at, int count) {
  int value = 0;
  for (int i = 0; i < count; ++i) {
    unsigned digit = static_cast<unsigned char>(at[i]) - '0';
    if (digit > 9) return -1;
    value = value * 10 + static_cast<int>(digit);
  }
  return value;
}

void put_digits(char* at, int count, int64_t value) {
  for (int i = count - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

// Fraction digits that the format writes for this fraction of a second.
int fraction_digits(TimeFormat format, int64_t micros) {
  switch (format) {
    case TimeFormat::kIsoMs:
      return 3;
    case TimeFormat::kIsoUs:
      return 6;
    default:
      return micros == 0 ? 0 : micros % 1000 == 0 ? 3 : 6;
  }
}

std::string_view zone(TimeFormat format) {
  return format == TimeFormat::kIsoOffset ? "+00:00" : "Z";
}

std::optional<int64_t> parse_epoch(std::string_view text, int64_t micros_per_unit) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // "-0" and leading zeros would not be written back.
  std::string_view magnitude = text;
  if (magnitude.front() == '-') magnitude.remove_prefix(1);
  if (magnitude.front() == '0' && text != "0") return std::nullopt;
  if (value < kTimeMin / micros_per_unit || value > kTimeMax / micros_per_unit) return std::nullopt;
  return value * micros_per_unit;
}

}  // namespace

std::optional<int64_t> parse_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  int year = digits(text.data(), 4), month = digits(text.data() + 5, 2),
      day = digits(text.data() + 8, 2);
  if (year < 1 || month < 1 || day < 1) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(year),
                                   std::chrono::month(static_cast<unsigned>(month)),
                                   std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count();
}

std::optional<size_t> write_date(int64_t days, char* out) {
  if (days < kDateMin || days > kDateMax) return std::nullopt;
  std::chrono::year_month_day date{
      std::chrono::sys_days(std::chrono::days(static_cast<int>(days)))};
  put_digits(out, 4, static_cast<int>(date.year()));
  out[4] = '-';
  put_digits(out + 5, 2, static_cast<unsigned>(date.month()));
  out[7] = '-';
  put_digits(out + 8, 2, static_cast<unsigned>(date.day()));
  return 10;
}

std::optional<int64_t> parse_time(std::string_view text, TimeFormat format) {
  if (text.empty()) return std::nullopt;
  if (format == TimeFormat::kEpochS) return parse_epoch(text, 1'000'000);
  if (format == TimeFormat::kEpochMs) return parse_epoch(text, 1'000);
  std::string_view suffix = zone(format);
  // 2024-01-02T03:04:05[.fraction]zone
  if (text.size() < 19 + suffix.size() || !text.ends_with(suffix)) return std::nullopt;
  text.remove_suffix(suffix.size());
  auto days = parse_date(text.substr(0, 10));
  if (!days || text[10] != 'T' || text[13] != ':' || text[16] != ':') return std::nullopt;
  int hour = digits(text.data() + 11, 2), minute = digits(text.data() + 14, 2),
      second = digits(text.data() + 17, 2);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59)
    return std::nullopt;
  int64_t fraction = 0;
  int written = 0;
  if (text.size() > 19) {
    written = static_cast<int>(text.size()) - 20;
    if (text[19] != '.' || (written != 3 && written != 6)) return std::nullopt;
    fraction = digits(text.data() + 20, written);
    if (fraction < 0) return std::nullopt;
    if (written == 3) fraction *= 1000;
  }
  if (written != fraction_digits(format, fraction)) return std::nullopt;
  return *days * kMicrosPerDay + ((hour * 60 + minute) * 60 + second) * int64_t{1'000'000} +
         fraction;
}

std::optional<size_t> write_time(int64_t micros, TimeFormat format, char* out) {
  if (micros < kTimeMin || micros > kTimeMax) return std::nullopt;
  if (is_epoch(format)) {
    int64_t unit = format == TimeFormat::kEpochS ? 1'000'000 : 1'000;
    if (micros % unit != 0) return std::nullopt;
    return static_cast<size_t>(std::to_chars(out, out + kTimeTextMax, micros / unit).ptr - out);
  }
  int64_t days = micros / kMicrosPerDay, rest = micros % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    --days;
  }
  int64_t fraction = rest % 1'000'000, seconds = rest / 1'000'000;
  int width = fraction_digits(format, fraction);
  if (width == 3 && fraction % 1000 != 0) return std::nullopt;
  if (!write_date(days, out)) return std::nullopt;
  out[10] = 'T';
  put_digits(out + 11, 2, seconds / 3600);
  out[13] = ':';
  put_digits(out + 14, 2, seconds / 60 % 60);
  out[16] = ':';
  put_digits(out + 17, 2, seconds % 60);
  size_t size = 19;
  if (width > 0) {
    out[size++] = '.';
    put_digits(out + size, width, width == 3 ? fraction / 1000 : fraction);
    size += static_cast<size_t>(width);
  }
  std::string_view suffix = zone(format);
  suffix.copy(out + size, suffix.size());
  return size + suffix.size();
}

}  // namespace offramp::mapping
