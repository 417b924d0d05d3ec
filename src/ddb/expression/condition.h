// A DynamoDB condition expression: parsed and checked once, then asked of any number of items.
//
// What is true:
// - The semantics are the service's: types never compare across, a missing attribute makes every
//   comparison false but `<>`, sets and maps compare without order, numbers by value, text and
//   binary by bytes.
// - What cannot be known to be wrong before an item is seen is false, not an error; what can is an
//   error of parsing.
// - A Condition is constant: copies share it and any thread may evaluate it. evaluate() allocates
//   only to compare sets and maps of more than 256 members (see ddb::equal).
// - Text, operators, nesting and operands are bounded by the constants below (C10).
// Errors are kConfig: of parse_api() with code "ValidationException" and the service's whole
// message, of parse_plan() with the byte of the text and what was expected there. Source: the
// developer guide's "Condition and filter expressions", tests run against the service (reference
// notes, §2) and the answers of DynamoDB Local.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/placeholders.h"
#include "ddb/value.h"

namespace offramp::ddb::expression {

constexpr size_t kExpressionBytesMax = 4096;
constexpr size_t kOperatorsMax = 300;
constexpr size_t kPathDepthMax = 32;
constexpr size_t kInOperandsMax = 100;  // behind IN
constexpr int kParenthesesMax = 100;    // the service forbids what could reach this

struct Program;
struct Syntax;

class Condition {
 public:
  // A request's ConditionExpression or FilterExpression; `kind` names which, for errors. The text
  // and what `placeholders` refers to must outlive the condition: nothing is copied.
  static Result<Condition> parse_api(std::string_view text, std::string_view kind,
                                     Placeholders& placeholders);
  // As a plan file's `match` writes it: also literals ('it''s', 12.5, true, false, null), names in
  // double quotes, reserved words as names, redundant parentheses; no placeholders. Owns its text.
  static Result<Condition> parse_plan(std::string_view text);
  // What another language's parser has made (ddb/partiql): checked as a request's, but for the
  // words, which that parser knows. Errors have no "Invalid …: " before them. Names and values must
  // outlive the condition, `syntax` and `placeholders` need not.
  static Result<Condition> of_syntax(const Syntax& syntax, Placeholders& placeholders);

  // A missing item is an item without attributes.
  bool evaluate(ItemView item) const;

  // The top-level attributes that it reads, sorted, each once.
  std::vector<std::string> attributes() const;
  // The first of `names` that it reads / that it reads below (`.` or `[]`; key attributes must be
  // scalars), in the order of the text.
  std::optional<std::string_view> reads(std::span<const std::string_view> names) const;
  std::optional<std::string_view> reads_below(std::span<const std::string_view> names) const;

 private:
  explicit Condition(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

}  // namespace offramp::ddb::expression
