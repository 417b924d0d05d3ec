#include "source/json_cut.h"

#include <array>
#include <cstdint>

#include "ddb/wire_json.h"

namespace offramp::source {
namespace {

enum Class : uint8_t { kOther, kQuote, kOpen, kClose };

constexpr std::array<uint8_t, 256> kClasses = [] {
  std::array<uint8_t, 256> classes{};
  classes['"'] = kQuote;
  classes['{'] = classes['['] = kOpen;
  classes['}'] = classes[']'] = kClose;
  return classes;
}();

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

bool ends_word(char c) {
  return is_blank(c) || c == ',' || c == ']' || c == '}' || c == ':' || c == '"';
}

// `at` is behind the opening quote; the position behind the closing one, or npos.
size_t string_end(std::string_view text, size_t at) {
  const char* data = text.data();
  size_t size = text.size();
  while (at < size) {
    char c = data[at];
    if (c == '"') return at + 1;
    at += c == '\\' ? 2 : 1;
  }
  return std::string_view::npos;
}

}  // namespace

size_t skip_json_blanks(std::string_view text, size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

Cut cut_json_string(std::string_view text, size_t at) {
  if (at >= text.size()) return {CutState::kIncomplete, at};
  if (text[at] != '"') return {CutState::kBad, at};
  size_t end = string_end(text, at + 1);
  if (end == text.npos) return {CutState::kIncomplete, text.size()};
  return {CutState::kDone, end};
}

Cut cut_json_value(std::string_view text, size_t at) {
  if (at >= text.size()) return {CutState::kIncomplete, at};
  char first = text[at];
  if (first == '"') return cut_json_string(text, at);
  if (first != '{' && first != '[') {
    size_t start = at;
    while (at < text.size() && !ends_word(text[at])) ++at;
    if (at == text.size()) return {CutState::kIncomplete, at};
    return {at == start ? CutState::kBad : CutState::kDone, at};
  }
  size_t depth = 0;
  while (at < text.size()) {
    switch (kClasses[static_cast<uint8_t>(text[at])]) {
      case kOther:
        ++at;
        break;
      case kQuote:
        at = string_end(text, at + 1);
        if (at == text.npos) return {CutState::kIncomplete, text.size()};
        break;
      case kOpen:
        ++depth;
        ++at;
        break;
      case kClose:
        ++at;
        if (--depth == 0) return {CutState::kDone, at};
        break;
    }
  }
  return {CutState::kIncomplete, text.size()};
}

Member read_member(std::string_view text, size_t at) {
  Member member{};
  auto stop = [&](CutState state, size_t where) {
    member.state = state;
    member.next = where;
    return member;
  };
  at = skip_json_blanks(text, at);
  if (at < text.size() && text[at] == ',') at = skip_json_blanks(text, at + 1);
  if (at >= text.size()) return stop(CutState::kIncomplete, at);
  if (text[at] == '}') {
    member.end = true;
    return stop(CutState::kDone, at + 1);
  }
  Cut name = cut_json_string(text, at);
  if (name.state != CutState::kDone) return stop(name.state, name.end);
  member.name = text.substr(at + 1, name.end - at - 2);
  at = skip_json_blanks(text, name.end);
  if (at >= text.size()) return stop(CutState::kIncomplete, at);
  if (text[at] != ':') return stop(CutState::kBad, at);
  at = skip_json_blanks(text, at + 1);
  if (at >= text.size()) return stop(CutState::kIncomplete, at);
  member.value = at;
  return stop(CutState::kDone, at);
}

std::string_view find_json_member(std::string_view text, std::string_view name) {
  size_t at = skip_json_blanks(text, 0);
  if (at >= text.size() || text[at] != '{') return {};
  ++at;
  while (true) {
    Member member = read_member(text, at);
    if (member.state != CutState::kDone || member.end) return {};
    Cut value = cut_json_value(text, member.value);
    if (value.state != CutState::kDone) return {};
    if (member.name == name) return text.substr(member.value, value.end - member.value);
    at = value.end;
  }
}

bool looks_like_attribute_value(std::string_view text, int depth) {
  if (depth > ddb::kDepthMax || text.empty() || text[0] != '{') return false;
  Member member = read_member(text, 1);
  if (member.state != CutState::kDone || member.end) return false;
  Cut cut = cut_json_value(text, member.value);
  if (cut.state != CutState::kDone) return false;
  Member behind = read_member(text, cut.end);
  if (behind.state != CutState::kDone || !behind.end) return false;
  std::string_view tag = member.name;
  std::string_view value = text.substr(member.value, cut.end - member.value);
  if (tag == "S" || tag == "N" || tag == "B") return value[0] == '"';
  if (tag == "BOOL") return value == "true" || value == "false";
  if (tag == "NULL") return value == "true" || value == "false";
  if (tag == "L" || tag == "SS" || tag == "NS" || tag == "BS") return value[0] == '[';
  if (tag != "M" || value[0] != '{') return false;
  for (size_t at = 1;;) {
    Member inner = read_member(value, at);
    if (inner.state != CutState::kDone) return false;
    if (inner.end) return true;
    Cut inner_cut = cut_json_value(value, inner.value);
    if (inner_cut.state != CutState::kDone) return false;
    if (!looks_like_attribute_value(value.substr(inner.value, inner_cut.end - inner.value),
                                    depth + 1))
      return false;
    at = inner_cut.end;
  }
}

}  // namespace offramp::source
