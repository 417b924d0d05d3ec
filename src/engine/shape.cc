// Type checks with the texts that the service's JSON reader uses.
// Source: the reference notes' §4 and the texts that emulators collected from the service.
#include "engine/shape.h"

#include <cmath>
#include <string>

#include "base/ascii.h"
#include "base/base64.h"
#include "ddb/wire_json.h"
#include "engine/error.h"

namespace offramp::engine {
namespace {

namespace dom = simdjson::dom;
using Kind = Shape::Kind;

// Containers inside containers that are looked at; the service refuses what is deeper than 32
// later, with another error.
constexpr int kJsonDepthMax = 200;

std::string_view token_name(dom::element value) {
  switch (value.type()) {
    case dom::element_type::STRING:
      return "STRING_VALUE";
    case dom::element_type::BOOL:
      return value.get_bool().value_unsafe() ? "TRUE_VALUE" : "FALSE_VALUE";
    case dom::element_type::DOUBLE:
      return "DECIMAL_VALUE";
    default:
      return "NUMBER_VALUE";
  }
}

Error cannot_convert(dom::element value, std::string_view type) {
  if (value.is_array())
    return serialization("Unrecognized collection type class java.lang." + std::string(type));
  if (value.is_object()) return serialization("Start of structure or map found where not expected");
  return serialization(std::string(token_name(value)) + " cannot be converted to " +
                       std::string(type));
}

Status check_string(dom::element value) {
  if (value.is_string() || value.is_null()) return {};
  return cannot_convert(value, "String");
}

Status check_boolean(dom::element value) {
  if (value.is_bool() || value.is_null()) return {};
  if (value.is_string()) return serialization("Unexpected token received from parser");
  return cannot_convert(value, "Boolean");
}

Status check_number(dom::element value, std::string_view type) {
  if (value.is_number() || value.is_null()) return {};
  return cannot_convert(value, type);
}

Status check_blob(dom::element value) {
  if (value.is_null()) return {};
  std::string_view text;
  if (value.get_string().get(text)) {
    if (value.is_array())
      return serialization("Unrecognized collection type class java.nio.ByteBuffer");
    if (value.is_object())
      return serialization("Start of structure or map found where not expected");
    return serialization("only base-64-encoded strings are convertible to bytes");
  }
  if (text.size() % 4 != 0)
    return serialization("Base64 encoded length is expected a multiple of 4 bytes but found: " +
                         std::to_string(text.size()));
  size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  for (char c : text.substr(0, text.size() - padding)) {
    bool fine = base::is_letter_or_digit(c) || c == '+' || c == '/';
    if (!fine && c != '=')
      return serialization("Invalid Base64 character: '" + std::string(1, c) + "'");
    if (!fine) return serialization("Invalid last non-pad Base64 character dectected");
  }
  // What is left to be wrong are bits of the last character that no byte has.
  constexpr std::string_view kLastOfTwo = "AQgw", kLastOfThree = "AEIMQUYcgkosw048";
  if (padding != 0) {
    char last = text[text.size() - padding - 1];
    if ((padding == 2 ? kLastOfTwo : kLastOfThree).find(last) == std::string_view::npos)
      return serialization("Invalid last non-pad Base64 character dectected");
  }
  return {};
}

std::string java_type(const Shape& shape) {
  switch (shape.kind) {
    case Kind::kString:
      return "java.lang.String";
    case Kind::kAttributeValue:
      return "com.amazonaws.dynamodb.v20120810.AttributeValue";
    case Kind::kStruct:
      return "com.amazonaws.dynamodb.v20120810." + std::string(shape.type_name);
    case Kind::kList:
      return "java.util.List<" + java_type(*shape.element) + ">";
    case Kind::kMap:
      return "java.util.Map<java.lang.String, " + java_type(*shape.element) + ">";
    default:
      return "java.lang.Object";
  }
}

enum class Place { kField, kElement };  // a member of a structure; an element of a list or map

class Checker {
 public:
  explicit Checker(size_t& nodes) : nodes_(nodes) {}

  Status check(dom::element value, const Shape& shape, Place place, int depth) {
    if (value.is_null()) return {};
    if (depth > kJsonDepthMax) return serialization("");
    switch (shape.kind) {
      case Kind::kString:
        return check_string(value);
      case Kind::kBoolean:
        return check_boolean(value);
      case Kind::kInteger:
        return check_number(value, "Integer");
      case Kind::kLong:
        return check_number(value, "Long");
      case Kind::kDouble:
        return check_number(value, "Double");
      case Kind::kList:
        return check_list(value, shape, place, depth);
      case Kind::kMap:
        return check_map(value, shape, place, depth);
      case Kind::kStruct:
        return check_struct(value, shape, place, depth);
      case Kind::kAttributeValue:
        return check_attribute_value(value, depth);
    }
    return {};
  }

 private:
  Status check_list(dom::element value, const Shape& shape, Place place, int depth) {
    if (value.is_object())
      return serialization("Start of structure or map found where not expected");
    if (!value.is_array()) return scalar_for_collection(place);
    for (dom::element element : Json(value).array())
      TRY(check(element, *shape.element, Place::kElement, depth + 1));
    return {};
  }

  Status check_map(dom::element value, const Shape& shape, Place place, int depth) {
    if (value.is_array()) return serialization("Unrecognized collection type " + java_type(shape));
    if (!value.is_object()) return scalar_for_collection(place);
    ++nodes_;
    for (dom::key_value_pair field : Json(value).object())
      TRY(check(field.value, *shape.element, Place::kElement, depth + 1));
    return {};
  }

  static Error scalar_for_collection(Place place) {
    if (place == Place::kField) return serialization("Unexpected field type");
    return serialization(
        "sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to "
        "java.lang.Class");
  }

  static Error not_a_struct(dom::element value, std::string_view type_name, Place place) {
    if (value.is_array())
      return serialization("Unrecognized collection type class com.amazonaws.dynamodb.v20120810." +
                           std::string(type_name));
    return serialization(place == Place::kField ? "Unexpected field type"
                                                : "Unexpected value type in payload");
  }

  Status check_struct(dom::element value, const Shape& shape, Place place, int depth) {
    dom::object object;
    if (value.get_object().get(object)) return not_a_struct(value, shape.type_name, place);
    for (dom::key_value_pair field : object)
      for (const Member& member : shape.members)
        if (member.name == field.key) {
          TRY(check(field.value, *member.shape, Place::kField, depth + 1));
          break;
        }
    return {};
  }

  Status check_attribute_value(dom::element value, int depth) {
    dom::object object;
    if (value.get_object().get(object))
      return not_a_struct(value, "AttributeValue", Place::kElement);
    ++nodes_;
    for (dom::key_value_pair field : object)
      if (!field.value.is_null()) TRY(check_typed(field.key, field.value, depth));
    return {};
  }

  Status check_typed(std::string_view tag, dom::element value, int depth) {
    if (tag == "S" || tag == "N") return check_string(value);
    if (tag == "B") return check_blob(value);
    if (tag == "BOOL" || tag == "NULL") return check_boolean(value);
    if (tag == "M") return check(value, shapes::kAttributeMap, Place::kField, depth + 1);
    if (tag == "L") return check(value, shapes::kAttributeValues, Place::kField, depth + 1);
    if (tag != "SS" && tag != "NS" && tag != "BS") return {};
    if (value.is_object())
      return serialization("Start of structure or map found where not expected");
    dom::array members;
    if (value.get_array().get(members)) return serialization("Unexpected field type");
    for (dom::element member : members) {
      ++nodes_;
      TRY(tag == "BS" ? check_blob(member) : check_string(member));
    }
    return {};
  }

  size_t& nodes_;
};

}  // namespace

Status check_types(dom::element value, const Shape& shape, size_t& nodes) {
  nodes = 0;
  if (!value.is_object()) return serialization("");
  return Checker(nodes).check(value, shape, Place::kField, 0);
}

}  // namespace offramp::engine
