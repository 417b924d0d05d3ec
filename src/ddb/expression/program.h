// A parsed condition as flat data: what the parser makes and the evaluator reads. Private to this
// folder.
//
// Expressions refer to earlier expressions only, so walking them ends.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ddb/item_batch.h"
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

struct PathElement {
  std::string name;
  uint32_t index = 0;
  bool is_index = false;
  bool operator==(const PathElement&) const = default;
};

struct Operand {
  bool is_path = false;
  bool is_size = false;  // size(…) of the path or value
  uint32_t first = 0;    // path: elements [first, first + count); value: index of its node
  uint32_t count = 0;
};

struct Expression {
  Op op;
  Type type = Type::kAbsent;         // kType only
  uint32_t left = 0, right = 0;      // expressions, of kAnd, kOr, kNot
  uint32_t first = 0, operands = 0;  // operands [first, first + operands), of the others
};

struct Program {
  std::vector<PathElement> elements;
  std::vector<Operand> operands;
  std::vector<Expression> expressions;
  ItemBatch values;  // nodes of the values, and their bytes in its arena
  uint32_t root = 0;

  ValueView value(const Operand& operand) const {
    return ValueView(&const_cast<ItemBatch&>(values).nodes()[operand.first]);
  }
};

bool evaluate(const Program& program, ItemView item);

}  // namespace offramp::ddb::expression
