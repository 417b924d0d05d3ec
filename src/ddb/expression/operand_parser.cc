// Paths, values, functions and parentheses.
#include "ddb/expression/operand_parser.h"

#include <algorithm>

#include "ddb/expression/condition.h"

namespace offramp::ddb::expression {
namespace {

// Parentheses and functions inside one another. A legal request has an operator for every level, so
// it stays below this; the bound is for the stack.
constexpr int kApiDepthMax = 400;

constexpr std::string_view kConditionKeywords[] = {"AND", "OR", "NOT", "IN", "BETWEEN"};
constexpr std::string_view kSections[] = {"SET", "REMOVE", "ADD", "DELETE"};

// The length of a text in UTF-16, in which the service measures an expression.
size_t utf16_size(std::string_view text) {
  size_t size = 0;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    size += ((byte & 0xC0) != 0x80) + (byte >= 0xF0);
  }
  return size;
}

}  // namespace

Status OperandParser::start() {
  if (dialect_ == Dialect::kPlan) {
    out_.tokens = TRY(tokenize_plan(out_.text));
    if (token().kind == TokenKind::kEnd)
      return bad_expression(0, "the expression can not be empty");
    return {};
  }
  if (out_.text.empty()) return invalid_request("The expression can not be empty;");
  if (out_.text.size() > kExpressionBytesMax && utf16_size(out_.text) > kExpressionBytesMax)
    return invalid_request(
        "Expression size has exceeded the maximum allowed size; expression size: " +
        std::to_string(utf16_size(out_.text)));
  out_.tokens = tokenize_api(out_.text);
  out_.nodes.reserve(out_.tokens.size());
  out_.children.reserve(out_.tokens.size());
  out_.parts.reserve(out_.tokens.size());
  return {};
}

bool OperandParser::at_keyword(std::string_view upper) const {
  if (token().kind != TokenKind::kName || token().text.size() != upper.size()) return false;
  for (size_t i = 0; i < upper.size(); ++i)
    if ((token().text[i] & ~0x20) != upper[i]) return false;
  return true;
}

bool OperandParser::accept(std::string_view punctuation) {
  if (!at(punctuation)) return false;
  ++next_;
  return true;
}

Status OperandParser::expect(std::string_view punctuation) {
  if (!accept(punctuation)) return expected("'" + std::string(punctuation) + "'");
  return {};
}

Error OperandParser::expected(std::string_view what) const {
  if (dialect_ == Dialect::kApi)
    return invalid_request(syntax_error(out_.text, out_.tokens, next_));
  return bad_expression(token().offset,
                        "expected " + std::string(what) + ", found " + describe(token()));
}

Status OperandParser::count_operator() {
  ++out_.operators;
  if (dialect_ == Dialect::kApi || out_.operators <= kOperatorsMax) return {};
  return bad_expression(token().offset, "the expression contains too many operators; at most " +
                                            std::to_string(kOperatorsMax) + " are allowed");
}

Status OperandParser::enter() {
  ++depth_;
  if (dialect_ == Dialect::kPlan && depth_ > kParenthesesMax)
    return bad_expression(token().offset, "the parentheses are nested too deeply");
  if (depth_ > kApiDepthMax)
    return invalid_request("The expression contains too many operators; operator count: " +
                           std::to_string(kOperatorsMax + 1));
  return {};
}

Status OperandParser::open() {
  TRY(enter());
  ++next_;
  return {};
}

uint32_t OperandParser::add(SyntaxKind kind, uint32_t token,
                            std::initializer_list<uint32_t> children) {
  const auto first = static_cast<uint32_t>(out_.children.size());
  out_.children.insert(out_.children.end(), children);
  out_.nodes.push_back({kind, token, first, static_cast<uint32_t>(children.size())});
  return static_cast<uint32_t>(out_.nodes.size() - 1);
}

Result<uint32_t> OperandParser::parse_list(SyntaxKind kind, uint32_t token, uint32_t before) {
  const size_t mark = list_.size();
  if (before != kNone) list_.push_back(before);
  do list_.push_back(TRY(parse_operand()));
  while (accept(","));
  if (!accept(")")) return expected("',' or ')'");
  const uint32_t node = add(kind, token, {});
  out_.children.insert(out_.children.end(), list_.begin() + static_cast<ptrdiff_t>(mark),
                       list_.end());
  out_.nodes[node].count = static_cast<uint32_t>(list_.size() - mark);
  list_.resize(mark);
  return node;
}

Result<OperandParser::Part> OperandParser::parse_operand_part() {
  if (!at("(")) return parse_simple();
  TRY(enter());
  ++next_;
  Part inner = TRY(parse_operand_part());
  if (!at(")")) return expected("')'");
  close(inner);
  TRY(check_parentheses(inner));
  return inner;
}

void OperandParser::close(Part& inner) {
  inner.in_redundant_parentheses |= dialect_ == Dialect::kApi && inner.in_parentheses;
  ++next_;
  --depth_;
  inner.in_parentheses = true;
}

Status OperandParser::check_parentheses(const Part& part) {
  if (!part.in_redundant_parentheses) return {};
  return invalid_request("The expression has redundant parentheses;");
}

bool OperandParser::at_any_keyword() const {
  const auto here = [&](std::string_view word) { return at_keyword(word); };
  return std::any_of(std::begin(kConditionKeywords), std::end(kConditionKeywords), here) ||
         (dialect_ == Dialect::kApi &&
          std::any_of(std::begin(kSections), std::end(kSections), here));
}

Result<OperandParser::Part> OperandParser::parse_simple() {
  switch (token().kind) {
    case TokenKind::kName: {
      if (at_any_keyword()) break;
      const Token& next = out_.tokens[next_ + 1];  // a kEnd follows every name
      if (next.kind == TokenKind::kPunctuation && next.text == "(") return parse_function();
      if (dialect_ == Dialect::kPlan &&
          (at_keyword("TRUE") || at_keyword("FALSE") || at_keyword("NULL")))
        return Part{add(SyntaxKind::kValue, next_++, {}), false, true};
      return Part{TRY(parse_path()), false, true};
    }
    case TokenKind::kNameRef:
    case TokenKind::kQuotedName:
      return Part{TRY(parse_path()), false, true};
    case TokenKind::kNumber:
    case TokenKind::kString:
      if (dialect_ == Dialect::kApi) break;
      [[fallthrough]];
    case TokenKind::kValueRef:
      return Part{add(SyntaxKind::kValue, next_++, {}), false, true};
    default:
      break;
  }
  return expected("an attribute, a value, a function or '('");
}

Result<OperandParser::Part> OperandParser::parse_function() {
  const uint32_t name = next_;
  TRY(enter());
  next_ += 2;
  TRY(count_operator());
  const uint32_t node = TRY(parse_list(SyntaxKind::kFunction, name, kNone));
  --depth_;
  return Part{node, true, true};
}

Status OperandParser::parse_name(bool behind_point) {
  const TokenKind kind = token().kind;
  // The service's grammar takes a.:b, and then misses a name :b.
  if (behind_point && dialect_ == Dialect::kApi && kind == TokenKind::kValueRef) {
    out_.parts.push_back({next_++, false});
    return {};
  }
  if ((kind != TokenKind::kName || at_any_keyword()) && kind != TokenKind::kNameRef &&
      kind != TokenKind::kQuotedName)
    return expected("a name");
  out_.parts.push_back({next_++, false});
  return {};
}

Result<uint32_t> OperandParser::parse_path() {
  const uint32_t token = next_;
  const auto first = static_cast<uint32_t>(out_.parts.size());
  TRY(parse_name(false));
  while (true) {
    if (accept(".")) {
      TRY(parse_name(true));
    } else if (accept("[")) {
      if (this->token().kind != TokenKind::kNumber ||
          this->token().text.find_first_not_of("0123456789") != std::string_view::npos)
        return expected("the index of a list");
      out_.parts.push_back({next_++, true});
      TRY(expect("]"));
    } else {
      break;
    }
  }
  out_.nodes.push_back(
      {SyntaxKind::kPath, token, first, static_cast<uint32_t>(out_.parts.size()) - first});
  return static_cast<uint32_t>(out_.nodes.size() - 1);
}

}  // namespace offramp::ddb::expression
