// Calendar arithmetic is Howard Hinnant's days_from_civil over 64 bits: std::chrono's years end at
// 32767, and a timestamp of 64-bit microseconds reaches the year 294247.
#include "target/sqlite/text_forms.h"

#include <charconv>

namespace offramp::target::sqlite {

namespace {

constexpr int64_t kDayMicros = 86'400'000'000;

int64_t days_from_civil(int64_t year, int month, int day) {
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400;
  int64_t year_of_era = year - era * 400;
  int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

struct Civil {
  int64_t year;
  int month, day;
};

Civil civil_from_days(int64_t days) {
  int64_t era_day = days >= -719468 ? days + 719468 : days + 719468 - 146096;
  int64_t era = era_day / 146097;
  int64_t day_of_era = days + 719468 - era * 146097;
  int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  int shifted = static_cast<int>((5 * day_of_year + 2) / 153);
  int month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {year_of_era + era * 400 + (month <= 2), month,
          static_cast<int>(day_of_year - (153 * shifted + 2) / 5 + 1)};
}

char* put(char* out, int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  return out + digits;
}

// Exactly `digits` digits at the front of `text`, which moves on.
std::optional<int64_t> take(std::string_view& text, size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int64_t value = 0;
  for (size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == any_of.npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<int64_t> take_date(std::string_view& text) {
  bool negative = text.starts_with('-'), signed_year = negative || text.starts_with('+');
  if (signed_year) text.remove_prefix(1);
  size_t year_digits = 0;
  while (year_digits < text.size() && text[year_digits] >= '0' && text[year_digits] <= '9')
    ++year_digits;
  // 14 digits hold the year of any 64-bit count of days that write_date can be given without
  // overflow here.
  if (year_digits < 4 || year_digits > (signed_year ? 14u : 4u)) return std::nullopt;
  auto year = take(text, year_digits);
  if (!take(text, "-")) return std::nullopt;
  auto month = take(text, 2);
  if (!take(text, "-")) return std::nullopt;
  auto day = take(text, 2);
  if (!year || !month || !day || *month < 1 || *month > 12 || *day < 1 || *day > 31)
    return std::nullopt;
  if (negative) *year = -*year;
  int64_t days = days_from_civil(*year, static_cast<int>(*month), static_cast<int>(*day));
  Civil back = civil_from_days(days);
  if (back.month != *month || back.day != *day) return std::nullopt;  // February 30th
  return days;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

size_t write_date(int64_t days, char* out) {
  Civil civil = civil_from_days(days);
  char* at = out;
  int digits = 4;
  int64_t year = civil.year;
  if (year < 0 || year > 9999) {
    *at++ = year < 0 ? '-' : '+';
    if (year < 0) year = -year;
    for (int64_t rest = year / 10'000; rest > 0; rest /= 10) ++digits;
  }
  at = put(at, year, digits);
  *at++ = '-';
  at = put(at, civil.month, 2);
  *at++ = '-';
  return put(at, civil.day, 2) - out;
}

size_t write_timestamp(int64_t micros, char* out) {
  int64_t days = micros / kDayMicros, in_day = micros % kDayMicros;
  if (in_day < 0) --days, in_day += kDayMicros;
  char* at = out + write_date(days, out);
  *at++ = 'T';
  at = put(at, in_day / 3'600'000'000, 2);
  *at++ = ':';
  at = put(at, in_day / 60'000'000 % 60, 2);
  *at++ = ':';
  at = put(at, in_day / 1'000'000 % 60, 2);
  *at++ = '.';
  at = put(at, in_day % 1'000'000, 6);
  *at++ = 'Z';
  return at - out;
}

std::optional<int64_t> parse_date(std::string_view text) {
  auto days = take_date(text);
  return text.empty() ? days : std::nullopt;
}

std::optional<int64_t> parse_timestamp(std::string_view text) {
  auto days = take_date(text);
  if (!days || !take(text, "T ")) return std::nullopt;
  auto hours = take(text, 2);
  if (!take(text, ":")) return std::nullopt;
  auto minutes = take(text, 2);
  if (!take(text, ":")) return std::nullopt;
  auto seconds = take(text, 2);
  if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 59)
    return std::nullopt;
  int64_t fraction = 0;
  if (take(text, ".")) {
    int digits = 0;
    for (; digits < 6 && !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits) {
      fraction = fraction * 10 + (text[0] - '0');
      text.remove_prefix(1);
    }
    if (digits == 0) return std::nullopt;
    for (; digits < 6; ++digits) fraction *= 10;
  }
  if (text != "Z" && text != "+00:00" && !text.empty()) return std::nullopt;
  // In 128 bits: the first day of the range begins before the smallest 64-bit count of
  // microseconds.
  __int128 total = static_cast<__int128>(*days) * kDayMicros +
                   (*hours * 3600 + *minutes * 60 + *seconds) * 1'000'000 + fraction;
  if (total < INT64_MIN || total > INT64_MAX) return std::nullopt;
  return static_cast<int64_t>(total);
}

size_t write_uuid(const char* bytes, char* out) {
  char* at = out;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    auto byte = static_cast<unsigned char>(bytes[i]);
    *at++ = "0123456789abcdef"[byte >> 4];
    *at++ = "0123456789abcdef"[byte & 15];
  }
  return at - out;
}

bool parse_uuid(std::string_view text, char* bytes) {
  if (text.size() != 36) return false;
  size_t at = 0;
  for (int i = 0; i < 16; ++i) {
    if ((i == 4 || i == 6 || i == 8 || i == 10) && text[at++] != '-') return false;
    int high = hex_digit(text[at++]), low = hex_digit(text[at++]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<char>(high << 4 | low);
  }
  return true;
}

}  // namespace offramp::target::sqlite
