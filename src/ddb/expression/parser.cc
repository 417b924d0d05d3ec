// From tokens to expressions; operands are in parser_operands.cc.
#include "ddb/expression/parser.h"

#include "ddb/number.h"

namespace offramp::ddb::expression {
namespace {

struct Comparator {
  std::string_view text;
  Op op;
};
constexpr Comparator kComparators[] = {{"=", Op::kEqual},   {"<>", Op::kNotEqual},
                                       {"<", Op::kLess},    {"<=", Op::kLessEqual},
                                       {">", Op::kGreater}, {">=", Op::kGreaterEqual}};

}  // namespace

bool Parser::at_keyword(std::string_view upper) const {
  if (token().kind != TokenKind::kName || token().text.size() != upper.size()) return false;
  for (size_t i = 0; i < upper.size(); ++i)
    if ((token().text[i] & ~0x20) != upper[i]) return false;
  return true;
}

Error Parser::expected(std::string_view what) const {
  return bad_expression(token().offset,
                        "expected " + std::string(what) + ", found " + describe(token()));
}

Status Parser::expect(std::string_view punctuation) {
  if (!at_punctuation(punctuation)) return expected("'" + std::string(punctuation) + "'");
  ++next_;
  return {};
}

Status Parser::count_operator() {
  if (++operators_ <= kOperatorsMax) return {};
  return bad_expression(token().offset, "the expression contains too many operators; at most " +
                                            std::to_string(kOperatorsMax) + " are allowed");
}

Result<uint32_t> Parser::condition(const Part& part) const {
  if (!part.is_operand) return part.expression;
  if (part.operand.is_size)
    return bad_expression(part.offset, "size(…) is a number; expected a comparison with it");
  // What should have followed the operand is missing at the token that did.
  return expected("a comparator, BETWEEN or IN");
}

Result<Operand> Parser::operand(const Part& part) const {
  if (part.is_operand) return part.operand;
  return bad_expression(part.offset, "a condition is not allowed as an operand");
}

Parser::Part Parser::predicate(Op op, const std::vector<Operand>& operands, size_t offset) {
  Expression expression{op};
  expression.first = static_cast<uint32_t>(program_.operands.size());
  expression.operands = static_cast<uint32_t>(operands.size());
  program_.operands.insert(program_.operands.end(), operands.begin(), operands.end());
  program_.expressions.push_back(expression);
  return {false, {}, static_cast<uint32_t>(program_.expressions.size() - 1), offset};
}

Parser::Part Parser::combine(Op op, uint32_t left, uint32_t right, size_t offset) {
  Expression expression{op};
  expression.left = left;
  expression.right = right;
  program_.expressions.push_back(expression);
  return {false, {}, static_cast<uint32_t>(program_.expressions.size() - 1), offset};
}

Result<Program> Parser::parse() {
  if (token().kind == TokenKind::kEnd) return bad_expression(0, "the expression can not be empty");
  const Part whole = TRY(parse_or());
  if (token().kind != TokenKind::kEnd && !whole.is_operand)
    return expected("AND, OR or the end of the expression");
  program_.root = TRY(condition(whole));
  return std::move(program_);
}

Result<Parser::Part> Parser::parse_or() {
  Part left = TRY(parse_and());
  while (at_keyword("OR")) {
    const uint32_t a = TRY(condition(left));
    ++next_;
    TRY(count_operator());
    const Part right = TRY(parse_and());
    const uint32_t b = TRY(condition(right));
    left = combine(Op::kOr, a, b, left.offset);
  }
  return left;
}

Result<Parser::Part> Parser::parse_and() {
  Part left = TRY(parse_not());
  while (at_keyword("AND")) {
    const uint32_t a = TRY(condition(left));
    ++next_;
    TRY(count_operator());
    const Part right = TRY(parse_not());
    const uint32_t b = TRY(condition(right));
    left = combine(Op::kAnd, a, b, left.offset);
  }
  return left;
}

// Whether the service takes NOT NOT is not known; it is harmless to take it.
Result<Parser::Part> Parser::parse_not() {
  const size_t offset = token().offset;
  size_t nots = 0;
  for (; at_keyword("NOT"); ++next_, ++nots) TRY(count_operator());
  Part part = TRY(parse_comparison());
  if (nots == 0) return part;
  uint32_t inner = TRY(condition(part));
  for (; nots > 0; --nots) inner = combine(Op::kNot, inner, 0, offset).expression;
  return Part{false, {}, inner, offset};
}

Result<Parser::Part> Parser::parse_comparison() {
  Part left = TRY(parse_primary());
  if (at_keyword("BETWEEN")) return parse_between(std::move(left));
  if (at_keyword("IN")) return parse_in(std::move(left));
  for (const Comparator& comparator : kComparators) {
    if (!at_punctuation(comparator.text)) continue;
    const Operand a = TRY(operand(left));
    const size_t offset = token().offset;
    ++next_;
    TRY(count_operator());
    const Part right = TRY(parse_primary());
    const Operand b = TRY(operand(right));
    TRY(check_distinct(comparator.text, a, b, offset));
    if (comparator.op != Op::kEqual && comparator.op != Op::kNotEqual) {
      TRY(check_orderable(comparator.text, a, left.offset));
      TRY(check_orderable(comparator.text, b, right.offset));
    }
    return predicate(comparator.op, {a, b}, left.offset);
  }
  return left;
}

Result<Parser::Part> Parser::parse_between(Part value) {
  const Operand subject = TRY(operand(value));
  const size_t offset = token().offset;
  ++next_;
  TRY(count_operator());
  const Part lower_part = TRY(parse_primary());
  const Operand lower = TRY(operand(lower_part));
  if (!at_keyword("AND")) return expected("AND between the bounds of BETWEEN");
  ++next_;
  const Part upper_part = TRY(parse_primary());
  const Operand upper = TRY(operand(upper_part));
  TRY(check_orderable("BETWEEN", subject, value.offset));
  TRY(check_orderable("BETWEEN", lower, lower_part.offset));
  TRY(check_orderable("BETWEEN", upper, upper_part.offset));
  const Type low = constant_type(lower), high = constant_type(upper);
  if (low != Type::kAbsent && high != Type::kAbsent && low != high)
    return bad_expression(
        offset, "The BETWEEN operator requires same data type for lower and upper bounds");
  if (low != Type::kAbsent && low == high && !lower.is_size && !upper.is_size) {
    const std::string_view a = program_.value(lower).bytes(), b = program_.value(upper).bytes();
    if (low == Type::kN ? compare_numbers(a, b) > 0 : a > b)
      return bad_expression(offset,
                            "The BETWEEN operator requires upper bound to be greater than or equal "
                            "to lower bound");
  }
  return predicate(Op::kBetween, {subject, lower, upper}, value.offset);
}

Result<Parser::Part> Parser::parse_in(Part value) {
  std::vector<Operand> operands{TRY(operand(value))};
  const size_t offset = token().offset;
  ++next_;
  TRY(count_operator());
  TRY(expect("("));
  while (true) {
    const Part choice = TRY(parse_primary());
    operands.push_back(TRY(operand(choice)));
    if (operands.size() > kInOperandsMax)
      return bad_expression(offset, "IN takes at most " + std::to_string(kInOperandsMax) +
                                        " operands with the one before it");
    if (at_punctuation(",")) {
      ++next_;
      continue;
    }
    if (!at_punctuation(")")) return expected("',' or ')'");
    ++next_;
    return predicate(Op::kIn, operands, value.offset);
  }
}

Result<Parser::Part> Parser::parse_parentheses() {
  const size_t open = next_, offset = token().offset;
  if (depth_ >= kParenthesesMax)
    return bad_expression(offset, "the parentheses are nested too deeply");
  ++depth_;
  ++next_;
  Part inner = TRY(parse_or());
  if (!at_punctuation(")"))
    return expected(inner.is_operand ? "a comparator or ')'" : "AND, OR or ')'");
  if (dialect_ == Dialect::kApi && last_open_ == open + 1 && last_close_ == next_ - 1)
    return bad_expression(offset, "the expression has redundant parentheses");
  last_open_ = open;
  last_close_ = next_;
  ++next_;
  --depth_;
  inner.offset = offset;
  return inner;
}

}  // namespace offramp::ddb::expression
