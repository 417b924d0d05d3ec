// Every rule of one attribute value, in the order in which the service reports them.
#include "engine/attribute_values.h"

#include <algorithm>
#include <string>

#include "base/base64.h"
#include "ddb/item_batch.h"
#include "ddb/number.h"
#include "engine/error.h"
#include "engine/request.h"

namespace offramp::engine {
namespace {

using ddb::Type;
constexpr size_t kNameBytesMax = 65535;

class Decoder {
 public:
  Decoder(base::Arena& arena, std::vector<ddb::Node>& nodes)
      : arena_(arena), nodes_(nodes), builder_(nodes) {}

  Status value(Json json, std::string_view name, int level) {
    size_t types = 0;
    size_t start = nodes_.size();
    if (json.is_object())
      for (simdjson::dom::key_value_pair field : json.object()) {
        Json typed(field.value);
        Type type = type_of(field.key);
        if (!typed || type == Type::kAbsent) continue;
        // All are checked before their number is.
        if (++types > 1) nodes_.resize(start);
        TRY(of_type(type, typed, name, level));
      }
    if (types == 0)
      return validation(
          "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
    if (types > 1)
      return validation(
          "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
          "the supported datatypes");
    return {};
  }

  Status map(Json json, std::string_view name, int level) {
    TRY(check_level(level));
    uint32_t root = builder_.open(Type::kM, name);
    uint32_t count = 0;
    if (json.is_object())
      for (simdjson::dom::key_value_pair field : json.object()) {
        if (field.key.size() > kNameBytesMax)
          return invalid_parameter("Attribute name is too large, must be less than 65536 bytes");
        TRY(value(Json(field.value), field.key, level + 1));
        ++count;
      }
    builder_.close(root, count);
    TRY(drop_repeated_members(root, count));
    return {};
  }

 private:
  static Type type_of(std::string_view tag) {
    if (tag == "S") return Type::kS;
    if (tag == "N") return Type::kN;
    if (tag == "B") return Type::kB;
    if (tag == "M") return Type::kM;
    if (tag == "L") return Type::kL;
    if (tag == "SS") return Type::kSS;
    if (tag == "NS") return Type::kNS;
    if (tag == "BS") return Type::kBS;
    if (tag == "BOOL") return Type::kBool;
    if (tag == "NULL") return Type::kNull;
    return Type::kAbsent;
  }

  static Status check_level(int level) {
    if (level > kNestingMax) return validation("Nesting Levels have exceeded supported limits");
    return {};
  }

  Status of_type(Type type, Json json, std::string_view name, int level) {
    switch (type) {
      case Type::kS:
        builder_.scalar(Type::kS, json.text(), name);
        return {};
      case Type::kN: {
        std::string_view canonical = TRY(number(json.text()));
        builder_.scalar(Type::kN, canonical, name);
        return {};
      }
      case Type::kB:
        builder_.scalar(Type::kB, binary(json.text()), name);
        return {};
      case Type::kBool:
        builder_.boolean(json.boolean(), name);
        return {};
      case Type::kNull:
        if (!json.boolean())
          return invalid_parameter("Null attribute value types must have the value of true");
        builder_.null(name);
        return {};
      case Type::kM:
        return map(json, name, level);
      case Type::kL:
        return list(json, name, level);
      default:
        return set(type, json, name);
    }
  }

  Status list(Json json, std::string_view name, int level) {
    TRY(check_level(level));
    uint32_t root = builder_.open(Type::kL, name);
    uint32_t count = 0;
    for (simdjson::dom::element element : json.array()) {
      TRY(value(Json(element), {}, level + 1));
      ++count;
    }
    builder_.close(root, count);
    return {};
  }

  Result<std::string_view> number(std::string_view text) {
    if (ddb::is_canonical_number(text)) return text;
    Result<ddb::Number> parsed = ddb::Number::parse(text);
    if (!parsed.ok()) {
      std::string message = parsed.error().message();
      if (parsed.error().code() == "number.not_numeric" && !text.empty())
        message.append(": ").append(text);
      return validation(std::move(message));
    }
    // A zero whose exponent alone is out of range is refused too: 0e126.
    if (parsed->zero()) TRY(check_zero_exponent(text));
    char* out = arena_.allocate(ddb::kNumberTextMax);
    size_t size = parsed->write(out);
    arena_.shrink_last(out, ddb::kNumberTextMax, size);
    return std::string_view(out, size);
  }

  static Status check_zero_exponent(std::string_view text) {
    size_t at = text.find_first_of("eE");
    if (at == text.npos) return {};
    std::string_view mantissa = text.substr(0, at);
    size_t point = mantissa.find('.');
    int64_t fraction =
        point == mantissa.npos ? 0 : static_cast<int64_t>(mantissa.size() - point - 1);
    bool negative = text[at + 1] == '-';
    int64_t exponent = 0;
    for (char c : text.substr(at + 1))
      if (c >= '0' && c <= '9') exponent = std::min<int64_t>(exponent * 10 + (c - '0'), 1'000'000);
    exponent = (negative ? -exponent : exponent) - fraction;
    if (exponent > 125)
      return validation(
          "Number overflow. Attempting to store a number with magnitude larger than supported "
          "range");
    if (exponent < -130)
      return validation(
          "Number underflow. Attempting to store a number with magnitude smaller than supported "
          "range");
    return {};
  }

  std::string_view binary(std::string_view text) {
    size_t room = base::base64_decoded_size_max(text.size());
    char* out = arena_.allocate(room);
    size_t size = base::decode_base64(text, out).value_or(0);
    arena_.shrink_last(out, room, size);
    return {out, size};
  }

  Status set(Type type, Json json, std::string_view name) {
    size_t count = json.size();
    if (count == 0 && type == Type::kSS)
      return invalid_parameter("An string set  may not be empty");
    if (count == 0 && type == Type::kNS)
      return invalid_parameter("An number set  may not be empty");
    if (count == 0) return invalid_parameter("Binary sets should not be empty");
    uint32_t root = builder_.open(type, name);
    for (simdjson::dom::element element : json.array()) {
      Json member(element);
      if (!member && type != Type::kNS)
        return invalid_parameter(type == Type::kSS
                                     ? "An string set may not have a null string as a member"
                                     : "Binary sets may not contain null values");
      if (type == Type::kNS) {
        std::string_view canonical = TRY(number(member.text()));
        builder_.scalar(Type::kN, canonical);
      } else if (type == Type::kSS) {
        builder_.scalar(Type::kS, member.text());
      } else {
        builder_.scalar(Type::kB, binary(member.text()));
      }
    }
    builder_.close(root, static_cast<uint32_t>(count));
    if (has_duplicates(ddb::ValueView(&nodes_[root]))) return duplicates(type, json);
    return {};
  }

  bool has_duplicates(ddb::ValueView set) {
    constexpr size_t kComparedMax = 16;
    if (set.size() <= kComparedMax) {
      for (auto a = set.begin(); a != set.end(); ++a)
        for (auto b = set.begin(); (*b).node() != (*a).node(); ++b)
          if ((*a).bytes() == (*b).bytes()) return true;
      return false;
    }
    sorted_.clear();
    for (ddb::ValueView member : set) sorted_.push_back(member.bytes());
    std::sort(sorted_.begin(), sorted_.end());
    return std::adjacent_find(sorted_.begin(), sorted_.end()) != sorted_.end();
  }

  static Error duplicates(Type type, Json json) {
    if (type == Type::kNS) return validation("Input collection contains duplicates");
    std::string text = "Input collection [";
    for (simdjson::dom::element element : json.array()) {
      if (text.back() != '[') text.append(", ");
      text.append(Json(element).text());
    }
    return invalid_parameter(
        text + (type == Type::kSS ? "] contains duplicates." : "]of type BS contains duplicates."));
  }

  // JSON may name a member twice; the last one counts, as in the maps that the service reads into.
  // Rare, so it may cost.
  Status drop_repeated_members(uint32_t root, uint32_t count) {
    if (count < 2) return {};
    ddb::ValueView map(&nodes_[root]);
    if (count <= 24) {
      bool repeated = false;
      for (auto a = map.begin(); a != map.end() && !repeated; ++a)
        for (auto b = map.begin(); (*b).node() != (*a).node() && !repeated; ++b)
          repeated = (*a).name() == (*b).name();
      if (!repeated) return {};
    } else {
      sorted_.clear();
      for (ddb::ValueView member : map) sorted_.push_back(member.name());
      std::sort(sorted_.begin(), sorted_.end());
      if (std::adjacent_find(sorted_.begin(), sorted_.end()) == sorted_.end()) return {};
    }
    // Which keys of an object stay is not said by the service; refuse what no client sends.
    return serialization("");
  }

  base::Arena& arena_;
  std::vector<ddb::Node>& nodes_;
  ddb::ItemBuilder builder_;
  std::vector<std::string_view> sorted_;
};

}  // namespace

Status decode_attribute_value(Json json, std::string_view name, int level, base::Arena& arena,
                              std::vector<ddb::Node>& nodes) {
  return Decoder(arena, nodes).value(json, name, level);
}

Status decode_attribute_map(Json json, std::string_view name, int level, base::Arena& arena,
                            std::vector<ddb::Node>& nodes) {
  return Decoder(arena, nodes).map(json, name, level);
}

}  // namespace offramp::engine
