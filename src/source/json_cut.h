// Finding where JSON values end without decoding them: nesting and strings only, so that a huge
// document can be cut into records while it streams by.
//
// A cut value is not validated: what lies inside is the decoder's to refuse. `kIncomplete` means
// that the text ended first (read more and try again), `kBad` that no JSON value starts there.
// Nothing is allocated; any text is safe.
#pragma once

#include <cstddef>
#include <string_view>

namespace offramp::source {

enum class CutState { kDone, kIncomplete, kBad };

struct Cut {
  CutState state;
  size_t end;  // kDone: one behind the value; else where the trouble is
};

size_t skip_json_blanks(std::string_view text, size_t at);
// The value that starts at `at` (no blanks before it). A bare number or word ends at a delimiter,
// so at the end of the text it is incomplete.
Cut cut_json_value(std::string_view text, size_t at);
// The string literal that starts at `at`.
Cut cut_json_string(std::string_view text, size_t at);

// One "name": value of an object, or its end.
struct Member {
  CutState state;
  bool end = false;       // the object's closing brace; next is behind it
  std::string_view name;  // between the quotes, escapes untouched
  size_t value = 0;       // where the value starts
  size_t next = 0;
};
// The head of the member at `at`, which is behind the object's '{' or behind a member's value. The
// value is not cut.
Member read_member(std::string_view text, size_t at);

// The raw value of a member of the object `text`, empty when there is none (names with escapes do
// not match).
std::string_view find_json_member(std::string_view text, std::string_view name);

// Whether `text` (one whole JSON value) has the shape of a DynamoDB attribute value, {"S":"…"}: an
// object with exactly one member that is a type tag with a value of that tag's kind.
bool looks_like_attribute_value(std::string_view text, int depth = 0);

}  // namespace offramp::source
