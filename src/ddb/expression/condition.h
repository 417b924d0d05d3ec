// A DynamoDB condition expression: parsed and checked once, then asked of any number of items.
//
// What is true:
// - The semantics are the service's: types never compare across, a missing attribute makes every
// comparison false but
//   `<>`, sets and maps compare without order, numbers by value, text and binary by bytes.
// - What cannot be known to be wrong before an item is seen is false, not an error; what can is an
// error of parse().
// - A Condition is constant: copies share it and any thread may evaluate it. evaluate() allocates
// only to compare sets
//   and maps of more than 256 members (see ddb::equal).
// - Text, operators, nesting and operands are bounded by the constants below (C10).
// Errors are kConfig and name the byte of the text and what was expected there. Source: the
// developer guide's "Condition and filter expressions" and tests run against the service (reference
// notes, §2).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/value.h"

namespace offramp::ddb::expression {

constexpr size_t kExpressionBytesMax = 4096;
constexpr size_t kOperatorsMax = 300;
constexpr size_t kPathDepthMax = 32;
constexpr size_t kInOperandsMax = 100;  // with the one before IN
constexpr int kParenthesesMax = 100;    // the service forbids what could reach this

// What `#name` and `:value` stand for; keys with their '#' or ':'.
using Names = std::map<std::string, std::string, std::less<>>;
using Values = std::map<std::string, ValueView, std::less<>>;

enum class Dialect {
  kApi,   // what the service accepts
  kPlan,  // and also: literals ('it''s', 12.5, true, false, null), names in double quotes, reserved
          // words as names, redundant parentheses
};

struct Program;

class Condition {
 public:
  // The values are copied. Names and values that the text does not use are not an error here: a
  // request may hold several expressions.
  static Result<Condition> parse(std::string_view text, const Names& names, const Values& values,
                                 Dialect dialect = Dialect::kApi);
  // As a plan file's `match` writes it.
  static Result<Condition> parse_plan(std::string_view text) {
    return parse(text, {}, {}, Dialect::kPlan);
  }

  // A missing item is an item without attributes.
  bool evaluate(ItemView item) const;

  // The top-level attributes that it reads, sorted, each once.
  std::vector<std::string> attributes() const;

 private:
  explicit Condition(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace offramp::ddb::expression
