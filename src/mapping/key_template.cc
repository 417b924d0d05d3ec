// One pass over the pattern, one pass over the text; no allocation in match().
#include "mapping/key_template.h"

#include <algorithm>

namespace offramp::mapping {
namespace {

Error bad_pattern(std::string_view pattern, size_t at, std::string message) {
  return Error(ErrorKind::kConfig, "mapping.bad_key_template",
               "the pattern '" + std::string(pattern) + "' is wrong at character " +
                   std::to_string(at + 1) + ": " + message);
}

}  // namespace

Result<KeyTemplate> KeyTemplate::parse(std::string_view pattern) {
  KeyTemplate out;
  std::string literal;
  size_t at = 0;
  while (at < pattern.size()) {
    char c = pattern[at];
    bool doubled = at + 1 < pattern.size() && pattern[at + 1] == c;
    if (c != '{' && c != '}') {
      literal.push_back(c);
      ++at;
    } else if (doubled) {
      literal.push_back(c);
      at += 2;
    } else if (c == '}') {
      return bad_pattern(pattern, at, "a '}' without '{' (write '}}' for the character itself)");
    } else {
      size_t end = pattern.find_first_of("{}", at + 1);
      if (end == std::string_view::npos || pattern[end] == '{')
        return bad_pattern(pattern, at,
                           "this '{' is not closed (write '{{' for the character itself)");
      std::string name(pattern.substr(at + 1, end - at - 1));
      if (name.empty())
        return bad_pattern(pattern, at, "a placeholder needs a name, like {order_id}");
      if (!out.placeholders_.empty() && literal.empty())
        return bad_pattern(pattern, at,
                           "two placeholders touch: text between them must say where one ends");
      if (std::find(out.placeholders_.begin(), out.placeholders_.end(), name) !=
          out.placeholders_.end())
        return bad_pattern(pattern, at, "the placeholder '" + name + "' occurs twice in it");
      if (out.placeholders_.size() == kPlaceholdersMax)
        return bad_pattern(pattern, at,
                           "more than " + std::to_string(kPlaceholdersMax) + " placeholders");
      out.placeholders_.push_back(std::move(name));
      out.literals_.push_back(std::move(literal));
      literal.clear();
      at = end + 1;
    }
  }
  out.literals_.push_back(std::move(literal));
  return out;
}

KeyTemplate KeyTemplate::whole_of(std::string_view name) {
  KeyTemplate out;
  out.literals_ = {"", ""};
  out.placeholders_ = {std::string(name)};
  return out;
}

bool KeyTemplate::match(std::string_view text, std::string_view* parts) const {
  if (!text.starts_with(literals_[0])) return false;
  text.remove_prefix(literals_[0].size());
  for (size_t i = 0; i < placeholders_.size(); ++i) {
    const std::string& literal = literals_[i + 1];
    // Only the last literal can be empty.
    size_t end = literal.empty() ? text.size() : text.find(literal);
    if (end == std::string_view::npos) return false;
    parts[i] = text.substr(0, end);
    text.remove_prefix(end + literal.size());
  }
  return text.empty();
}

std::string KeyTemplate::escape(std::string_view literal) {
  std::string out;
  for (char c : literal) {
    out.push_back(c);
    if (c == '{' || c == '}') out.push_back(c);
  }
  return out;
}

}  // namespace offramp::mapping
