// Expected, QueryFilter, ScanFilter: read, checked, asked of items.
#include "engine/legacy.h"

#include <algorithm>
#include <array>

#include "ddb/number.h"
#include "ddb/scalar_order.h"
#include "engine/error.h"

namespace offramp::engine {
namespace {

using Op = LegacyCondition::Op;

struct OpName {
  std::string_view name;
  Op op;
};
// In the order of the service's message.
constexpr std::array<OpName, 13> kOps{{{"IN", Op::kIn},
                                       {"NULL", Op::kNull},
                                       {"BETWEEN", Op::kBetween},
                                       {"LT", Op::kLt},
                                       {"NOT_CONTAINS", Op::kNotContains},
                                       {"EQ", Op::kEq},
                                       {"GT", Op::kGt},
                                       {"NOT_NULL", Op::kNotNull},
                                       {"NE", Op::kNe},
                                       {"LE", Op::kLe},
                                       {"BEGINS_WITH", Op::kBeginsWith},
                                       {"GE", Op::kGe},
                                       {"CONTAINS", Op::kContains}}};
constexpr std::string_view kOpSet =
    "[IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]";

const OpName* find_op(std::string_view name) {
  const auto at =
      std::find_if(kOps.begin(), kOps.end(), [&](const OpName& op) { return op.name == name; });
  return at == kOps.end() ? nullptr : at;
}

// Present and not empty: an empty map or list counts as not given.
bool given(Json json) {
  return json && (!(json.is_object() || json.is_array()) || json.size() > 0);
}

bool is_comparable(ddb::Type type) {
  return type == ddb::Type::kS || type == ddb::Type::kN || type == ddb::Type::kB;
}

bool takes(Op op, ddb::Type type) {
  switch (op) {
    case Op::kLt:
    case Op::kLe:
    case Op::kGt:
    case Op::kGe:
    case Op::kBetween:
    case Op::kIn:
      return is_comparable(type);
    case Op::kBeginsWith:
      return type == ddb::Type::kS || type == ddb::Type::kB;
    case Op::kContains:
    case Op::kNotContains:
      return !ddb::is_container(type);
    default:
      return true;
  }
}

bool takes_count(Op op, size_t values) {
  switch (op) {
    case Op::kNull:
    case Op::kNotNull:
      return values == 0;
    case Op::kBetween:
      return values == 2;
    case Op::kIn:
      return values >= 1;
    default:
      return values == 1;
  }
}

Status check_values(const OpName& op, const std::vector<ddb::ValueView>& values) {
  if (!takes_count(op.op, values.size()))
    return invalid_parameter("Invalid number of argument(s) for the " + std::string(op.name) +
                             " ComparisonOperator");
  for (ddb::ValueView value : values)
    if (!takes(op.op, value.type()))
      return invalid_parameter("ComparisonOperator " + std::string(op.name) + " is not valid for " +
                               std::string(ddb::type_tag(value.type())) + " AttributeValue type");
  for (ddb::ValueView value : values)
    if (value.type() != values[0].type())
      return invalid_parameter("AttributeValues inside AttributeValueList must be of same type");
  if (op.op == Op::kBetween && ddb::compare_scalars(values[0], values[1]) > 0)
    return validation(
        "The BETWEEN condition was provided a range where the lower bound is greater than the "
        "upper bound");
  return {};
}

Status read_values(Request& request, Json list, std::vector<ddb::ValueView>& out) {
  return for_each_element(list, [&](Json value) -> Status {
    out.push_back(TRY(request.value(value)));
    return {};
  });
}

Status check_attribute(std::string_view attribute) {
  if (attribute.empty()) return validation("Empty attribute name");
  return {};
}

Status read_condition(Request& request, std::string_view attribute, Json json,
                      std::vector<LegacyCondition::Condition>& out) {
  TRY(check_attribute(attribute));
  LegacyCondition::Condition made{attribute, Op::kEq, {}};
  TRY(read_values(request, json["AttributeValueList"], made.values));
  const OpName* op = find_op(json["ComparisonOperator"].text());
  if (!op) return validation("Comparison type does not exist in DynamoDB");
  TRY(check_values(*op, made.values));
  made.op = op->op;
  out.push_back(std::move(made));
  return {};
}

Error expected_error(std::string text, std::string_view attribute) {
  return invalid_parameter(text + " for Attribute: " + std::string(attribute));
}

// Value and Exists, without a ComparisonOperator.
Status read_exists(std::string_view attribute, Json json, bool has_list,
                   LegacyCondition::Condition& made) {
  if (has_list)
    return expected_error("AttributeValueList can only be used with a ComparisonOperator",
                          attribute);
  const Json exists = json["Exists"];
  if (exists && !exists.boolean()) {
    if (!made.values.empty())
      return expected_error("Value cannot be used when Exists is false", attribute);
    made.op = Op::kNull;
    return {};
  }
  if (made.values.empty())
    return expected_error(exists ? "Value must be provided when Exists is true"
                                 : "Value must be provided when Exists is null",
                          attribute);
  made.op = Op::kEq;
  return {};
}

Status read_expected_value(Request& request, std::string_view attribute, Json json,
                           std::vector<LegacyCondition::Condition>& out) {
  TRY(check_attribute(attribute));
  LegacyCondition::Condition made{attribute, Op::kEq, {}};
  const Json value = json["Value"], list = json["AttributeValueList"];
  const Json name = json["ComparisonOperator"];
  if (value) made.values.push_back(TRY(request.value(value)));
  TRY(read_values(request, list, made.values));
  if (name && json["Exists"])
    return expected_error("Exists and ComparisonOperator cannot be used together", attribute);
  if (value && list)
    return expected_error("Value and AttributeValueList cannot be used together", attribute);
  if (!name) {
    TRY(read_exists(attribute, json, static_cast<bool>(list), made));
  } else {
    const OpName* op = find_op(name.text());
    const bool needs_none = op && (op->op == Op::kNull || op->op == Op::kNotNull);
    if (!value && !list && !needs_none)
      return expected_error("Value or AttributeValueList must be used with ComparisonOperator: " +
                                std::string(name.text()),
                            attribute);
    if (!op) return validation("Comparison type does not exist in DynamoDB");
    TRY(check_values(*op, made.values));
    made.op = op->op;
  }
  out.push_back(std::move(made));
  return {};
}

Status read_operator(Json conditional_operator, size_t conditions, bool& any) {
  if (!conditional_operator) return {};
  if (conditions == 0)
    return validation("ConditionalOperator cannot be used without Filter or Expected");
  if (conditions == 1)
    return validation(
        "ConditionalOperator can only be used when Filter or Expected has two or more elements");
  any = conditional_operator.text() == "OR";
  return {};
}

bool contains(ddb::ValueView whole, ddb::ValueView part) {
  if (whole.type() == ddb::Type::kS || whole.type() == ddb::Type::kB)
    return part.type() == whole.type() && whole.bytes().find(part.bytes()) != std::string::npos;
  if (ddb::is_set(whole.type()) && part.type() != ddb::member_type(whole.type())) return false;
  if (!ddb::is_set(whole.type()) && whole.type() != ddb::Type::kL) return false;
  for (ddb::ValueView element : whole)
    if (ddb::equal(element, part)) return true;
  return false;
}

}  // namespace

Status refuse_mixed(Json of, std::initializer_list<std::string_view> legacy,
                    std::initializer_list<std::string_view> expressions) {
  const auto list = [&](std::initializer_list<std::string_view> names) {
    std::string text;
    for (std::string_view name : names)
      if (given(of[name])) text.append(text.empty() ? "" : ", ").append(name);
    return text;
  };
  const std::string old_ones = list(legacy), new_ones = list(expressions);
  if (old_ones.empty() || new_ones.empty()) return {};
  return validation(
      "Can not use both expression and non-expression parameters in the same request: "
      "Non-expression parameters: {" +
      old_ones + "} Expression parameters: {" + new_ones + "}");
}

bool LegacyCondition::holds(const Condition& condition, ddb::ValueView value) {
  const std::vector<ddb::ValueView>& values = condition.values;
  if (!value) return condition.op == Op::kNull || condition.op == Op::kNe;
  const auto ordered = [&](size_t n) -> std::optional<std::strong_ordering> {
    if (value.type() != values[n].type()) return std::nullopt;
    return ddb::compare_scalars(value, values[n]);
  };
  switch (condition.op) {
    case Op::kNull:
      return false;
    case Op::kNotNull:
      return true;
    case Op::kEq:
      return ddb::equal(value, values[0]);
    case Op::kNe:
      return !ddb::equal(value, values[0]);
    case Op::kLe:
      return ordered(0) && *ordered(0) <= 0;
    case Op::kLt:
      return ordered(0) && *ordered(0) < 0;
    case Op::kGe:
      return ordered(0) && *ordered(0) >= 0;
    case Op::kGt:
      return ordered(0) && *ordered(0) > 0;
    case Op::kBetween:
      return ordered(0) && *ordered(0) >= 0 && *ordered(1) <= 0;
    case Op::kIn:
      return std::any_of(values.begin(), values.end(),
                         [&](ddb::ValueView choice) { return ddb::equal(value, choice); });
    case Op::kContains:
      return contains(value, values[0]);
    case Op::kNotContains:
      return !contains(value, values[0]);
    case Op::kBeginsWith:
      return value.type() == values[0].type() && value.bytes().starts_with(values[0].bytes());
  }
  return false;
}

bool LegacyCondition::evaluate(ddb::ItemView item) const {
  for (const Condition& condition : conditions_) {
    const ddb::ValueView value = item ? item.find(condition.attribute) : ddb::ValueView();
    if (holds(condition, value) == any_) return any_;
  }
  return !any_ || conditions_.empty();
}

std::vector<std::string_view> LegacyCondition::attributes() const {
  std::vector<std::string_view> out;
  for (const Condition& condition : conditions_) out.push_back(condition.attribute);
  return out;
}

Result<LegacyCondition> read_expected(Request& request) {
  LegacyCondition made;
  TRY(for_each_member(request["Expected"], [&](std::string_view attribute, Json json) {
    return read_expected_value(request, attribute, json, made.conditions_);
  }));
  TRY(read_operator(request["ConditionalOperator"], made.conditions_.size(), made.any_));
  return made;
}

Result<LegacyCondition> read_filter(Request& request, std::string_view member) {
  LegacyCondition made;
  made.conditions_ = TRY(read_legacy_conditions(request, request[member]));
  TRY(read_operator(request["ConditionalOperator"], made.conditions_.size(), made.any_));
  return made;
}

Result<std::vector<LegacyCondition::Condition>> read_legacy_conditions(Request& request,
                                                                       Json conditions) {
  std::vector<LegacyCondition::Condition> made;
  TRY(for_each_member(conditions, [&](std::string_view attribute, Json json) {
    return read_condition(request, attribute, json, made);
  }));
  return made;
}

Result<std::vector<std::string_view>> read_attributes_to_get(Json of) {
  std::vector<std::string_view> names;
  TRY(for_each_element(of["AttributesToGet"], [&](Json json) -> Status {
    const std::string_view name = json.text();
    TRY(check_attribute(name));
    if (std::find(names.begin(), names.end(), name) != names.end())
      return invalid_parameter("Duplicate value in attribute name: " + std::string(name));
    names.push_back(name);
    return {};
  }));
  return names;
}

void constrain_conditions(Json conditions, std::string_view path, Constraints& constraints) {
  if (!conditions.is_object()) return;
  for (simdjson::dom::key_value_pair field : conditions.object()) {
    const Json op = Json(field.value)["ComparisonOperator"];
    const std::string at =
        std::string(path) + "." + std::string(field.key) + ".member.comparisonOperator";
    if (constraints.not_null(op, at) && !find_op(op.text()))
      constraints.fail("'" + std::string(op.text()) + "'", at,
                       "Member must satisfy enum value set: " + std::string(kOpSet));
  }
}

void constrain_expected(Json expected, Constraints& constraints) {
  if (!expected.is_object()) return;
  for (simdjson::dom::key_value_pair field : expected.object()) {
    const Json op = Json(field.value)["ComparisonOperator"];
    if (op && !find_op(op.text()))
      constraints.fail("'" + std::string(op.text()) + "'",
                       "expected." + std::string(field.key) + ".member.comparisonOperator",
                       "Member must satisfy enum value set: " + std::string(kOpSet));
  }
}

void constrain_updates(Json updates, Constraints& constraints) {
  if (!updates.is_object()) return;
  for (simdjson::dom::key_value_pair field : updates.object())
    constraints.one_of(Json(field.value)["Action"],
                       "attributeUpdates." + std::string(field.key) + ".member.action",
                       {"ADD", "DELETE", "PUT"});
}

}  // namespace offramp::engine
