// Item size as AWS counts it.
#include "ddb/item_size.h"

namespace offramp::ddb {
namespace {

// 1 + one byte per two digits aligned at the decimal point + 1 when negative; zero is 1 byte.
size_t number_size(std::string_view canonical) {
  bool negative = canonical[0] == '-';
  if (negative) canonical.remove_prefix(1);
  if (canonical == "0") return 1;
  size_t point = canonical.find('.');
  std::string_view whole = canonical.substr(0, point);
  std::string_view fraction =
      point == canonical.npos ? std::string_view() : canonical.substr(point + 1);
  int magnitude;  // exponent of the leading digit
  size_t digits;
  if (whole != "0") {
    magnitude = static_cast<int>(whole.size()) - 1;
    digits = whole.size() + fraction.size();
    if (fraction.empty())
      for (size_t i = whole.size(); i > 0 && whole[i - 1] == '0'; --i) --digits;
  } else {
    size_t zeros = fraction.find_first_not_of('0');
    magnitude = -static_cast<int>(zeros) - 1;
    digits = fraction.size() - zeros;
  }
  bool even = magnitude % 2 == 0;
  return 1 + (digits + (even ? 1 : 0) + 1) / 2 + (negative ? 1 : 0);
}

}  // namespace

size_t value_size(ValueView value) {
  switch (value.type()) {
    case Type::kS:
    case Type::kB:
      return value.bytes().size();
    case Type::kN:
      return number_size(value.bytes());
    case Type::kBool:
    case Type::kNull:
      return 1;
    case Type::kAbsent:
      return 0;
    default:
      break;
  }
  size_t size = is_set(value.type()) ? 0 : 3;
  for (ValueView child : value) {
    if (!is_set(value.type())) size += 1;
    size += child.name().size() + value_size(child);
  }
  return size;
}

size_t item_size(ItemView item) {
  size_t size = 0;
  for (ValueView attribute : item) size += attribute.name().size() + value_size(attribute);
  return size;
}

}  // namespace offramp::ddb
