// A statement as a tree that holds nothing but the text's structure. Private to this folder.
//
//   statement = (select | insert | update | delete | EXISTS "(" select ")") [";"];
//   select    = SELECT ("*" | path {"," path}) FROM source [where] [ORDER BY key {"," key}];
//   insert    = INSERT INTO source VALUE tuple;
//   update    = UPDATE source change {change} [where] [returning];
//             | FROM source [where] change {change} [returning];
//   change    = SET path "=" sum {"," path "=" sum} | REMOVE path;
//   delete    = DELETE FROM source [where] [returning];
//   where     = WHERE condition;  key = name [ASC | DESC];  source = name ["." name];
//   returning = RETURNING (ALL | MODIFIED) (OLD | NEW) "*";
//   condition = and {OR and};  and = not {AND not};  not = {NOT} comparison;
//   comparison = sum {test};
//   test      = cmp sum | [NOT] BETWEEN sum AND sum | [NOT] IN list | IS [NOT] (NULL | MISSING);
//   sum       = product {("+" | "-" | "||") product};
//   product   = unary {("*" | "/" | "%") unary};  unary = ["+" | "-"] primary;
//   primary   = literal | "?" | path | name "(" [condition {"," condition}] ")"
//             | "(" condition ")" | "(" condition "," condition {"," condition} ")";
//   literal   = string | number | TRUE | FALSE | NULL | MISSING
//             | "[" … "]" | "<<" … ">>" | "{" string ":" … "}";
//   path      = name {"." name | "[" (digits | string) "]"};
//
// Children come before their parents in `nodes`, so that walking them ends; one operand's nodes lie
// together, the operand's own last. What parses may still mean nothing: translate.h and values.h
// say so.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "ddb/partiql/lexer.h"
#include "ddb/partiql/returning.h"

namespace offramp::ddb::partiql {

enum class NodeKind : uint8_t {
  kPath,    // parts [first, first + count)
  kString,  // `token`
  kNumber,  // `token`; count 1: negative
  kTrue,
  kFalse,
  kNull,
  kMissing,
  kParameter,   // `first` is its number in the statement
  kList,        // children: elements
  kBag,         // children: members
  kTuple,       // children: name, value, …
  kFunction,    // children: arguments; `token` is the name
  kArithmetic,  // children: one or two operands; `token` is + - * / % ||
  kLike,        // children: two operands
  kCompare,     // children: two operands; `token` is the comparator
  kBetween,     // children: value, lower, upper
  kIn,          // children: value, list
  kIsNull,      // child: value
  kIsMissing,   // child: value
  kAnd,         // children: two conditions
  kOr,
  kNot,  // child: one condition
};

struct SyntaxNode {
  NodeKind kind;
  uint32_t token = 0;  // where it stands, for errors; and as above
  uint32_t first = 0, count = 0;
};

struct PathPart {
  std::string_view name;  // decoded
  uint32_t index = 0;
  bool is_index = false;
};

enum class StatementKind : uint8_t { kSelect, kInsert, kUpdate, kDelete, kExists };

struct OrderKey {
  std::string_view name;
  bool descending = false;
};

struct Change {
  uint32_t path;                  // node
  std::optional<uint32_t> value;  // node; none: REMOVE
};

struct Syntax {
  std::string_view text;
  std::vector<Token> tokens;
  std::vector<SyntaxNode> nodes;
  std::vector<uint32_t> children;
  std::vector<PathPart> parts;

  StatementKind kind = StatementKind::kSelect;
  std::string_view table, index;   // decoded; empty: no index
  std::vector<uint32_t> selected;  // nodes; empty: *
  std::optional<uint32_t> where, item;
  std::vector<OrderKey> order;
  std::vector<Change> changes;
  Returning returning = Returning::kNothing;
  uint32_t parameters = 0;

  const SyntaxNode& child(const SyntaxNode& node, uint32_t n) const {
    return nodes[children[node.first + n]];
  }
  const Token& token_of(const SyntaxNode& node) const { return tokens[node.token]; }
  std::string position_of(const SyntaxNode& node) const { return position(text, token_of(node)); }
};

// Parentheses, brackets and NOTs inside one another.
constexpr int kDepthMax = 100;

// `text` and `arena`, which gets decoded names, must outlive the tree.
Result<Syntax> parse_syntax(std::string_view text, base::Arena& arena);

// Takes the doubling of quotes back; without any, the text itself.
std::string_view decoded(std::string_view text, char quote, base::Arena& arena);

}  // namespace offramp::ddb::partiql
