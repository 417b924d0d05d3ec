// Operands: literals, paths, functions and what is in brackets.
#include <charconv>

#include "ddb/expression/lexer.h"
#include "ddb/partiql/expression_parser.h"

namespace offramp::ddb::partiql {

using expression::invalid_request;

std::string_view decoded(std::string_view text, char quote, base::Arena& arena) {
  if (text.find(quote) == text.npos) return text;
  char* out = arena.allocate(text.size());
  size_t size = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    out[size++] = text[i];
    if (text[i] == quote) ++i;
  }
  arena.shrink_last(out, text.size(), size);
  return {out, size};
}

Result<uint32_t> ExpressionParser::primary() {
  const uint32_t at = token();
  switch (peek().kind) {
    case TokenKind::kString:
      skip();
      return add(NodeKind::kString, at, {});
    case TokenKind::kNumber:
      skip();
      return add(NodeKind::kNumber, at, {});
    case TokenKind::kParameter:
      skip();
      syntax_.nodes.push_back({NodeKind::kParameter, at, syntax_.parameters++, 0});
      return static_cast<uint32_t>(syntax_.nodes.size() - 1);
    case TokenKind::kWord:
    case TokenKind::kQuotedWord:
      if (const auto literal = TRY(word())) return *literal;
      return at_symbol("(", 1) ? function() : path();
    default:
      break;
  }
  if (at_symbol("(")) return parentheses();
  if (at_symbol("[")) return sequence(NodeKind::kList, "]");
  if (at_symbol("<<")) return sequence(NodeKind::kBag, ">>");
  if (at_symbol("{")) return tuple();
  return not_well_formed("Expected expression");
}

// Literals that are words; nothing for a name.
Result<std::optional<uint32_t>> ExpressionParser::word() {
  struct Literal {
    std::string_view word;
    NodeKind kind;
  };
  constexpr Literal kLiterals[] = {{"TRUE", NodeKind::kTrue},
                                   {"FALSE", NodeKind::kFalse},
                                   {"NULL", NodeKind::kNull},
                                   {"MISSING", NodeKind::kMissing}};
  const uint32_t at = token();
  for (const Literal& literal : kLiterals)
    if (take_keyword(literal.word)) return std::optional(add(literal.kind, at, {}));
  for (std::string_view unsupported : {"CASE", "CAST", "SELECT", "DISTINCT"})
    if (at_keyword(unsupported))
      return invalid_request("Unsupported token in expression: " + std::string(peek().text) +
                             position(syntax_.text, peek()));
  return std::optional<uint32_t>();
}

Result<uint32_t> ExpressionParser::function() {
  const Depth depth(depth_);
  TRY(depth.check());
  const uint32_t at = token();
  at_ += 2;
  const std::vector<uint32_t> arguments = TRY(conditions_until(")"));
  return add(NodeKind::kFunction, at, arguments);
}

// A condition in parentheses, or a list of several.
Result<uint32_t> ExpressionParser::parentheses() {
  const Depth depth(depth_);
  TRY(depth.check());
  const uint32_t at = token();
  skip();
  const std::vector<uint32_t> elements = TRY(conditions_until(")"));
  if (elements.empty()) return not_well_formed("Expected expression");
  return elements.size() == 1 ? elements[0] : add(NodeKind::kList, at, elements);
}

Result<uint32_t> ExpressionParser::sequence(NodeKind kind, std::string_view end) {
  const Depth depth(depth_);
  TRY(depth.check());
  const uint32_t at = token();
  skip();
  const std::vector<uint32_t> elements = TRY(conditions_until(end));
  return add(kind, at, elements);
}

// Separated by commas, behind the opening bracket; takes the closing one.
Result<std::vector<uint32_t>> ExpressionParser::conditions_until(std::string_view end) {
  std::vector<uint32_t> made;
  if (take_symbol(end)) return made;
  do {
    made.push_back(TRY(condition()));
  } while (take_symbol(","));
  if (!take_symbol(end)) return not_well_formed("Expected '" + std::string(end) + "'");
  return made;
}

Result<uint32_t> ExpressionParser::tuple() {
  const Depth depth(depth_);
  TRY(depth.check());
  const uint32_t at = token();
  skip();
  std::vector<uint32_t> children;
  if (!take_symbol("}")) {
    do {
      children.push_back(TRY(primary()));
      if (!take_symbol(":")) return not_well_formed("Expected ':'");
      children.push_back(TRY(condition()));
    } while (take_symbol(","));
    if (!take_symbol("}")) return not_well_formed("Expected '}'");
  }
  return add(NodeKind::kTuple, at, children);
}

bool ExpressionParser::at_name() const {
  return peek().kind == TokenKind::kQuotedWord ||
         (peek().kind == TokenKind::kWord && !is_reserved(peek().text));
}

std::string_view ExpressionParser::name() {
  const Token& token = peek();
  skip();
  return token.kind == TokenKind::kQuotedWord ? decoded(token.text, '"', arena_) : token.text;
}

Result<uint32_t> ExpressionParser::path() {
  const uint32_t at = token();
  if (!at_name()) return not_well_formed("Expected identifier for simple path");
  const auto first = static_cast<uint32_t>(syntax_.parts.size());
  syntax_.parts.push_back({name()});
  while (true) {
    if (take_symbol(".")) {
      if (at_symbol("*"))
        return invalid_request("Unpivot path component like a.*.b are not supported" +
                               position(syntax_.text, peek()));
      if (!at_name()) return not_well_formed("Invalid path dot component");
      syntax_.parts.push_back({name()});
    } else if (at_symbol("[")) {
      TRY(path_index());
    } else {
      break;
    }
  }
  for (size_t part = first; part < syntax_.parts.size(); ++part)
    if (!syntax_.parts[part].is_index && syntax_.parts[part].name.empty())
      return invalid_request("Path component cannot be an empty string");
  const auto count = static_cast<uint32_t>(syntax_.parts.size()) - first;
  syntax_.nodes.push_back({NodeKind::kPath, at, first, count});
  return static_cast<uint32_t>(syntax_.nodes.size() - 1);
}

Status ExpressionParser::path_index() {
  skip();
  if (at_symbol("*"))
    return invalid_request("Wildcard path component like a[*].b are not supported" +
                           position(syntax_.text, peek()));
  const bool negative = take_symbol("-");
  const Token& token = peek();
  PathPart part;
  if (token.kind == TokenKind::kString && !negative) {
    part.name = decoded(token.text, '\'', arena_);
  } else if (token.kind == TokenKind::kNumber) {
    part.is_index = true;
    const char* end = token.text.data() + token.text.size();
    const auto read = std::from_chars(token.text.data(), end, part.index);
    if (negative || read.ec != std::errc() || read.ptr != end || part.index > INT32_MAX)
      return invalid_request("List index is not within the allowable range; index: [" +
                             std::string(negative ? "-" : "") + std::string(token.text) + "]" +
                             position(syntax_.text, token));
  } else {
    return invalid_request("Unexpected path component" + position(syntax_.text, token));
  }
  skip();
  if (!at_symbol("]"))
    return invalid_request("Unexpected path component" + position(syntax_.text, peek()));
  skip();
  syntax_.parts.push_back(part);
  return {};
}

}  // namespace offramp::ddb::partiql
