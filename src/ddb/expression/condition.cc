// The public face over lexer, parser and evaluator.
#include "ddb/expression/condition.h"

#include <simdjson.h>

#include <set>

#include "ddb/expression/lexer.h"
#include "ddb/expression/parser.h"
#include "ddb/expression/program.h"

namespace offramp::ddb::expression {

Result<Condition> Condition::parse(std::string_view text, const Names& names, const Values& values,
                                   Dialect dialect) {
  if (text.size() > kExpressionBytesMax)
    return bad_expression(kExpressionBytesMax, "the expression is longer than " +
                                                   std::to_string(kExpressionBytesMax) + " bytes");
  if (!simdjson::validate_utf8(text.data(), text.size()))
    return bad_expression(0, "the expression is not UTF-8");
  Parser parser(TRY(tokenize(text)), names, values, dialect);
  return Condition(std::make_shared<const Program>(TRY(parser.parse())));
}

bool Condition::evaluate(ItemView item) const { return expression::evaluate(*program_, item); }

std::vector<std::string> Condition::attributes() const {
  std::set<std::string> names;
  for (const Operand& operand : program_->operands)
    if (operand.is_path) names.insert(program_->elements[operand.first].name);
  return {names.begin(), names.end()};
}

}  // namespace offramp::ddb::expression
