// Json: one value of a parsed request body; a small view over simdjson's DOM.
//
// A member that is null counts as absent, as at the service. Views and texts live until the Request
// parses another body.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string_view>

namespace offramp::engine {

class Json {
 public:
  Json() = default;
  explicit Json(simdjson::dom::element element) : element_(element), present_(!element.is_null()) {}

  // Whether it is there and not null.
  explicit operator bool() const { return present_; }
  // The member of an object; absent when this is none.
  Json operator[](std::string_view name) const {
    simdjson::dom::element found;
    if (!present_ || !element_.is_object() || element_[name].get(found)) return {};
    return Json(found);
  }

  bool is_object() const { return present_ && element_.is_object(); }
  bool is_array() const { return present_ && element_.is_array(); }
  // The value, or the fallback when it is absent or of another kind.
  std::string_view text(std::string_view fallback = {}) const {
    std::string_view out = fallback;
    if (present_ && element_.get_string().get(out)) return fallback;
    return out;
  }
  bool boolean(bool fallback = false) const {
    bool out = fallback;
    if (present_ && element_.get_bool().get(out)) return fallback;
    return out;
  }
  // Fractions are cut off, what is too large is the largest.
  int64_t integer(int64_t fallback = 0) const {
    if (!present_ || !element_.is_number()) return fallback;
    int64_t out = 0;
    if (!element_.get_int64().get(out)) return out;
    double number = 0;
    if (element_.get_double().get(number)) return fallback;
    if (number >= 9.2e18) return INT64_MAX;
    if (number <= -9.2e18) return INT64_MIN;
    return static_cast<int64_t>(number);
  }
  // Elements of an array or members of an object; 0 for anything else.
  size_t size() const {
    size_t count = 0;
    if (is_array())
      for ([[maybe_unused]] simdjson::dom::element element : array()) ++count;
    if (is_object())
      for ([[maybe_unused]] auto field : object()) ++count;
    return count;
  }
  // Empty for anything but an array or an object.
  simdjson::dom::array array() const { return element_.get_array().value_unsafe(); }
  simdjson::dom::object object() const { return element_.get_object().value_unsafe(); }
  simdjson::dom::element element() const { return element_; }

 private:
  simdjson::dom::element element_;
  bool present_ = false;
};

// for_each_element(json, [](Json) -> Status), for_each_member(json, [](std::string_view, Json) ->
// Status).
template <class F>
auto for_each_element(Json json, F&& visit) -> decltype(visit(Json())) {
  if (!json.is_array()) return {};
  for (simdjson::dom::element element : json.array()) {
    auto status = visit(Json(element));
    if (!status.ok()) return status;
  }
  return {};
}
template <class F>
auto for_each_member(Json json, F&& visit) -> decltype(visit(std::string_view(), Json())) {
  if (!json.is_object()) return {};
  for (simdjson::dom::key_value_pair field : json.object()) {
    auto status = visit(field.key, Json(field.value));
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace offramp::engine
