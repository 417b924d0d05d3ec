// The adapter to ddb/expression.
#include "mapping/match.h"

#include "ddb/expression/condition.h"

namespace offramp::mapping {

using ddb::expression::Condition;

Result<Match> Match::parse(std::string_view text) {
  Condition condition = TRY(Condition::parse_plan(text));
  Match match;
  match.condition_ = std::make_shared<const Condition>(std::move(condition));
  return match;
}

bool Match::holds(ddb::ItemView item) const { return !condition_ || condition_->evaluate(item); }

}  // namespace offramp::mapping
