// Key templates: "ORDER#{order_id}" takes a key attribute's text apart and puts it together again.
//
// Grammar: text with placeholders {name}; a literal brace is written twice ("{{", "}}"). Each
// placeholder takes the shortest text up to the next literal, the last one everything when nothing
// follows; two placeholders never touch, so rendering the parts gives the parsed text again.
// Constant after parse().
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace offramp::mapping {

// Placeholders of one key attribute at most.
constexpr size_t kPlaceholdersMax = 16;

class KeyTemplate {
 public:
  // literals().size() == placeholders().size() + 1: literal, placeholder, literal, …, literal.
  // kConfig errors name the byte of the pattern (from 1).
  static Result<KeyTemplate> parse(std::string_view pattern);

  // The attribute as a whole, in a placeholder of any name.
  static KeyTemplate whole_of(std::string_view name);

  const std::vector<std::string>& literals() const { return literals_; }
  const std::vector<std::string>& placeholders() const { return placeholders_; }
  // The pattern is one placeholder and nothing else.
  bool whole() const {
    return placeholders_.size() == 1 && literals_[0].empty() && literals_[1].empty();
  }

  // Takes `text` apart into `parts` (placeholders().size() entries); false when it does not fit.
  bool match(std::string_view text, std::string_view* parts) const;

  // Text that stands for itself in a pattern.
  static std::string escape(std::string_view literal);

 private:
  std::vector<std::string> literals_;
  std::vector<std::string> placeholders_;
};

}  // namespace offramp::mapping
