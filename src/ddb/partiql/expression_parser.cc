// Recursive descent, as deep as kDepthMax; chains of AND, OR and sums are loops.
#include "ddb/partiql/expression_parser.h"

#include <algorithm>

#include "ddb/expression/lexer.h"

namespace offramp::ddb::partiql {
namespace {

using expression::invalid_request;

constexpr std::string_view kComparators[] = {"=", "<>", "!=", "<", "<=", ">", ">="};

bool is_comparator(const Token& token) {
  return token.kind == TokenKind::kSymbol &&
         std::find(std::begin(kComparators), std::end(kComparators), token.text) !=
             std::end(kComparators);
}

}  // namespace

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

class ExpressionParser::Depth {
 public:
  explicit Depth(int& depth) : depth_(depth) { ++depth_; }
  ~Depth() { --depth_; }
  Depth(const Depth&) = delete;
  Depth& operator=(const Depth&) = delete;
  Status check() const {
    if (depth_ > kDepthMax) return not_well_formed("Expression is nested too deeply");
    return {};
  }

 private:
  int& depth_;
};

uint32_t ExpressionParser::add(NodeKind kind, uint32_t token,
                               const std::vector<uint32_t>& children) {
  const auto first = static_cast<uint32_t>(syntax_.children.size());
  syntax_.children.insert(syntax_.children.end(), children.begin(), children.end());
  syntax_.nodes.push_back({kind, token, first, static_cast<uint32_t>(children.size())});
  return static_cast<uint32_t>(syntax_.nodes.size() - 1);
}

uint32_t ExpressionParser::add(NodeKind kind, uint32_t token,
                               std::initializer_list<uint32_t> children) {
  const auto first = static_cast<uint32_t>(syntax_.children.size());
  syntax_.children.insert(syntax_.children.end(), children);
  syntax_.nodes.push_back({kind, token, first, static_cast<uint32_t>(children.size())});
  return static_cast<uint32_t>(syntax_.nodes.size() - 1);
}

Result<uint32_t> ExpressionParser::condition() {
  uint32_t left = TRY(conjunction());
  while (at_keyword("OR")) {
    const uint32_t at = token();
    skip();
    const uint32_t right = TRY(conjunction());
    left = add(NodeKind::kOr, at, {left, right});
  }
  return left;
}

Result<uint32_t> ExpressionParser::conjunction() {
  uint32_t left = TRY(negation());
  while (at_keyword("AND")) {
    const uint32_t at = token();
    skip();
    const uint32_t right = TRY(negation());
    left = add(NodeKind::kAnd, at, {left, right});
  }
  return left;
}

Result<uint32_t> ExpressionParser::negation() {
  if (!at_keyword("NOT")) return comparison();
  const Depth depth(depth_);
  TRY(depth.check());
  const uint32_t at = token();
  skip();
  const uint32_t inner = TRY(negation());
  return add(NodeKind::kNot, at, {inner});
}

Result<uint32_t> ExpressionParser::comparison() {
  uint32_t left = TRY(sum());
  while (const auto made = TRY(comparison_with(left))) left = *made;
  return left;
}

Result<std::optional<uint32_t>> ExpressionParser::comparison_with(uint32_t left) {
  const uint32_t at = token();
  if (is_comparator(peek())) {
    skip();
    const uint32_t right = TRY(sum());
    return std::optional(add(NodeKind::kCompare, at, {left, right}));
  }
  if (take_keyword("IS")) return is(left);
  const bool negated = at_keyword("NOT");
  uint32_t made = 0;
  if (at_keyword("BETWEEN", negated)) {
    made = TRY(between(left, at));
  } else if (at_keyword("IN", negated)) {
    made = TRY(in(left, at));
  } else if (at_keyword("LIKE", negated)) {
    at_ += negated + 1;
    const uint32_t right = TRY(sum());
    made = add(NodeKind::kLike, at, {left, right});
  } else {
    return std::optional<uint32_t>();
  }
  return std::optional(negated ? add(NodeKind::kNot, at, {made}) : made);
}

Result<uint32_t> ExpressionParser::between(uint32_t left, uint32_t at) {
  at_ += at_keyword("NOT") + 1;
  const uint32_t lower = TRY(sum());
  if (!take_keyword("AND")) return not_well_formed("Expected AND after BETWEEN");
  const uint32_t upper = TRY(sum());
  return add(NodeKind::kBetween, at, {left, lower, upper});
}

Result<uint32_t> ExpressionParser::in(uint32_t left, uint32_t at) {
  at_ += at_keyword("NOT") + 1;
  uint32_t right = 0;
  if (at_symbol("(")) {
    const Depth depth(depth_);
    TRY(depth.check());
    const uint32_t open = token();
    skip();
    const std::vector<uint32_t> elements = TRY(conditions_until(")"));
    if (elements.empty()) return not_well_formed("Expected expression");
    right = add(NodeKind::kList, open, elements);
  } else {
    right = TRY(sum());
  }
  return add(NodeKind::kIn, at, {left, right});
}

Result<std::optional<uint32_t>> ExpressionParser::is(uint32_t left) {
  const bool negated = take_keyword("NOT");
  const uint32_t at = token();
  NodeKind kind;
  if (take_keyword("NULL"))
    kind = NodeKind::kIsNull;
  else if (take_keyword("MISSING"))
    kind = NodeKind::kIsMissing;
  else
    return not_well_formed("Expected NULL or MISSING after IS");
  const uint32_t made = add(kind, at, {left});
  return std::optional(negated ? add(NodeKind::kNot, at, {made}) : made);
}

Result<uint32_t> ExpressionParser::sum() {
  uint32_t left = TRY(product());
  while (at_symbol("+") || at_symbol("-") || at_symbol("||")) {
    const uint32_t at = token();
    skip();
    const uint32_t right = TRY(product());
    left = add(NodeKind::kArithmetic, at, {left, right});
  }
  return left;
}

Result<uint32_t> ExpressionParser::product() {
  uint32_t left = TRY(unary());
  while (at_symbol("*") || at_symbol("/") || at_symbol("%")) {
    const uint32_t at = token();
    skip();
    const uint32_t right = TRY(unary());
    left = add(NodeKind::kArithmetic, at, {left, right});
  }
  return left;
}

Result<uint32_t> ExpressionParser::unary() {
  if (!at_symbol("-") && !at_symbol("+")) return primary();
  const Depth depth(depth_);
  TRY(depth.check());
  const uint32_t at = token();
  const bool negative = at_symbol("-");
  skip();
  if (peek().kind == TokenKind::kNumber) {
    syntax_.nodes.push_back({NodeKind::kNumber, token(), 0, negative ? 1U : 0U});
    skip();
    return static_cast<uint32_t>(syntax_.nodes.size() - 1);
  }
  const uint32_t inner = TRY(unary());
  return add(NodeKind::kArithmetic, at, {inner});
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
