// Numbers: DynamoDB's rules as a table, and properties over random values. 
#include "ddb/number.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

namespace offramp::ddb {
namespace {

TEST(Number, CanonicalForm) {
  const std::pair<const char*, std::string> cases[] = {
      {"0", "0"}, {"-0", "0"}, {"+5", "5"}, {"007", "7"}, {".5", "0.5"}, {"5.", "5"}, {"1.50E2", "150"},
      {"1e125", "1" + std::string(125, '0')}, {"1e-20", "0.00000000000000000001"}, {"-1.0", "-1"},
      {"0.000", "0"}, {"100", "100"}, {"9007199254740993", "9007199254740993"},
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
  for (const char* text : {"", " 1", "1 ", "NaN", "Infinity", "0x10", "1_000", "--1", "1e", "1e+", ".", "-", "e5", "1.2.3",
                           "1e126", "1e-131", "123456789012345678901234567890123456789", "1e999999999999"}) {
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
  return rc::gen::map(rc::gen::tuple(rc::gen::arbitrary<bool>(), rc::gen::inRange(1, 39), rc::gen::arbitrary<uint64_t>(),
                                     rc::gen::arbitrary<uint64_t>(), rc::gen::inRange(-130, 126)),
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
  auto negated = [](const Number& n) { return *Number::from_parts(!n.negative(), n.coefficient(), n.exponent()); };
  RC_ASSERT((a < b) == (negated(b) < negated(a)));
}

TEST(Number, Order) {
  const char* ascending[] = {"-1e125", "-10", "-9.9", "-1", "-1e-130", "0", "1e-130", "0.1", "0.11", "1", "1.0000001", "2",
                             "10", "99999999999999999999999999999999999999", "1e38", "9e125"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i)
    EXPECT_TRUE(*Number::parse(ascending[i]) < *Number::parse(ascending[i + 1])) << ascending[i];
}

}  // namespace
}  // namespace offramp::ddb
