// Recursive descent over the tokens; see the grammar in the header.
#include "ddb/expression/syntax.h"

#include <algorithm>
#include <array>

#include "ddb/expression/condition.h"

namespace offramp::ddb::expression {
namespace {

// Parentheses and functions inside one another. A legal request has an operator for every level, so
// it stays below this; the bound is for the stack.
constexpr int kApiDepthMax = 400;

constexpr std::string_view kConditionKeywords[] = {"AND", "OR", "NOT", "IN", "BETWEEN"};
constexpr std::string_view kSections[] = {"SET", "REMOVE", "ADD", "DELETE"};
constexpr std::string_view kComparators[] = {"=", "<>", "<", "<=", ">", ">="};
constexpr std::string_view kOperand = "an attribute, a value, a function or '('";

bool is_keyword(const Token& token, std::string_view upper) {
  if (token.kind != TokenKind::kName || token.text.size() != upper.size()) return false;
  for (size_t i = 0; i < upper.size(); ++i)
    if ((token.text[i] & ~0x20) != upper[i]) return false;
  return true;
}

// The length of a text in UTF-16, in which the service measures an expression.
size_t utf16_size(std::string_view text) {
  size_t size = 0;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    size += ((byte & 0xC0) != 0x80) + (byte >= 0xF0);
  }
  return size;
}

class Parser {
 public:
  Parser(std::string_view text, Dialect dialect) : dialect_(dialect) { out_.text = text; }

  Result<Syntax> condition() {
    TRY(start());
    const Part whole = TRY(parse_or());
    if (token().kind != TokenKind::kEnd && whole.is_condition)
      return expected("AND, OR or the end of the expression");
    out_.root = TRY(condition_of(whole));
    return std::move(out_);
  }

  Result<Syntax> projection() {
    TRY(start());
    do out_.paths.push_back(TRY(parse_path()));
    while (accept(","));
    if (token().kind != TokenKind::kEnd) return expected("',' or the end of the expression");
    return std::move(out_);
  }

  Result<Syntax> update() {
    TRY(start());
    do TRY(parse_section());
    while (token().kind != TokenKind::kEnd);
    return std::move(out_);
  }

 private:
  // A node, and how it may be used.
  struct Part {
    uint32_t node = 0;
    bool is_condition = false, is_operand = false;  // a function's call may be both
    bool in_parentheses = false, in_redundant_parentheses = false;
  };

  Status start() {
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

  const Token& token() const { return out_.tokens[next_]; }
  bool at(std::string_view punctuation) const {
    return token().kind == TokenKind::kPunctuation && token().text == punctuation;
  }
  bool at_keyword(std::string_view upper) const { return is_keyword(token(), upper); }
  bool accept(std::string_view punctuation) {
    if (!at(punctuation)) return false;
    ++next_;
    return true;
  }
  Status expect(std::string_view punctuation) {
    if (!accept(punctuation)) return expected("'" + std::string(punctuation) + "'");
    return {};
  }
  Error expected(std::string_view what) const {
    if (dialect_ == Dialect::kApi)
      return invalid_request(syntax_error(out_.text, out_.tokens, next_));
    return bad_expression(token().offset,
                          "expected " + std::string(what) + ", found " + describe(token()));
  }

  Status count_operator() {
    ++out_.operators;
    if (dialect_ == Dialect::kApi || out_.operators <= kOperatorsMax) return {};
    return bad_expression(token().offset, "the expression contains too many operators; at most " +
                                              std::to_string(kOperatorsMax) + " are allowed");
  }
  Status enter() {
    ++depth_;
    if (dialect_ == Dialect::kPlan && depth_ > kParenthesesMax)
      return bad_expression(token().offset, "the parentheses are nested too deeply");
    if (depth_ > kApiDepthMax)
      return invalid_request("The expression contains too many operators; operator count: " +
                             std::to_string(kOperatorsMax + 1));
    return {};
  }

  uint32_t add(SyntaxKind kind, uint32_t token, std::initializer_list<uint32_t> children) {
    const auto first = static_cast<uint32_t>(out_.children.size());
    out_.children.insert(out_.children.end(), children);
    out_.nodes.push_back({kind, token, first, static_cast<uint32_t>(children.size())});
    return static_cast<uint32_t>(out_.nodes.size() - 1);
  }

  // What should have followed an operand is missing at the token that did.
  Result<uint32_t> condition_of(const Part& part) const {
    if (part.is_condition) return part.node;
    return expected("a comparator, BETWEEN or IN");
  }

  Result<Part> parse_or() {
    Part left = TRY(parse_and());
    while (at_keyword("OR")) left = TRY(parse_junction(SyntaxKind::kOr, left));
    return left;
  }

  Result<Part> parse_and() {
    Part left = TRY(parse_not());
    while (at_keyword("AND")) left = TRY(parse_junction(SyntaxKind::kAnd, left));
    return left;
  }

  Result<Part> parse_junction(SyntaxKind kind, const Part& left) {
    const uint32_t a = TRY(condition_of(left));
    const uint32_t token = next_++;
    TRY(count_operator());
    const Part right = kind == SyntaxKind::kOr ? TRY(parse_and()) : TRY(parse_not());
    const uint32_t b = TRY(condition_of(right));
    return Part{add(kind, token, {a, b}), true};
  }

  Result<Part> parse_not() {
    const uint32_t first = next_;
    for (; at_keyword("NOT"); ++next_) TRY(count_operator());
    const uint32_t end = next_;
    Part part = TRY(parse_comparison());
    if (first == end) return part;
    uint32_t inner = TRY(condition_of(part));
    for (uint32_t token = end; token > first; --token)
      inner = add(SyntaxKind::kNot, token - 1, {inner});
    return Part{inner, true};
  }

  Result<Part> parse_comparison() {
    Part left = TRY(parse_primary());
    if (!left.is_operand) return left;
    const bool is_between = at_keyword("BETWEEN"), is_in = at_keyword("IN");
    if (is_between || is_in) {
      TRY(check_parentheses(left));
      return is_in ? parse_in(left) : parse_between(left);
    }
    if (token().kind != TokenKind::kPunctuation ||
        std::find(std::begin(kComparators), std::end(kComparators), token().text) ==
            std::end(kComparators))
      return left;
    TRY(check_parentheses(left));
    const uint32_t comparator = next_++;
    TRY(count_operator());
    const uint32_t right = TRY(parse_operand());
    return Part{add(SyntaxKind::kCompare, comparator, {left.node, right}), true};
  }

  Result<Part> parse_between(const Part& value) {
    const uint32_t keyword = next_++;
    TRY(count_operator());
    const uint32_t lower = TRY(parse_operand());
    if (!at_keyword("AND")) return expected("AND between the bounds of BETWEEN");
    ++next_;
    const uint32_t upper = TRY(parse_operand());
    return Part{add(SyntaxKind::kBetween, keyword, {value.node, lower, upper}), true};
  }

  Result<Part> parse_in(const Part& value) {
    const uint32_t keyword = next_++;
    TRY(count_operator());
    TRY(expect("("));
    return Part{TRY(parse_list(SyntaxKind::kIn, keyword, value.node)), true};
  }

  static constexpr uint32_t kNone = UINT32_MAX;

  // Operands up to the closing parenthesis, after `before` if there is one.
  Result<uint32_t> parse_list(SyntaxKind kind, uint32_t token, uint32_t before) {
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

  Result<Part> parse_primary() {
    if (!at("(")) return parse_simple();
    TRY(enter());
    ++next_;
    Part inner = TRY(parse_or());
    if (!at(")")) return expected(inner.is_operand ? "a comparator or ')'" : "AND, OR or ')'");
    close(inner);
    if (inner.is_condition) TRY(check_parentheses(inner));
    return inner;
  }

  // What stands where no condition can.
  Result<uint32_t> parse_operand() { return TRY(parse_operand_part()).node; }
  Result<Part> parse_operand_part() {
    if (!at("(")) return parse_simple();
    TRY(enter());
    ++next_;
    Part inner = TRY(parse_operand_part());
    if (!at(")")) return expected("')'");
    close(inner);
    TRY(check_parentheses(inner));
    return inner;
  }

  void close(Part& inner) {
    inner.in_redundant_parentheses |= dialect_ == Dialect::kApi && inner.in_parentheses;
    ++next_;
    --depth_;
    inner.in_parentheses = true;
  }

  // The service complains about redundant parentheses where they end, before it reads on; but where
  // a condition could stand, an operand is known to be one by the comparator behind it.
  static Status check_parentheses(const Part& part) {
    if (!part.in_redundant_parentheses) return {};
    return invalid_request("The expression has redundant parentheses;");
  }

  bool at_any_keyword() const {
    const auto here = [&](std::string_view word) { return at_keyword(word); };
    return std::any_of(std::begin(kConditionKeywords), std::end(kConditionKeywords), here) ||
           (dialect_ == Dialect::kApi &&
            std::any_of(std::begin(kSections), std::end(kSections), here));
  }

  // A path, a value or a function's call.
  Result<Part> parse_simple() {
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
    return expected(kOperand);
  }

  Result<Part> parse_function() {
    const uint32_t name = next_;
    TRY(enter());
    next_ += 2;
    TRY(count_operator());
    const uint32_t node = TRY(parse_list(SyntaxKind::kFunction, name, kNone));
    --depth_;
    return Part{node, true, true};
  }

  Status parse_name(bool behind_point) {
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

  Result<uint32_t> parse_path() {
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

  Status parse_section() {
    const auto* keyword = std::find_if(std::begin(kSections), std::end(kSections),
                                       [&](std::string_view word) { return at_keyword(word); });
    if (keyword == std::end(kSections)) return expected("SET, REMOVE, ADD or DELETE");
    const auto section = static_cast<Section>(keyword - std::begin(kSections));
    const uint32_t token = next_++;
    do {
      SyntaxAction action{section, token, TRY(parse_path())};
      if (section == Section::kSet) {
        TRY(expect("="));
        action.value = TRY(parse_sum()).node;
      } else if (section != Section::kRemove) {
        if (this->token().kind != TokenKind::kValueRef) return expected("a value");
        action.value = add(SyntaxKind::kValue, next_++, {});
      }
      out_.actions.push_back(action);
    } while (accept(","));
    return {};
  }

  Result<Part> parse_sum() {
    Part left;
    if (at("(")) {
      TRY(enter());
      ++next_;
      left = TRY(parse_sum());
      if (!at(")")) return expected("')'");
      close(left);
      TRY(check_parentheses(left));
    } else {
      left = TRY(parse_simple());
    }
    if (!left.is_operand || (!at("+") && !at("-"))) return left;
    const uint32_t sign = next_++;
    TRY(count_operator());
    const uint32_t right = TRY(parse_operand());
    return Part{add(SyntaxKind::kSum, sign, {left.node, right})};
  }

  const Dialect dialect_;
  uint32_t next_ = 0;
  int depth_ = 0;
  std::vector<uint32_t> list_;  // operands of the lists that are open
  Syntax out_;
};

}  // namespace

Result<Syntax> parse_condition_syntax(std::string_view text, Dialect dialect) {
  return Parser(text, dialect).condition();
}
Result<Syntax> parse_projection_syntax(std::string_view text) {
  return Parser(text, Dialect::kApi).projection();
}
Result<Syntax> parse_update_syntax(std::string_view text) {
  return Parser(text, Dialect::kApi).update();
}

}  // namespace offramp::ddb::expression
