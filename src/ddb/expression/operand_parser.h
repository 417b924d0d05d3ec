// What the grammars of all expressions share: tokens, errors, paths, operands. Private to this
// folder; see syntax.h for the grammar.
#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/syntax.h"

namespace offramp::ddb::expression {

// Recursive descent over the tokens of one expression.
class OperandParser {
 public:
  OperandParser(std::string_view text, Dialect dialect) : dialect_(dialect) { out_.text = text; }

 protected:
  // A node, and how it may be used.
  struct Part {
    uint32_t node = 0;
    bool is_condition = false, is_operand = false;  // a function's call may be both
    bool in_parentheses = false, in_redundant_parentheses = false;
  };
  static constexpr uint32_t kNone = UINT32_MAX;

  // Makes the tokens.
  Status start();

  const Token& token() const { return out_.tokens[next_]; }
  bool at(std::string_view punctuation) const {
    return token().kind == TokenKind::kPunctuation && token().text == punctuation;
  }
  bool at_end() const { return token().kind == TokenKind::kEnd; }
  bool at_keyword(std::string_view upper) const;
  bool accept(std::string_view punctuation);
  Status expect(std::string_view punctuation);
  // The error that the token is not what could stand here.
  Error expected(std::string_view what) const;
  Status count_operator();

  uint32_t add(SyntaxKind kind, uint32_t token, std::initializer_list<uint32_t> children);

  Result<uint32_t> parse_path();
  // Operands up to the closing parenthesis, after `before` if there is one.
  Result<uint32_t> parse_list(SyntaxKind kind, uint32_t token, uint32_t before);
  // What stands where no condition can.
  Result<uint32_t> parse_operand() { return TRY(parse_operand_part()).node; }
  // A path, a value or a function's call.
  Result<Part> parse_simple();

  // An opening parenthesis, and what is to be done at its end.
  Status open();
  void close(Part& inner);
  // The service complains about redundant parentheses where they end, before it reads on; but where
  // a condition could stand, an operand is known to be one by the comparator behind it.
  static Status check_parentheses(const Part& part);

  const Dialect dialect_;
  uint32_t next_ = 0;
  Syntax out_;

 private:
  bool at_any_keyword() const;
  Status enter();
  Result<Part> parse_operand_part();
  Result<Part> parse_function();
  Status parse_name(bool behind_point);

  int depth_ = 0;
  std::vector<uint32_t> list_;  // operands of the lists that are open
};

}  // namespace offramp::ddb::expression
