// Shape: the declared type of a request's members, as the service model has it; a body that does
// not fit is a SerializationException before anything else is looked at.
//
// Shapes are constant tables. Members that the shape does not name are ignored, null is absent.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "engine/json.h"

namespace offramp::engine {

struct Member;

struct Shape {
  enum class Kind : uint8_t {
    kString,
    kBoolean,
    kInteger,
    kLong,
    kDouble,
    kList,
    kMap,
    kStruct,
    kAttributeValue
  };
  Kind kind = Kind::kString;
  const Shape* element = nullptr;   // kList, kMap
  std::span<const Member> members;  // kStruct
  std::string_view type_name;       // kStruct: the service's class, "KeysAndAttributes"
};

struct Member {
  std::string_view name;
  const Shape* shape;
};

namespace shapes {
inline constexpr Shape kString{Shape::Kind::kString};
inline constexpr Shape kBoolean{Shape::Kind::kBoolean};
inline constexpr Shape kInteger{Shape::Kind::kInteger};
inline constexpr Shape kLong{Shape::Kind::kLong};
inline constexpr Shape kDouble{Shape::Kind::kDouble};
inline constexpr Shape kAttributeValue{Shape::Kind::kAttributeValue};
inline constexpr Shape kAttributeMap{Shape::Kind::kMap,
                                     &kAttributeValue};  // Item, Key, ExpressionAttributeValues
inline constexpr Shape kAttributeMaps{Shape::Kind::kList, &kAttributeMap};
inline constexpr Shape kAttributeValues{Shape::Kind::kList, &kAttributeValue};
inline constexpr Shape kStrings{Shape::Kind::kList, &kString};
inline constexpr Shape kStringMap{Shape::Kind::kMap, &kString};  // ExpressionAttributeNames
constexpr Shape list_of(const Shape& element) { return {Shape::Kind::kList, &element}; }
constexpr Shape map_of(const Shape& element) { return {Shape::Kind::kMap, &element}; }
constexpr Shape structure(std::span<const Member> members, std::string_view type_name) {
  return {Shape::Kind::kStruct, nullptr, members, type_name};
}
}  // namespace shapes

// Checks the types of all of it and counts the nodes that its attribute values need (ddb::Node).
// Error: SerializationException.
Status check_types(simdjson::dom::element value, const Shape& shape, size_t& nodes);

}  // namespace offramp::engine
