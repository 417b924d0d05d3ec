// A checked condition as flat data: what the compiler makes and the evaluator reads. Private to
// this folder.
//
// Expressions refer to earlier expressions only, so walking them ends. Names and values point into
// the request, or into what the program owns (plan files).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "ddb/expression/path.h"
#include "ddb/value.h"

namespace offramp::ddb::expression {

enum class Op : uint8_t {
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kBetween,    // operands: value, lower, upper
  kIn,         // operands: value, choices…
  kExists,     // operand: path
  kNotExists,  // operand: path
  kType,       // operand: path; `type`
  kBeginsWith,
  kContains,
  kAnd,  // left, right
  kOr,   // left, right
  kNot,  // left
};

// A path, a value or size() of one of them.
struct Operand {
  bool is_path = false;
  bool is_size = false;
  PathRange path;
  ValueView value;
};

struct Expression {
  Op op = Op::kEqual;
  Type type = Type::kAbsent;         // kType only
  uint32_t token = 0;                // of the operator in the text
  uint32_t left = 0, right = 0;      // expressions, of kAnd, kOr, kNot
  uint32_t first = 0, operands = 0;  // operands [first, first + operands), of the others
};

struct Program {
  std::vector<PathElement> elements;
  std::vector<Operand> operands;
  std::vector<Expression> expressions;
  uint32_t root = 0;

  // A plan file's expression owns what it refers to.
  std::string text;
  std::unique_ptr<base::Arena> arena;
  std::vector<std::unique_ptr<Node>> literals;
};

bool evaluate(const Program& program, ItemView item);
// The first of `names` that a path of the program goes into with `.` or `[]`.
std::optional<std::string_view> reads_below(const Program& program,
                                            std::span<const std::string_view> names);

}  // namespace offramp::ddb::expression
