// DynamoDB JSON out: as it stands, and in canonical order.
#include <algorithm>
#include <vector>

#include "base/base64.h"
#include "ddb/wire_json.h"

namespace offramp::ddb {
namespace {

enum class Order { kAsIs, kCanonical };

void append_value(ValueView value, Order order, std::string& out);

void append_members(ValueView map, Order order, std::string& out) {
  out += '{';
  bool first = true;
  auto append = [&](ValueView member) {
    if (!first) out += ',';
    first = false;
    append_json_string(member.name(), out);
    out += ':';
    append_value(member, order, out);
  };
  if (order == Order::kAsIs) {
    for (ValueView member : map) append(member);
  } else {
    std::vector<ValueView> members;
    for (ValueView member : map) members.push_back(member);
    std::sort(members.begin(), members.end(),
              [](ValueView a, ValueView b) { return a.name() < b.name(); });
    for (ValueView member : members) append(member);
  }
  out += '}';
}

void append_scalar(Type type, std::string_view bytes, std::string& out) {
  if (type == Type::kS) {
    append_json_string(bytes, out);
    return;
  }
  out += '"';
  if (type == Type::kB)
    base::append_base64(bytes, out);
  else
    out += bytes;
  out += '"';
}

void append_elements(ValueView list, Order order, std::string& out) {
  out += '[';
  bool first = true;
  auto comma = [&] {
    if (!first) out += ',';
    first = false;
  };
  if (list.type() == Type::kL) {
    for (ValueView element : list) {
      comma();
      append_value(element, order, out);
    }
  } else if (order == Order::kAsIs) {
    for (ValueView member : list) {
      comma();
      append_scalar(member.type(), member.bytes(), out);
    }
  } else {
    std::vector<std::string_view> members;
    for (ValueView member : list) members.push_back(member.bytes());
    std::sort(members.begin(), members.end());
    for (std::string_view member : members) {
      comma();
      append_scalar(member_type(list.type()), member, out);
    }
  }
  out += ']';
}

void append_value(ValueView value, Order order, std::string& out) {
  out += "{\"";
  out += type_tag(value.type());
  out += "\":";
  switch (value.type()) {
    case Type::kS:
    case Type::kN:
    case Type::kB:
      append_scalar(value.type(), value.bytes(), out);
      break;
    case Type::kBool:
      out += value.boolean() ? "true" : "false";
      break;
    case Type::kNull:
    case Type::kAbsent:
      out += "true";
      break;
    case Type::kM:
      append_members(value, order, out);
      break;
    default:
      append_elements(value, order, out);
      break;
  }
  out += '}';
}

}  // namespace

void append_json_string(std::string_view text, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text.data() + start, i - start);
    start = i + 1;
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        out += "\\u00";
        out += kHex[c >> 4];
        out += kHex[c & 15];
    }
  }
  out.append(text.data() + start, text.size() - start);
  out += '"';
}

void append_item_json(ItemView item, std::string& out) { append_members(item, Order::kAsIs, out); }
void append_value_json(ValueView value, std::string& out) {
  append_value(value, Order::kAsIs, out);
}

std::string canonical_item_json(ItemView item) {
  std::string out;
  append_members(item, Order::kCanonical, out);
  return out;
}

std::string canonical_value_json(ValueView value) {
  std::string out;
  append_value(value, Order::kCanonical, out);
  return out;
}

}  // namespace offramp::ddb
