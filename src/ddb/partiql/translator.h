// What both translations write: the tree of ddb/expression, its names and values. Private to this
// folder.
#pragma once

#include <string>
#include <vector>

#include "ddb/expression/condition.h"
#include "ddb/expression/lexer.h"
#include "ddb/expression/placeholders.h"
#include "ddb/expression/syntax.h"
#include "ddb/partiql/values.h"

namespace offramp::ddb::partiql {

struct Function {
  std::string_view name;  // in small letters
  enum class Use : uint8_t { kCondition, kOperand, kUpdate } use;
};
// nullptr when there is none of that name.
const Function* find_function(std::string_view name);
// In small letters.
std::string lower(std::string_view text);

// Writes the expressions' tree, children first.
class Translator {
 public:
  Translator(const Syntax& from, Values& values, base::Arena& arena)
      : from_(from), values_(values), arena_(arena) {
    to_.text = from.text;
  }

 protected:
  uint32_t add(expression::SyntaxKind kind, std::string_view token,
               std::initializer_list<uint32_t> children) {
    return add(kind, token, std::vector<uint32_t>(children));
  }
  uint32_t add(expression::SyntaxKind kind, std::string_view token,
               const std::vector<uint32_t>& children) {
    const auto first = static_cast<uint32_t>(to_.children.size());
    to_.children.insert(to_.children.end(), children.begin(), children.end());
    to_.nodes.push_back({kind, add_token(expression::TokenKind::kPunctuation, token), first,
                         static_cast<uint32_t>(children.size())});
    return static_cast<uint32_t>(to_.nodes.size() - 1);
  }
  uint32_t add_token(expression::TokenKind kind, std::string_view text) {
    to_.tokens.push_back({kind, text, 0});
    return static_cast<uint32_t>(to_.tokens.size() - 1);
  }

  uint32_t path(const SyntaxNode& node) {
    const auto first = static_cast<uint32_t>(to_.parts.size());
    for (uint32_t i = node.first; i < node.first + node.count; ++i) {
      const PathPart& part = from_.parts[i];
      const uint32_t token =
          part.is_index
              ? add_token(expression::TokenKind::kNumber, kept(std::to_string(part.index)))
              : add_token(expression::TokenKind::kQuotedName, part.name);
      to_.parts.push_back({token, part.is_index});
    }
    to_.nodes.push_back({expression::SyntaxKind::kPath, to_.parts[first].token, first, node.count});
    return static_cast<uint32_t>(to_.nodes.size() - 1);
  }

  uint32_t placeholder(ValueView value) {
    const std::string_view name = kept(":" + std::to_string(named_++));
    placeholders_.add_value(name, value);
    const uint32_t token = add_token(expression::TokenKind::kValueRef, name);
    to_.nodes.push_back({expression::SyntaxKind::kValue, token, 0, 0});
    return static_cast<uint32_t>(to_.nodes.size() - 1);
  }

  std::string_view kept(const std::string& text) { return {arena_.copy(text), text.size()}; }

  std::string function_name(const SyntaxNode& node) const {
    return lower(from_.token_of(node).text);
  }
  Error unrecognized(const SyntaxNode& node) const {
    return expression::invalid_request("Unrecognized function: " + function_name(node) +
                                       from_.position_of(node));
  }
  // To be called for each condition, sum and function, before what is inside it: chains of them are
  // as deep as this allows.
  Status count_operator() {
    if (++to_.operators <= expression::kOperatorsMax) return {};
    return expression::invalid_request(
        "The expression contains too many operators; operator count: " +
        std::to_string(expression::kOperatorsMax + 1));
  }
  static Error missing_operand() {
    return expression::invalid_request("MISSING must be compared using IS operator");
  }

  const Syntax& from_;
  Values& values_;
  base::Arena& arena_;
  expression::Syntax to_;
  expression::Placeholders placeholders_;
  uint32_t named_ = 0;
};

}  // namespace offramp::ddb::partiql
