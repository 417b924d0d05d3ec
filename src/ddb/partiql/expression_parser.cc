// Recursive descent, as deep as kDepthMax; chains of AND, OR and sums are loops.
#include "ddb/partiql/expression_parser.h"

#include <algorithm>

namespace offramp::ddb::partiql {
namespace {

constexpr std::string_view kComparators[] = {"=", "<>", "!=", "<", "<=", ">", ">="};

bool is_comparator(const Token& token) {
  return token.kind == TokenKind::kSymbol &&
         std::find(std::begin(kComparators), std::end(kComparators), token.text) !=
             std::end(kComparators);
}

}  // namespace

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

}  // namespace offramp::ddb::partiql
