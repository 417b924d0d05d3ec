// The public face over syntax, checks, compiler and evaluator.
//
// Parsed expressions are not cached. Parsing and checking takes 0.3 µs for `#a = :a` and 1.6 µs for
// five terms with ten operands (one core, -O2); a request that reaches a database takes 20 µs and
// more. A cache would have to be asked with the text, the names, and the values' types (and
// BETWEEN's and attribute_type()'s values, which the checks read), so a hit would save well under a
// microsecond, and programs would have to copy what they now point to in the request.
#include "ddb/expression/condition.h"

#include <simdjson.h>

#include <algorithm>
#include <set>

#include "ddb/expression/compiler.h"

namespace offramp::ddb::expression {

Result<Condition> Condition::parse_api(std::string_view text, std::string_view kind,
                                       Placeholders& placeholders) {
  return Condition(
      TRY_CONTEXT("Invalid " + std::string(kind), compile_request(text, placeholders)));
}

Result<Condition> Condition::parse_plan(std::string_view text) {
  if (text.size() > kExpressionBytesMax)
    return bad_expression(kExpressionBytesMax, "the expression is longer than " +
                                                   std::to_string(kExpressionBytesMax) + " bytes");
  if (!simdjson::validate_utf8(text.data(), text.size()))
    return bad_expression(0, "the expression is not UTF-8");
  auto program = std::make_shared<Program>();
  program->text = text;
  const Syntax syntax = TRY(parse_condition_syntax(program->text, Dialect::kPlan));
  TRY(compile_plan(syntax, *program));
  return Condition(std::move(program));
}

Result<Condition> Condition::of_syntax(const Syntax& syntax, Placeholders& placeholders) {
  return Condition(TRY(compile_syntax(syntax, placeholders)));
}

bool Condition::evaluate(ItemView item) const { return expression::evaluate(*program_, item); }

std::vector<std::string> Condition::attributes() const {
  std::set<std::string> names;
  for (const Operand& operand : program_->operands)
    if (operand.is_path) names.emplace(program_->elements[operand.path.first].name);
  return {names.begin(), names.end()};
}

std::optional<std::string_view> Condition::reads(std::span<const std::string_view> names) const {
  for (const Operand& operand : program_->operands)
    if (operand.is_path)
      for (std::string_view name : names)
        if (program_->elements[operand.path.first].name == name) return name;
  return std::nullopt;
}

std::optional<std::string_view> reads_below(const Program& program,
                                            std::span<const std::string_view> names) {
  for (const Operand& operand : program.operands)
    if (operand.is_path)
      if (const auto found = first_below({&operand.path, 1}, program.elements, names)) return found;
  return std::nullopt;
}

std::optional<std::string_view> Condition::reads_below(
    std::span<const std::string_view> names) const {
  return ddb::expression::reads_below(*program_, names);
}

}  // namespace offramp::ddb::expression
