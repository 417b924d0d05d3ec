// Numbers: DynamoDB's rules as a table, and properties over random values.
#include "ddb/number.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace offramp::ddb {
namespace {

TEST(Number, CanonicalForm) {
  const std::pair<const char*, std::string> cases[] = {
      {"0", "0"},
      {"-0", "0"},
      {"+5", "5"},
      {"007", "7"},
      {".5", "0.5"},
      {"5.", "5"},
      {"1.50E2", "150"},
      {"1e125", "1" + std::string(125, '0')},
      {"1e-20", "0.00000000000000000001"},
      {"-1.0", "-1"},
      {"0.000", "0"},
      {"100", "100"},
      {"9007199254740993", "9007199254740993"},
      {"99999999999999999999999999999999999999", "99999999999999999999999999999999999999"},
      {"-0.00000000000000000000000000000000000001e-92", "-0." + std::string(129, '0') + "1"},
      {"123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678"},
      {"000000000000000000000000000000000000000000001", "1"},
      {"10000000000000000000000000000000000000000000000", "1" + std::string(46, '0')},
  };
  for (const auto& [in, out] : cases) {
    auto number = Number::parse(in);
    ASSERT_TRUE(number.ok()) << in;
    EXPECT_EQ(number->to_string(), out) << in;
    EXPECT_TRUE(is_canonical_number(out)) << out;
    EXPECT_EQ(is_canonical_number(in), in == out) << in;
  }
}

TEST(Number, Refused) {
  for (const char* text :
       {"", " 1", "1 ", "NaN", "Infinity", "0x10", "1_000", "--1", "1e", "1e+", ".", "-", "e5",
        "1.2.3", "1e126", "1e-131", "123456789012345678901234567890123456789", "1e999999999999"}) {
    EXPECT_FALSE(Number::parse(text).ok()) << text;
    EXPECT_FALSE(is_canonical_number(text)) << text;
  }
  for (const char* text : {"00", "01", "-0", "1.", ".1", "1.0", "0.0", "+1", "1e1"})
    EXPECT_FALSE(is_canonical_number(text)) << text;
}

TEST(Number, Int64Edges) {
  EXPECT_EQ(Number::parse("9223372036854775807")->to_int64(), INT64_MAX);
  EXPECT_EQ(Number::parse("-9223372036854775808")->to_int64(), INT64_MIN);
  EXPECT_EQ(Number::parse("9223372036854775808")->to_int64(), std::nullopt);
  EXPECT_EQ(Number::parse("-9223372036854775809")->to_int64(), std::nullopt);
  EXPECT_EQ(Number::parse("1.5")->to_int64(), std::nullopt);
  EXPECT_EQ(Number::parse("1e18")->to_int64(), 1000000000000000000);
  EXPECT_EQ(Number::parse("-7e3")->to_int64(), -7000);
}

rc::Gen<Number> any_number() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::arbitrary<bool>(), rc::gen::inRange(1, 39),
                     rc::gen::arbitrary<uint64_t>(), rc::gen::arbitrary<uint64_t>(),
                     rc::gen::inRange(-130, 126)),
      [](std::tuple<bool, int, uint64_t, uint64_t, int> parts) {
        auto [negative, digits, high, low, magnitude] = parts;
        unsigned __int128 limit = 1;
        for (int i = 0; i < digits; ++i) limit *= 10;
        unsigned __int128 value = (static_cast<unsigned __int128>(high) << 64 | low) % limit;
        int count = 0;
        for (auto rest = value; rest != 0; rest /= 10) ++count;
        auto number = Number::from_parts(negative, value, magnitude - std::max(count - 1, 0));
        return number.ok() ? *number : Number();
      });
}

RC_GTEST_PROP(Number, PrintedAndParsedIsTheSame, ()) {
  Number number = *any_number();
  std::string text = number.to_string();
  RC_ASSERT(text.size() <= kNumberTextMax);
  RC_ASSERT(is_canonical_number(text));
  RC_ASSERT(*Number::parse(text) == number);
}

RC_GTEST_PROP(Number, OrderAgreesWithNegationAndText, ()) {
  Number a = *any_number(), b = *any_number();
  RC_ASSERT((a < b) == (b > a));
  RC_ASSERT((a == b) == (a.to_string() == b.to_string()));
  auto negated = [](const Number& n) {
    return *Number::from_parts(!n.negative(), n.coefficient(), n.exponent());
  };
  RC_ASSERT((a < b) == (negated(b) < negated(a)));
}

std::string outcome(const Result<Number>& number) {
  return number.ok() ? number->to_string() : "!" + number.error().code();
}

TEST(Number, SumsAreExactOrRefused) {
  const std::string nines(38, '9');
  const struct {
    const char* a;
    const char* b;
    std::string sum, difference;
  } cases[] = {
      {"0", "0", "0", "0"},
      {"0", "5", "5", "-5"},
      {"5", "0", "5", "5"},
      {"1", "1", "2", "0"},
      {"0.1", "0.2", "0.3", "-0.1"},
      {"10", "-2.5", "7.5", "12.5"},
      {"-1", "-9", "-10", "8"},
      {"1e125", "1e125", "2" + std::string(125, '0'), "0"},
      {"9e125", "9e125", "!number.overflow", "0"},
      {"-9e125", "9e125", "0", "!number.overflow"},
      {"1e-130", "2e-130", "0." + std::string(129, '0') + "3", "-0." + std::string(129, '0') + "1"},
      {"1.1e-129", "1e-129", "0." + std::string(128, '0') + "21",
       "0." + std::string(129, '0') + "1"},
      // 38 digits: carried into a zero, cut by a borrow, or too many.
      {"99999999999999999999999999999999999999", "1", "1" + std::string(38, '0'),
       nines.substr(1) + "8"},
      {"1e38", "1", "!number.overflow", nines},
      {"-1e38", "1", "-" + nines, "!number.overflow"},
      {"2e38", "1", "!number.overflow", "!number.overflow"},
      {"1e50", "1", "!number.overflow", "!number.overflow"},
      {"1", "1e50", "!number.overflow", "!number.overflow"},
      {"1e37", "0.1", "!number.overflow", nines.substr(1) + ".9"},
      {"99999999999999999999999999999999999999", "99999999999999999999999999999999999999",
       "!number.overflow", "0"},
      {"5e37", "5e37", "1" + std::string(38, '0'), "0"},
      {"1e125", "1e-130", "!number.overflow", "!number.overflow"},
  };
  for (const auto& [a, b, sum, difference] : cases) {
    EXPECT_EQ(outcome(add(*Number::parse(a), *Number::parse(b))), sum) << a << " + " << b;
    EXPECT_EQ(outcome(subtract(*Number::parse(a), *Number::parse(b))), difference)
        << a << " - " << b;
  }
}

RC_GTEST_PROP(Number, SumsAgreeWithIntegers, (int64_t a, int64_t b)) {
  const auto whole = [](__int128 value) {
    return *Number::from_parts(value < 0,
                               static_cast<unsigned __int128>(value < 0 ? -value : value), -9);
  };
  RC_ASSERT(*add(whole(a), whole(b)) == whole(static_cast<__int128>(a) + b));
  RC_ASSERT(*subtract(whole(a), whole(b)) == whole(static_cast<__int128>(a) - b));
}

RC_GTEST_PROP(Number, WhatIsAddedCanBeTakenAway, ()) {
  const Number a = *any_number(), b = *any_number();
  const auto sum = add(a, b), reversed = add(b, a);
  RC_ASSERT(sum.ok() == reversed.ok());
  if (!sum.ok()) return;
  RC_ASSERT(*sum == *reversed);
  RC_ASSERT(*subtract(*sum, b) == a);
  RC_ASSERT(*subtract(*sum, a) == b);
}

TEST(Number, Order) {
  const char* ascending[] = {"-1e125",    "-10",
                             "-9.9",      "-1",
                             "-1e-130",   "0",
                             "1e-130",    "0.1",
                             "0.11",      "1",
                             "1.0000001", "2",
                             "10",        "99999999999999999999999999999999999999",
                             "1e38",      "9e125"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i)
    EXPECT_TRUE(*Number::parse(ascending[i]) < *Number::parse(ascending[i + 1])) << ascending[i];
}

}  // namespace
}  // namespace offramp::ddb
