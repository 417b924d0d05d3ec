// The grammar of all expressions: from tokens to a tree that holds nothing but the text's
// structure. Private to this folder and
// ddb/partiql.
//
//   condition  = or;  or = and {OR and};  and = not {AND not};  not = {NOT} comparison;
//   comparison = primary [cmp operand | BETWEEN operand AND operand | IN (operand, …)];
//   primary    = "(" or ")" | operand;
//   operand    = path | value | name "(" operand {"," operand} ")" | "(" operand ")";
//   path       = name {"." (name | placeholder) | "[" digits "]"};
//   projection = path {"," path};
//   update     = section {section};
//   section    = SET set {"," set} | REMOVE path {"," path} | (ADD | DELETE) path value {"," …};
//   set        = path "=" sum;  sum = "(" sum ")" | operand [("+" | "-") operand];
//
// An operand may stand where a condition may until the grammar knows better, so parentheses enclose
// both. What a name, a function or a value means is checked after the whole text has the right
// form: that is the service's order of errors. Children come before their parents in `nodes`, so
// that walking them ends.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/lexer.h"

namespace offramp::ddb::expression {

enum class Dialect {
  kApi,   // what the service accepts
  kPlan,  // and also literals, names in double quotes, reserved words as names
};

enum class SyntaxKind : uint8_t {
  kPath,      // parts [first, first + count)
  kValue,     // `token` is a placeholder or, in plan files, a literal
  kFunction,  // children: arguments; `token` is the name
  kCompare,   // children: two operands; `token` is the comparator
  kBetween,   // children: value, lower, upper
  kIn,        // children: value, choices…
  kAnd,       // children: two conditions
  kOr,
  kNot,  // children: one condition
  kSum,  // children: two operands; `token` is + or -
};

struct SyntaxNode {
  SyntaxKind kind;
  uint32_t token = 0;             // for errors, and as above
  uint32_t first = 0, count = 0;  // children [first, first + count) of `children`, or parts
};

struct PathPart {
  uint32_t token;
  bool is_index;
};

enum class Section : uint8_t { kSet, kRemove, kAdd, kDelete };

struct SyntaxAction {
  Section section;
  uint32_t token;      // of the section's keyword
  uint32_t path;       // node
  uint32_t value = 0;  // node, but of kRemove
};

struct Syntax {
  std::string_view text;
  std::vector<Token> tokens;
  std::vector<SyntaxNode> nodes;
  std::vector<uint32_t> children;
  std::vector<PathPart> parts;
  std::vector<uint32_t> paths;        // nodes, of a projection
  std::vector<SyntaxAction> actions;  // of an update
  uint32_t root = 0;                  // of a condition
  size_t operators = 0;

  const SyntaxNode& child(const SyntaxNode& node, uint32_t n) const {
    return nodes[children[node.first + n]];
  }
  std::string_view token_text(const SyntaxNode& node) const { return tokens[node.token].text; }
};

// The error of a plan file, or of a request without "Invalid …: " before it.
Result<Syntax> parse_condition_syntax(std::string_view text, Dialect dialect);
Result<Syntax> parse_projection_syntax(std::string_view text);
Result<Syntax> parse_update_syntax(std::string_view text);

}  // namespace offramp::ddb::expression
