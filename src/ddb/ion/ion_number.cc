// Ion's ints and decimals as canonical DynamoDB numbers; a number that is canonical already is not
// copied.
#include <cstring>

#include "ddb/ion/ion_scanner.h"
#include "ddb/number.h"

namespace offramp::ddb::ion {
namespace {

bool is_digit(int c) { return c >= '0' && c <= '9'; }

}  // namespace

// Ion ends a number only at one of its fifteen stop characters or the end of the text; like
// ion-java, we take a comment too.
bool Scanner::number_ends() {
  const int c = peek();
  if (c == -1 || std::strchr("{}[](),\"' \t\n\r\v\f", c) != nullptr) {
    if (c != 0) return true;
  }
  if (looking_at("//") || looking_at("/*")) return true;
  if (c == 'T' || c == '-' || c == ':') return fail("an Ion timestamp has no DynamoDB type");
  return fail("expected the end of a number");
}

// [0-9]('_'?[0-9])*
bool Scanner::digits(bool& underscores) {
  if (!is_digit(peek())) return fail("expected a digit");
  while (true) {
    if (is_digit(peek())) {
      ++next_;
    } else if (peek() == '_' && is_digit(peek(1))) {
      underscores = true;
      next_ += 2;
    } else {
      return true;
    }
  }
}

bool Scanner::number(std::string_view& out) {
  const char* start = next_;
  const bool negative = take('-');
  if (!is_digit(peek())) {
    if (looking_at("inf")) return fail("an Ion float has no DynamoDB type");
    return fail("expected a digit");
  }
  if (peek() == '0') {
    const int base = peek(1) | 0x20;
    if (peek(1) != -1 && (base == 'x' || base == 'b')) return radix_int(negative, out);
    if (is_digit(peek(1)) || peek(1) == '_') {
      return fail("a number does not begin with 0");
    }
  }
  bool rewritten = false;
  if (!digits(rewritten)) return false;
  const char* plain_end = next_;
  if (take('.')) {
    if (is_digit(peek())) {
      if (!digits(rewritten)) return false;
      plain_end = next_;
    }
  }
  if (peek() == 'e' || peek() == 'E') return fail("an Ion float has no DynamoDB type");
  if (peek() == 'd' || peek() == 'D') {
    ++next_;
    if (peek() == '+' || peek() == '-') ++next_;
    if (!is_digit(peek())) return fail("expected the digits of an exponent");
    while (is_digit(peek())) ++next_;
    rewritten = true;
  }
  if (!number_ends()) return false;
  out = {start, static_cast<size_t>(plain_end - start)};
  if (!rewritten && is_canonical_number(out)) return true;
  return normalise(start, out);
}

// Reads [start, next_), a well-formed Ion decimal, by value.
bool Scanner::normalise(const char* start, std::string_view& out) {
  scratch_.clear();
  bool zero = true;
  const char* p = start;
  for (; p < next_ && *p != 'd' && *p != 'D'; ++p) {
    if (*p >= '1' && *p <= '9') zero = false;
    if (*p != '_') scratch_ += *p;
  }
  if (zero) {  // a zero of any exponent is 0
    out = "0";
    return true;
  }
  if (p < next_) scratch_ += 'e';
  if (p < next_) scratch_.append(p + 1, next_);
  const auto number = Number::parse(scratch_);
  if (!number.ok()) return fail_at(static_cast<size_t>(start - begin_), number.error().message());
  char* text = arena_.allocate(kNumberTextMax);
  const size_t size = number->write(text);
  arena_.shrink_last(text, kNumberTextMax, size);
  out = {text, size};
  return true;
}

bool Scanner::radix_int(bool negative, std::string_view& out) {
  const size_t start = offset();
  const bool hex = (next_[1] | 0x20) == 'x';
  const unsigned base = hex ? 16 : 2;
  next_ += 2;
  // 2^127 > 10^38: what does not fit here has too many digits for DynamoDB too, unless it ends in
  // zeros.
  unsigned __int128 value = 0;
  bool any = false, overflow = false;
  while (true) {
    const int c = peek();
    int digit = -1;
    if (is_digit(c)) digit = c - '0';
    if (hex && (c | 0x20) >= 'a' && (c | 0x20) <= 'f') digit = (c | 0x20) - 'a' + 10;
    if (c == -1) digit = -1;
    if (c == '_' && any) {
      const int after = peek(1);
      const bool good =
          hex ? is_digit(after) || ((after | 0x20) >= 'a' && (after | 0x20) <= 'f' && after != -1)
              : after == '0' || after == '1';
      if (!good) return fail("expected a digit");
      ++next_;
      continue;
    }
    if (digit < 0 || digit >= static_cast<int>(base)) break;
    overflow = overflow || (value >> (hex ? 124 : 127)) != 0;
    value = value * base + static_cast<unsigned>(digit);
    any = true;
    ++next_;
  }
  if (!any) return fail("expected a digit");
  if (!number_ends()) return false;
  if (overflow) return fail_at(start, "more than 38 significant digits in a number");
  const auto number = Number::from_parts(negative && value != 0, value, 0);
  if (!number.ok()) return fail_at(start, number.error().message());
  char* text = arena_.allocate(kNumberTextMax);
  const size_t size = number->write(text);
  arena_.shrink_last(text, kNumberTextMax, size);
  out = {text, size};
  return true;
}

}  // namespace offramp::ddb::ion
