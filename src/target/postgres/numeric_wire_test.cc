#include "target/postgres/numeric_wire.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

#include "ddb/number.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {
namespace {

std::string encode(std::string_view text) {
  std::string out(numeric_wire_size_max(text.size()), '\0');
  size_t size = encode_numeric(text, out.data());
  EXPECT_LE(size, out.size());
  out.resize(size);
  return out;
}

std::string wire(std::initializer_list<int> words) {
  std::string out(words.size() * 2, '\0');
  size_t at = 0;
  for (int word : words) put_u16(out.data() + 2 * at++, static_cast<uint16_t>(word));
  return out;
}

std::string decode(std::string_view bytes) {
  char text[kNumericTextMax];
  Result<size_t> size = decode_numeric(bytes, text);
  return size.ok() ? std::string(text, *size) : "error: " + std::string(size.error().code());
}

TEST(NumericWire, KnownForms) {
  // As `SELECT numeric_send(…)` shows them: ndigits, weight, sign, dscale, digits.
  EXPECT_EQ(encode("0"), wire({0, 0, 0, 0}));
  EXPECT_EQ(encode("1"), wire({1, 0, 0, 0, 1}));
  EXPECT_EQ(encode("-1.5"), wire({2, 0, 0x4000, 1, 1, 5000}));
  EXPECT_EQ(encode("12345.678"), wire({3, 1, 0, 3, 1, 2345, 6780}));
  EXPECT_EQ(encode("10000"), wire({1, 1, 0, 0, 1}));
  EXPECT_EQ(encode("0.0001"), wire({1, -1, 0, 4, 1}));
  EXPECT_EQ(encode("0.00001"), wire({1, -2, 0, 5, 1000}));
  EXPECT_EQ(encode("100000000.00000001"), wire({5, 2, 0, 8, 1, 0, 0, 0, 1}));
}

TEST(NumericWire, DecodeTrimsWhatOthersWrote) {
  EXPECT_EQ(decode(wire({2, 0, 0, 4, 1, 5000})), "1.5");
  EXPECT_EQ(decode(wire({3, 2, 0, 0, 0, 1, 0})), "10000");
  EXPECT_EQ(decode(wire({1, 0, 0x4000, 0, 0})), "0");
}

TEST(NumericWire, BadFormsAreErrors) {
  EXPECT_EQ(decode(wire({0, 0, 0xC000, 0})), "error: postgres.numeric");    // NaN
  EXPECT_EQ(decode(wire({0, 0, 0xD000, 0})), "error: postgres.numeric");    // infinity
  EXPECT_EQ(decode(wire({1, 0, 0, 0})), "error: postgres.numeric");         // digit missing
  EXPECT_EQ(decode(wire({1, 0, 0, 0, 10000})), "error: postgres.numeric");  // no digit
  EXPECT_EQ(decode(wire({1, 4000, 0, 0, 1})), "error: postgres.numeric");   // 1E16000
  EXPECT_EQ(decode(wire({1, -4000, 0, 0, 1})), "error: postgres.numeric");
  EXPECT_EQ(decode("abc"), "error: postgres.numeric");
}

RC_GTEST_PROP(NumericWire, C8_AnyNumberComesBack, ()) {
  int digits = *rc::gen::inRange(1, 39);
  unsigned __int128 coefficient = 0;
  for (int i = 0; i < digits; ++i)
    coefficient = coefficient * 10 + *rc::gen::inRange<unsigned>(0, 10);
  int exponent = *rc::gen::inRange(-130, 126 - digits + 1);
  Result<ddb::Number> number =
      ddb::Number::from_parts(*rc::gen::arbitrary<bool>(), coefficient, exponent);
  RC_PRE(number.ok());
  std::string text = number->to_string();
  RC_ASSERT(decode(encode(text)) == text);
}

RC_GTEST_PROP(NumericWire, AnyBytesDecodeOrFail, (const std::string& bytes)) {
  char text[kNumericTextMax];
  Result<size_t> size = decode_numeric(bytes, text);
  const bool fits = !size.ok() || *size <= kNumericTextMax;
  RC_ASSERT(fits);
}

}  // namespace
}  // namespace offramp::target::postgres
