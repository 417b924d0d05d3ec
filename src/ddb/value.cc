// Type tags and equality by value.
#include "ddb/value.h"

#include "ddb/wire_json.h"

namespace offramp::ddb {

std::string_view type_tag(Type type) {
  switch (type) {
    case Type::kAbsent:
      return "$ABSENT";
    case Type::kS:
      return "S";
    case Type::kN:
      return "N";
    case Type::kB:
      return "B";
    case Type::kBool:
      return "BOOL";
    case Type::kNull:
      return "NULL";
    case Type::kL:
      return "L";
    case Type::kM:
      return "M";
    case Type::kSS:
      return "SS";
    case Type::kNS:
      return "NS";
    case Type::kBS:
      return "BS";
  }
  return "?";
}

namespace {

// Above this many members the quadratic search would show; canonical text is compared instead.
constexpr uint32_t kMembersSearchedMax = 256;

bool equal_sets(ValueView a, ValueView b) {
  for (ValueView member : a) {
    bool found = false;
    for (ValueView other : b)
      if (member.bytes() == other.bytes()) {
        found = true;
        break;
      }
    if (!found) return false;
  }
  return true;
}

bool equal_maps(ValueView a, ValueView b) {
  auto same_place = b.begin();
  for (ValueView member : a) {
    ValueView other = *same_place;
    if (other.name() != member.name()) other = b.find(member.name());
    if (!other || !equal(member, other)) return false;
    ++same_place;
  }
  return true;
}

}  // namespace

bool equal(ValueView a, ValueView b) {
  if (a.type() != b.type()) return false;
  switch (a.type()) {
    case Type::kS:
    case Type::kN:
    case Type::kB:
      return a.bytes() == b.bytes();
    case Type::kBool:
      return a.boolean() == b.boolean();
    case Type::kNull:
    case Type::kAbsent:
      return true;
    default:
      break;
  }
  if (a.size() != b.size()) return false;
  if (a.type() == Type::kL) {
    auto other = b.begin();
    for (ValueView element : a) {
      if (!equal(element, *other)) return false;
      ++other;
    }
    return true;
  }
  if (a.size() > kMembersSearchedMax) return canonical_value_json(a) == canonical_value_json(b);
  return a.type() == Type::kM ? equal_maps(a, b) : equal_sets(a, b);
}

}  // namespace offramp::ddb
