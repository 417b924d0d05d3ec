// The grammars of conditions, projections and updates; what they share is in operand_parser.cc.
#include "ddb/expression/syntax.h"

#include <algorithm>

#include "ddb/expression/operand_parser.h"

namespace offramp::ddb::expression {
namespace {

constexpr std::string_view kSections[] = {"SET", "REMOVE", "ADD", "DELETE"};
constexpr std::string_view kComparators[] = {"=", "<>", "<", "<=", ">", ">="};

class ConditionParser : OperandParser {
 public:
  using OperandParser::OperandParser;

  Result<Syntax> parse() {
    TRY(start());
    const Part whole = TRY(parse_or());
    if (!at_end() && whole.is_condition) return expected("AND, OR or the end of the expression");
    out_.root = TRY(condition_of(whole));
    return std::move(out_);
  }

 private:
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

  Result<Part> parse_primary() {
    if (!at("(")) return parse_simple();
    TRY(open());
    Part inner = TRY(parse_or());
    if (!at(")")) return expected(inner.is_operand ? "a comparator or ')'" : "AND, OR or ')'");
    close(inner);
    if (inner.is_condition) TRY(check_parentheses(inner));
    return inner;
  }
};

class ProjectionParser : OperandParser {
 public:
  using OperandParser::OperandParser;

  Result<Syntax> parse() {
    TRY(start());
    do out_.paths.push_back(TRY(parse_path()));
    while (accept(","));
    if (!at_end()) return expected("',' or the end of the expression");
    return std::move(out_);
  }
};

class UpdateParser : OperandParser {
 public:
  using OperandParser::OperandParser;

  Result<Syntax> parse() {
    TRY(start());
    do TRY(parse_section());
    while (!at_end());
    return std::move(out_);
  }

 private:
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
      TRY(open());
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
};

}  // namespace

Result<Syntax> parse_condition_syntax(std::string_view text, Dialect dialect) {
  return ConditionParser(text, dialect).parse();
}
Result<Syntax> parse_projection_syntax(std::string_view text) {
  return ProjectionParser(text, Dialect::kApi).parse();
}
Result<Syntax> parse_update_syntax(std::string_view text) {
  return UpdateParser(text, Dialect::kApi).parse();
}

}  // namespace offramp::ddb::expression
