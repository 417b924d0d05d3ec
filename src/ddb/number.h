// DynamoDB's Number, exactly: 38 significant digits, magnitude 1E-130 … 9.99…E+125, and zero.
//
// The canonical form is the one DynamoDB returns: plain decimal, never an exponent, no leading or
// trailing zeros, "0" for every zero. Values are never floating point (C11). Source of the rules:
// the DynamoDB developer guide and tests run against the service (reference notes: §2.3).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace offramp::ddb {

// The longest canonical text: "-0." + 129 zeros + 38 digits = 170 characters.
constexpr size_t kNumberTextMax = 172;

class Number {
 public:
  Number() = default;
  // value = (negative ? -1 : 1) * coefficient * 10^exponent, normalised (no trailing zeros in the
  // coefficient).
  static Result<Number> from_parts(bool negative, unsigned __int128 coefficient, int exponent);
  // Accepts what DynamoDB accepts: optional sign, digits with optional point, optional exponent.
  // Errors (kBadItem) carry the service's own messages, without the text itself (C12).
  static Result<Number> parse(std::string_view text);

  bool negative() const { return negative_; }
  bool zero() const { return coefficient_ == 0; }
  unsigned __int128 coefficient() const { return coefficient_; }
  int exponent() const { return exponent_; }
  // Number of decimal digits of the coefficient; 0 for zero.
  int digits() const;

  // Writes the canonical text to `out` (at least kNumberTextMax bytes); the size written.
  size_t write(char* out) const;
  std::string to_string() const;
  std::optional<int64_t> to_int64() const;

  std::strong_ordering operator<=>(const Number& other) const;
  bool operator==(const Number& other) const = default;

 private:
  unsigned __int128 coefficient_ = 0;
  int exponent_ = 0;
  bool negative_ = false;
};

// Exact sum and difference. A result that needs more than 38 digits is refused as an overflow, as
// the service does; so is one out of range.
Result<Number> add(const Number& a, const Number& b);
Result<Number> subtract(const Number& a, const Number& b);

// True when `text` is already a legal canonical number; the fast path of every reader.
bool is_canonical_number(std::string_view text);

// Numeric order of two canonical texts.
std::strong_ordering compare_numbers(std::string_view a, std::string_view b);

}  // namespace offramp::ddb
