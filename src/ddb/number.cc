// Parsing, ordering and the canonical text of DynamoDB's Number.
#include "ddb/number.h"

#include <algorithm>
#include <cstring>

namespace offramp::ddb {
namespace {

constexpr int kDigitsMax = 38;
constexpr int kMagnitudeMax = 125;  // exponent of the leading digit
constexpr int kMagnitudeMin = -130;

int count_digits(unsigned __int128 value) {
  int digits = 0;
  while (value != 0) {
    value /= 10;
    ++digits;
  }
  return digits;
}

Error not_numeric() {
  // The service's message goes on with ": X" and the text, which is an item's content (C12).
  return Error(ErrorKind::kBadItem, "number.not_numeric",
               "The parameter cannot be converted to a numeric value");
}

Error overflow() {
  return Error(
      ErrorKind::kBadItem, "number.overflow",
      "Number overflow. Attempting to store a number with magnitude larger than supported range");
}

Error underflow() {
  return Error(
      ErrorKind::kBadItem, "number.underflow",
      "Number underflow. Attempting to store a number with magnitude smaller than supported range");
}

// The digits of a coefficient, most significant first; returns how many.
int write_digits(unsigned __int128 value, char* out) {
  char reversed[40];
  int digits = 0;
  while (value > UINT64_MAX) {
    reversed[digits++] = static_cast<char>('0' + static_cast<int>(value % 10));
    value /= 10;
  }
  for (auto low = static_cast<uint64_t>(value); low != 0; low /= 10)
    reversed[digits++] = static_cast<char>('0' + low % 10);
  std::reverse_copy(reversed, reversed + digits, out);
  return digits;
}

}  // namespace

Result<Number> Number::from_parts(bool negative, unsigned __int128 coefficient, int exponent) {
  Number number;
  if (coefficient == 0) return number;
  while (coefficient % 10 == 0) {
    coefficient /= 10;
    ++exponent;
  }
  int digits = count_digits(coefficient);
  if (digits > kDigitsMax)
    return Error(ErrorKind::kBadItem, "number.digits",
                 "Attempting to store more than 38 significant digits in a Number");
  int magnitude = exponent + digits - 1;
  if (magnitude > kMagnitudeMax) return overflow();
  if (magnitude < kMagnitudeMin) return underflow();
  number.negative_ = negative;
  number.coefficient_ = coefficient;
  number.exponent_ = exponent;
  return number;
}

Result<Number> Number::parse(std::string_view text) {
  const char* at = text.data();
  const char* end = at + text.size();
  bool negative = false;
  if (at != end && (*at == '-' || *at == '+')) negative = *at++ == '-';

  // Significant digits only: leading zeros are skipped, trailing ones are held back until another
  // digit follows.
  unsigned __int128 coefficient = 0;
  int significant = 0;
  int64_t held_zeros = 0, exponent = 0;
  bool any = false, point = false;
  for (; at != end; ++at) {
    char c = *at;
    if (c == '.') {
      if (point) return not_numeric();
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    any = true;
    if (point) --exponent;
    if (c == '0') {
      if (coefficient != 0) ++held_zeros;
      continue;
    }
    if (significant == 0) held_zeros = 0;
    if (significant + held_zeros + 1 > kDigitsMax)
      return Error(ErrorKind::kBadItem, "number.digits",
                   "Attempting to store more than 38 significant digits in a Number");
    for (; held_zeros > 0; --held_zeros, ++significant) coefficient *= 10;
    coefficient = coefficient * 10 + static_cast<unsigned>(c - '0');
    ++significant;
  }
  if (!any) return not_numeric();
  if (at != end) {
    if (*at != 'e' && *at != 'E') return not_numeric();
    ++at;
    bool negative_exponent = false;
    if (at != end && (*at == '-' || *at == '+')) negative_exponent = *at++ == '-';
    if (at == end) return not_numeric();
    int64_t value = 0;
    for (; at != end; ++at) {
      if (*at < '0' || *at > '9') return not_numeric();
      value = std::min<int64_t>(value * 10 + (*at - '0'), 1'000'000'000);
    }
    exponent += negative_exponent ? -value : value;
  }
  exponent += held_zeros;
  if (coefficient == 0) return Number();
  if (exponent > kMagnitudeMax) return overflow();
  if (exponent < -400) return underflow();
  return from_parts(negative, coefficient, static_cast<int>(exponent));
}

int Number::digits() const { return count_digits(coefficient_); }

size_t Number::write(char* out) const {
  char* start = out;
  if (coefficient_ == 0) {
    *out = '0';
    return 1;
  }
  if (negative_) *out++ = '-';
  char digits[40];
  int count = write_digits(coefficient_, digits);
  if (exponent_ >= 0) {
    out = static_cast<char*>(std::memcpy(out, digits, static_cast<size_t>(count))) + count;
    std::memset(out, '0', static_cast<size_t>(exponent_));
    out += exponent_;
  } else if (int whole = count + exponent_; whole > 0) {
    std::memcpy(out, digits, static_cast<size_t>(whole));
    out += whole;
    *out++ = '.';
    std::memcpy(out, digits + whole, static_cast<size_t>(count - whole));
    out += count - whole;
  } else {
    *out++ = '0';
    *out++ = '.';
    std::memset(out, '0', static_cast<size_t>(-whole));
    out += -whole;
    std::memcpy(out, digits, static_cast<size_t>(count));
    out += count;
  }
  return static_cast<size_t>(out - start);
}

std::string Number::to_string() const {
  char text[kNumberTextMax];
  return std::string(text, write(text));
}

std::optional<int64_t> Number::to_int64() const {
  if (coefficient_ == 0) return 0;
  if (exponent_ < 0 || exponent_ > 18) return std::nullopt;
  unsigned __int128 value = coefficient_;
  if (value > UINT64_MAX) return std::nullopt;
  for (int i = 0; i < exponent_; ++i) value *= 10;
  unsigned __int128 limit = static_cast<unsigned __int128>(INT64_MAX) + (negative_ ? 1 : 0);
  if (value > limit) return std::nullopt;
  auto magnitude = static_cast<uint64_t>(value);
  return static_cast<int64_t>(negative_ ? 0 - magnitude : magnitude);
}

std::strong_ordering Number::operator<=>(const Number& other) const {
  auto sign = [](const Number& n) { return n.zero() ? 0 : n.negative_ ? -1 : 1; };
  if (sign(*this) != sign(other)) return sign(*this) <=> sign(other);
  if (zero()) return std::strong_ordering::equal;
  int own = exponent_ + digits(), others = other.exponent_ + other.digits();
  std::strong_ordering magnitude = own <=> others;
  if (magnitude == 0) {
    // Same leading exponent: scale the shorter coefficient up; both stay below 10^38.
    unsigned __int128 a = coefficient_, b = other.coefficient_;
    for (int i = exponent_; i > other.exponent_; --i) a *= 10;
    for (int i = other.exponent_; i > exponent_; --i) b *= 10;
    magnitude = a < b   ? std::strong_ordering::less
                : a > b ? std::strong_ordering::greater
                        : std::strong_ordering::equal;
  }
  return negative_ ? 0 <=> magnitude : magnitude;
}

namespace {

// a + b, or a - b when `flips` turns b's sign.
Result<Number> sum(const Number& a, const Number& b, bool flips) {
  if (b.zero()) return a;
  if (a.zero()) return Number::from_parts(b.negative() != flips, b.coefficient(), b.exponent());
  const bool a_negative = a.negative(), b_negative = b.negative() != flips;
  // Both to the lower exponent. The number there ends in a digit that is not 0, so the result has
  // no fewer digits than its distance from that exponent; what exceeds 2 * 10^38 stays above 10^38
  // whatever is taken from it.
  unsigned __int128 x = a.coefficient(), y = b.coefficient(), limit = 2;
  for (int i = 0; i < kDigitsMax; ++i) limit *= 10;
  const int exponent = std::min(a.exponent(), b.exponent());
  unsigned __int128& scaled = a.exponent() > b.exponent() ? x : y;
  for (int i = std::max(a.exponent(), b.exponent()); i > exponent; --i) {
    if (scaled > limit / 10) return overflow();
    scaled *= 10;
  }
  const bool adds = a_negative == b_negative;
  const bool negative = adds || x >= y ? a_negative : b_negative;
  auto result = Number::from_parts(negative, adds ? x + y : x >= y ? x - y : y - x, exponent);
  if (!result.ok() && result.error().code() == "number.digits") return overflow();
  return result;
}

}  // namespace

Result<Number> add(const Number& a, const Number& b) { return sum(a, b, false); }
Result<Number> subtract(const Number& a, const Number& b) { return sum(a, b, true); }

bool is_canonical_number(std::string_view text) {
  const char* at = text.data();
  const char* end = at + text.size();
  if (at == end) return false;
  if (*at == '-') {
    ++at;
    if (at == end || (*at == '0' && at + 1 == end)) return false;  // "-", "-0"
  }
  const char* whole = at;
  while (at != end && *at >= '0' && *at <= '9') ++at;
  auto whole_digits = at - whole;
  if (whole_digits == 0) return false;
  if (*whole == '0' && whole_digits > 1) return false;
  if (at == end) {
    if (whole_digits <= kDigitsMax) return true;
    if (whole_digits > kMagnitudeMax + 1) return false;
    const char* last = end;
    while (last[-1] == '0') --last;
    return last - whole <= kDigitsMax;
  }
  if (*at != '.') return false;
  const char* fraction = ++at;
  while (at != end && *at >= '0' && *at <= '9') ++at;
  if (at != end || fraction == end || end[-1] == '0') return false;
  auto fraction_digits = end - fraction;
  if (*whole != '0') return whole_digits + fraction_digits <= kDigitsMax;
  const char* first = fraction;
  while (first != end && *first == '0') ++first;
  if (first == end) return false;
  return end - first <= kDigitsMax && first - fraction + 1 <= -kMagnitudeMin;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) {
  auto left = Number::parse(a), right = Number::parse(b);
  ASSERT(left.ok() && right.ok());
  return *left <=> *right;
}

}  // namespace offramp::ddb
