#include "target/postgres/numeric_wire.h"

#include <cstdint>

#include "target/postgres/wire.h"

namespace offramp::target::postgres {
namespace {

constexpr uint16_t kPositive = 0x0000;
constexpr uint16_t kNegative = 0x4000;

Error corrupt(std::string_view why) {
  return Error(ErrorKind::kCorrupt, "postgres.numeric", std::string(why));
}

}  // namespace

size_t encode_numeric(std::string_view text, char* out) {
  bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  size_t point = text.find('.');
  std::string_view whole = text.substr(0, point);
  std::string_view fraction = point == text.npos ? std::string_view() : text.substr(point + 1);
  if (whole == "0") whole = {};

  // Groups are aligned at the point; leading and trailing groups of zeros are not sent.
  char* digits = out + 8;
  int weight = static_cast<int>((whole.size() + 3) / 4) - 1;
  int written = 0, last_nonzero = 0;
  auto put = [&](uint16_t group) {
    if (group == 0 && written == 0) {
      --weight;
      return;
    }
    put_u16(digits + 2 * written++, group);
    if (group) last_nonzero = written;
  };
  size_t at = 0;
  while (at < whole.size()) {
    size_t take = (whole.size() - at - 1) % 4 + 1;
    uint16_t group = 0;
    for (size_t end = at + take; at < end; ++at)
      group = static_cast<uint16_t>(group * 10 + (whole[at] - '0'));
    put(group);
  }
  for (at = 0; at < fraction.size(); at += 4) {
    uint16_t group = 0;
    for (size_t i = at; i < at + 4; ++i)
      group = static_cast<uint16_t>(group * 10 + (i < fraction.size() ? fraction[i] - '0' : 0));
    put(group);
  }
  if (last_nonzero == 0) weight = 0;
  put_u16(out, static_cast<uint16_t>(last_nonzero));
  put_u16(out + 2, static_cast<uint16_t>(weight));
  put_u16(out + 4, negative && last_nonzero ? kNegative : kPositive);
  put_u16(out + 6, static_cast<uint16_t>(fraction.size()));
  return 8 + 2 * static_cast<size_t>(last_nonzero);
}

Result<size_t> decode_numeric(std::string_view wire, char* out) {
  if (wire.size() < 8) return corrupt("a numeric value is cut short");
  int count = get_u16(wire.data());
  int weight = static_cast<int16_t>(get_u16(wire.data() + 2));
  uint16_t sign = get_u16(wire.data() + 4);
  if (wire.size() != 8 + 2 * static_cast<size_t>(count))
    return corrupt("a numeric value has a wrong length");
  if (sign != kPositive && sign != kNegative)
    return corrupt("a numeric column holds NaN or infinity, which DynamoDB does not know");
  const char* digits = wire.data() + 8;
  auto group = [&](int i) { return get_u16(digits + 2 * i); };
  for (int i = 0; i < count; ++i)
    if (group(i) > 9999) return corrupt("a numeric value has a digit above 9999");
  int first = 0;
  while (first < count && group(first) == 0) ++first;
  while (count > first && group(count - 1) == 0) --count;
  if (first == count) {
    out[0] = '0';
    return 1;
  }
  int high = weight - first;       // power of the first group
  int low = weight - (count - 1);  // power of the last group
  if (high >= kNumericGroupsMax || low < -kNumericGroupsMax)
    return corrupt("a numeric value is outside the range of DynamoDB's numbers");

  char* end = out;
  if (sign == kNegative) *end++ = '-';
  auto put4 = [&](unsigned value) {
    *end++ = static_cast<char>('0' + value / 1000);
    *end++ = static_cast<char>('0' + value / 100 % 10);
    *end++ = static_cast<char>('0' + value / 10 % 10);
    *end++ = static_cast<char>('0' + value % 10);
  };
  auto at_power = [&](int power) -> unsigned {
    int i = weight - power;
    return i >= first && i < count ? group(i) : 0;
  };
  if (high < 0) {
    *end++ = '0';
  } else {
    char* start = end;
    for (int power = high; power >= 0; --power) put4(at_power(power));
    char* nonzero = start;
    while (*nonzero == '0') ++nonzero;
    end = static_cast<char*>(std::memmove(start, nonzero, static_cast<size_t>(end - nonzero))) +
          (end - nonzero);
  }
  if (low < 0) {
    *end++ = '.';
    for (int power = -1; power >= low; --power) put4(at_power(power));
    while (end[-1] == '0') --end;
  }
  return static_cast<size_t>(end - out);
}

}  // namespace offramp::target::postgres
