// Conditions, operands and literals: the part of the grammar below statements. Private to this
// folder.
#pragma once

#include <algorithm>
#include <string>

#include "ddb/partiql/syntax.h"

namespace offramp::ddb::partiql {

// Appends to `syntax`, whose tokens are there.
class ExpressionParser {
 public:
  ExpressionParser(Syntax& syntax, base::Arena& arena) : syntax_(syntax), arena_(arena) {}

  const Token& peek(size_t ahead = 0) const {
    return syntax_.tokens[std::min(at_ + ahead, syntax_.tokens.size() - 1)];
  }
  bool at_keyword(std::string_view upper, size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kWord && is_keyword(peek(ahead).text, upper);
  }
  bool at_symbol(std::string_view symbol, size_t ahead = 0) const {
    return peek(ahead).kind == TokenKind::kSymbol && peek(ahead).text == symbol;
  }
  bool take_keyword(std::string_view upper) { return at_keyword(upper) && ++at_; }
  bool take_symbol(std::string_view symbol) { return at_symbol(symbol) && ++at_; }
  void skip() { ++at_; }

  // Nodes.
  Result<uint32_t> condition();
  Result<uint32_t> sum();
  Result<uint32_t> path();
  // A name, decoded: an identifier that is no keyword, or one in quotes.
  bool at_name() const;
  std::string_view name();

 private:
  // Counts what is inside one another while it lives.
  class Depth {
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

  uint32_t token() const { return static_cast<uint32_t>(at_); }
  uint32_t add(NodeKind kind, uint32_t token, std::initializer_list<uint32_t> children);
  uint32_t add(NodeKind kind, uint32_t token, const std::vector<uint32_t>& children);
  Result<uint32_t> conjunction();
  Result<uint32_t> negation();
  Result<uint32_t> comparison();
  // What follows an operand: a comparison with it, or nothing.
  Result<std::optional<uint32_t>> comparison_with(uint32_t left);
  Result<uint32_t> between(uint32_t left, uint32_t token);
  Result<uint32_t> in(uint32_t left, uint32_t token);
  Result<std::optional<uint32_t>> is(uint32_t left);
  Result<uint32_t> product();
  Result<uint32_t> unary();
  Result<uint32_t> primary();
  Result<std::optional<uint32_t>> word();
  Result<uint32_t> function();
  Result<uint32_t> parentheses();
  Result<uint32_t> tuple();
  Result<uint32_t> sequence(NodeKind kind, std::string_view end);
  Result<std::vector<uint32_t>> conditions_until(std::string_view end);
  Status path_index();

  Syntax& syntax_;
  base::Arena& arena_;
  size_t at_ = 0;
  int depth_ = 0;
};

// Whether a word cannot be a name without quotes.
bool is_reserved(std::string_view word);

}  // namespace offramp::ddb::partiql
