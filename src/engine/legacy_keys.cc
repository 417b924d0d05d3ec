// KeyConditions, bound to the key of a table or an index.
//
// Keys of one partition and at most one sort attribute keep the service's older messages; keys of
// several attributes have messages of their own.
#include <algorithm>

#include "engine/error.h"
#include "engine/legacy.h"

namespace offramp::engine {

using ddb::expression::KeyCondition;
using ddb::expression::KeyPart;
using Op = LegacyCondition::Op;

namespace {

Error not_supported() { return validation("Query key condition not supported"); }

std::optional<KeyCondition::Range> range_of(Op op) {
  switch (op) {
    case Op::kLt:
      return KeyCondition::Range::kLess;
    case Op::kLe:
      return KeyCondition::Range::kLessEqual;
    case Op::kGt:
      return KeyCondition::Range::kGreater;
    case Op::kGe:
      return KeyCondition::Range::kGreaterEqual;
    case Op::kBetween:
      return KeyCondition::Range::kBetween;
    case Op::kBeginsWith:
      return KeyCondition::Range::kBeginsWith;
    default:
      return std::nullopt;
  }
}

bool has_part(const std::vector<KeyPart>& parts, std::string_view name) {
  return std::any_of(parts.begin(), parts.end(), [&](const KeyPart& p) { return p.name == name; });
}

}  // namespace

Result<LegacyKeyConditions> LegacyKeyConditions::read(Request& request) {
  LegacyKeyConditions made;
  made.conditions_ = TRY(read_legacy_conditions(request, request["KeyConditions"]));
  if (made.conditions_.empty()) return validation("Conditions must be at least length 1");
  return made;
}

const LegacyCondition::Condition* LegacyKeyConditions::find(std::string_view attribute) const {
  for (const Condition& condition : conditions_)
    if (condition.attribute == attribute) return &condition;
  return nullptr;
}

Status LegacyKeyConditions::check_present(const Parts& partition, const Parts& sort) const {
  if (conditions_.size() > 2) return validation("Conditions can be of length 1 or 2 only");
  const auto missed = [](std::string_view name) {
    return validation("Query condition missed key schema element: " + std::string(name));
  };
  if (!find(partition[0].name)) return missed(partition[0].name);
  if (conditions_.size() == 1) return {};
  if (sort.empty()) return not_supported();
  if (!find(sort[0].name)) return missed(sort[0].name);
  return {};
}

Status LegacyKeyConditions::check_many(const Parts& partition, const Parts& sort) const {
  std::string missing;
  const auto note = [&missing](std::string_view name) {
    missing.append(missing.empty() ? "" : ", ").append(name);
  };
  for (const KeyPart& part : partition)
    if (const Condition* condition = find(part.name); !condition || condition->op != Op::kEq)
      note(part.name);
  if (!missing.empty())
    return validation("HASH key attributes " + missing +
                      " must have equality conditions specified in the query");
  for (const Condition& condition : conditions_)
    if (!has_part(partition, condition.attribute) && !has_part(sort, condition.attribute))
      return not_supported();
  size_t used = 0;
  for (size_t i = 0; i < sort.size(); ++i)
    if (find(sort[i].name)) used = i + 1;
  for (size_t i = 0; i + 1 < used; ++i)
    if (const Condition* condition = find(sort[i].name); !condition || condition->op != Op::kEq)
      note(sort[i].name);
  if (!missing.empty())
    return validation("RANGE key attributes " + missing +
                      " must have equality conditions specified in the query because a condition "
                      "is present on key attribute " +
                      std::string(sort[used - 1].name));
  return {};
}

Status LegacyKeyConditions::check_usable(const Parts& partition, const Parts& sort) const {
  for (const Condition& condition : conditions_)
    if (condition.op != Op::kEq && !range_of(condition.op))
      return validation("Attempted conditional constraint is not an indexable operation");
  for (const Parts* parts : {&partition, &sort})
    for (const KeyPart& part : *parts)
      if (const Condition* condition = find(part.name))
        for (ddb::ValueView value : condition->values)
          if (value.type() != part.type)
            return invalid_parameter("Condition parameter type does not match schema type");
  for (const KeyPart& part : partition)
    if (find(part.name)->op != Op::kEq) return not_supported();
  return {};
}

Result<KeyCondition> LegacyKeyConditions::bind(const Parts& partition, const Parts& sort) const {
  const bool many = partition.size() > 1 || sort.size() > 1;
  TRY(many ? check_many(partition, sort) : check_present(partition, sort));
  TRY(check_usable(partition, sort));
  KeyCondition made;
  for (const KeyPart& part : partition) made.partition.push_back(find(part.name)->values[0]);
  for (const KeyPart& part : sort) {
    const Condition* condition = find(part.name);
    if (!condition) break;
    if (condition->op == Op::kEq) {
      made.sort_equal.push_back(condition->values[0]);
      continue;
    }
    made.range = *range_of(condition->op);
    made.first = condition->values[0];
    if (made.range == KeyCondition::Range::kBetween) made.second = condition->values[1];
    break;
  }
  return made;
}

}  // namespace offramp::engine
