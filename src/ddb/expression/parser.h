// The grammar of condition expressions. Private to this folder; condition.h has the public face.
#pragma once

#include <string_view>

#include "base/result.h"
#include "ddb/expression/condition.h"
#include "ddb/expression/lexer.h"
#include "ddb/expression/program.h"

namespace offramp::ddb::expression {

// Recursive descent over the tokens:
//   or = and {OR and}; and = not {AND not}; not = {NOT} comparison;
//   comparison = primary [cmp primary | BETWEEN primary AND primary | IN (primary, …)];
//   primary = "(" or ")" | function | path | value.
// An operand may stand where a condition may, until the grammar knows better: parentheses enclose
// both.
class Parser {
 public:
  Parser(std::vector<Token> tokens, const Names& names, const Values& values, Dialect dialect)
      : tokens_(std::move(tokens)), names_(names), values_(values), dialect_(dialect) {}

  Result<Program> parse();

 private:
  // A condition (index of an expression) or an operand, and the token it began at.
  struct Part {
    bool is_operand = false;
    Operand operand;
    uint32_t expression = 0;
    size_t offset = 0;
  };

  const Token& token() const { return tokens_[next_]; }
  bool at_punctuation(std::string_view text) const {
    return token().kind == TokenKind::kPunctuation && token().text == text;
  }
  bool at_keyword(std::string_view upper) const;
  Status expect(std::string_view punctuation);
  Error expected(std::string_view what) const;
  Status count_operator();

  Result<Part> parse_or();
  Result<Part> parse_and();
  Result<Part> parse_not();
  Result<Part> parse_comparison();
  Result<Part> parse_between(Part value);
  Result<Part> parse_in(Part value);
  Result<Part> parse_primary();
  Result<Part> parse_parentheses();
  Result<Part> parse_function();
  Result<Part> parse_path();
  Result<Part> parse_value();
  Result<PathElement> parse_name();

  Result<uint32_t> condition(const Part& part) const;
  Result<Operand> operand(const Part& part) const;
  // Appends an expression over `operands`, in order.
  Part predicate(Op op, const std::vector<Operand>& operands, size_t offset);
  Part combine(Op op, uint32_t left, uint32_t right, size_t offset);
  Part add_value(ValueView value, size_t offset);
  Part add_literal(Type type, std::string_view bytes, bool boolean, size_t offset);

  // What is known to be wrong before an item is seen.
  Status check_function(std::string_view name, Op op, const std::vector<Part>& arguments,
                        size_t offset);
  Status check_distinct(std::string_view op, const Operand& a, const Operand& b,
                        size_t offset) const;
  Status check_orderable(std::string_view op, const Operand& operand, size_t offset) const;
  // The type of an operand that no item can change, or kAbsent.
  Type constant_type(const Operand& operand) const;

  std::vector<Token> tokens_;
  const Names& names_;
  const Values& values_;
  const Dialect dialect_;
  size_t next_ = 0;
  size_t operators_ = 0;
  int depth_ = 0;
  size_t last_open_ = SIZE_MAX, last_close_ = SIZE_MAX;  // tokens of the newest pair of parentheses
  Program program_;
};

}  // namespace offramp::ddb::expression
