// A key condition expression: equality on every partition attribute of a table or index, and
// conditions on its sort attributes, left to right, of which the last used may be a range.
//
// It is parsed before the table is looked up, and bound to the table's or index's key afterwards:
// that is the service's order of errors. Errors are kConfig with code "ValidationException" and the
// service's whole message ("Invalid KeyConditionExpression: …" of parse(), "Query condition missed
// key schema element: pk", "Query key condition not supported", … of bind()).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/placeholders.h"
#include "ddb/value.h"

namespace offramp::ddb::expression {

// A key attribute's name and type, as the queried table or index has it.
struct KeyPart {
  std::string_view name;
  Type type = Type::kS;
};

struct KeyCondition {
  enum class Range { kNone, kLess, kLessEqual, kGreater, kGreaterEqual, kBetween, kBeginsWith };
  std::vector<ValueView> partition;   // in the order of the schema
  std::vector<ValueView> sort_equal;  // leading sort attributes that must be equal
  Range range = Range::kNone;         // on the sort attribute after those
  ValueView first, second;            // second: kBetween's upper bound
};

struct Program;

// Constant; refers to the request's bytes (text, names, values), which must outlive it.
class KeyExpression {
 public:
  static Result<KeyExpression> parse(std::string_view text, Placeholders& placeholders);
  // The first of `names` that it reads below (`.` or `[]`): the service looks at the table's keys
  // before bind(), which looks at those it is given.
  std::optional<std::string_view> reads_below(std::span<const std::string_view> names) const;
  // `index`: the name of the queried index, empty for the table.
  Result<KeyCondition> bind(const std::vector<KeyPart>& partition, const std::vector<KeyPart>& sort,
                            std::string_view index = {}) const;

 private:
  explicit KeyExpression(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const Program> program_;
};

// Both at once, for callers that know the key already.
Result<KeyCondition> parse_key_condition(std::string_view text, Placeholders& placeholders,
                                         const std::vector<KeyPart>& partition,
                                         const std::vector<KeyPart>& sort);

}  // namespace offramp::ddb::expression
