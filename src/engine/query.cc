// Query: the items of one partition of a table or an index, in the order of the sort key, a page at
// a time.
//
// The order of the checks is the service's, as far as its answers show it: the request's own parts
// first; then table and index; the start key, whose checks stand between those of the key
// condition; then the rest.
#include "ddb/number.h"
#include "ddb/scalar_order.h"
#include "engine/error.h"
#include "engine/page.h"
#include "engine/register.h"

namespace offramp::engine {
namespace {

using namespace shapes;
using ddb::expression::KeyCondition;
using ddb::expression::KeyExpression;
using ddb::expression::KeyPart;
using Range = KeyCondition::Range;

constexpr Member kQueryMembers[] = {{"TableName", &kString},
                                    {"IndexName", &kString},
                                    {"Select", &kString},
                                    {"AttributesToGet", &kStrings},
                                    {"Limit", &kInteger},
                                    {"ConsistentRead", &kBoolean},
                                    {"KeyConditions", &kLegacyConditions},
                                    {"QueryFilter", &kLegacyConditions},
                                    {"ConditionalOperator", &kString},
                                    {"ScanIndexForward", &kBoolean},
                                    {"ExclusiveStartKey", &kAttributeMap},
                                    {"ReturnConsumedCapacity", &kString},
                                    {"ProjectionExpression", &kString},
                                    {"FilterExpression", &kString},
                                    {"KeyConditionExpression", &kString},
                                    {"ExpressionAttributeNames", &kStringMap},
                                    {"ExpressionAttributeValues", &kAttributeMap}};
constexpr Shape kQueryShape = structure(kQueryMembers, "QueryInput");

// What the request says, before any table is looked at.
struct QueryParts {
  PageShape shape;
  ddb::ItemView start;
  std::optional<LegacyKeyConditions> legacy_keys;
  std::optional<KeyExpression> keys;
};

Status check_constraints(Json root) {
  Constraints constraints;
  // The one constraint that is told without its value.
  if (root["Limit"] && root["Limit"].integer() < 1)
    constraints.fail("", "Limit", "Member must have value greater than or equal to 1");
  constrain_conditions(root["QueryFilter"], "queryFilter", constraints);
  constrain_conditions(root["KeyConditions"], "keyConditions", constraints);
  TRY(constrain_page(root, constraints));
  return constraints.done();
}

// KeyConditions only counts as mixed with its own expression.
Status check_mixed(Json root) {
  if (root["KeyConditionExpression"])
    return refuse_mixed(root,
                        {"AttributesToGet", "QueryFilter", "ConditionalOperator", "KeyConditions"},
                        {"ProjectionExpression", "FilterExpression", "KeyConditionExpression"});
  return refuse_mixed(root, {"AttributesToGet", "QueryFilter", "ConditionalOperator"},
                      {"ProjectionExpression", "FilterExpression"});
}

Status read_parts(Context& context, QueryParts& parts) {
  const Json root = context.request.root();
  TRY(check_constraints(root));
  TRY(check_mixed(root));
  const Json key_text = root["KeyConditionExpression"];
  ExpressionUse use;
  use.has_value_expression = key_text || root["FilterExpression"];
  use.has_expression = use.has_value_expression || root["ProjectionExpression"];
  use.without = "FilterExpression and KeyConditionExpression are null";
  const auto placeholders = [&] {
    return read_placeholders(context.request, root["ExpressionAttributeNames"],
                             root["ExpressionAttributeValues"], use, context.placeholders);
  };
  if (!use.has_value_expression) TRY(placeholders());
  parts.shape.legacy_filter = TRY(read_filter(context.request, "QueryFilter"));
  TRY(read_page_attributes(root, parts.shape));
  parts.start = TRY(read_start_key(context.request));
  if (!key_text) {
    if (!root["KeyConditions"])
      return validation(
          "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
          "request.");
    parts.legacy_keys = TRY(LegacyKeyConditions::read(context.request));
  }
  if (use.has_value_expression) TRY(placeholders());
  if (key_text) parts.keys = TRY(KeyExpression::parse(key_text.text(), context.placeholders));
  TRY(read_page_expressions(context, parts.shape));
  return context.placeholders.check_all_used();
}

// The queried key, as the expressions want it. The names live in the table.
struct QueriedKey {
  std::vector<KeyPart> partition, sort;
  explicit QueriedKey(const IndexView& view) {
    const Table& table = view.table();
    if (view.is_table()) {
      partition.push_back({table.partition().name, table.partition().type});
      if (table.sort()) sort.push_back({table.sort()->name, table.sort()->type});
      return;
    }
    for (const model::KeyAttribute& key : view.index().partition)
      partition.push_back({key.name, key.type});
    for (const model::KeyAttribute& key : view.index().sort) sort.push_back({key.name, key.type});
  }
};

Status check_start_parts(const std::vector<KeyPart>& parts, ddb::ItemView start) {
  for (const KeyPart& part : parts) {
    const ddb::ValueView value = start.find(part.name);
    if (!value) return validation("The provided starting key is invalid");
    if (value.type() != part.type)
      return validation("The provided key element does not match the schema");
  }
  return {};
}

// The key expression does not know whose key it is bound to: an index's keys are named as such.
Error named_as_index_key(const IndexView& view, const Error& error) {
  constexpr std::string_view kStart =
      "One or more parameter values are not valid. The AttributeValue for a key attribute cannot ";
  constexpr std::string_view kKey = " Key: ";
  const std::string& text = error.message();
  const size_t key = text.rfind(kKey);
  if (view.is_table() || !text.starts_with(kStart) || key == std::string::npos) return error;
  const size_t second = text.find("The AttributeValue");
  return validation(text.substr(0, second) +
                    "A value specified for a secondary index key is not supported. " +
                    text.substr(second, key - second) + " IndexName: " + view.index().name +
                    ", IndexKey: " + text.substr(key + kKey.size()));
}

// The start key's checks and the key condition's errors, in the service's order: a start key
// without the right partition key, a condition without one, the rest of the start key, the rest of
// the condition.
Result<KeyCondition> bind_keys(Json root, const IndexView& view, const QueriedKey& key,
                               const QueryParts& parts) {
  const ddb::ItemView start = parts.start;
  if (start) {
    if (!start_key_fits(view, start)) return validation("The provided starting key is invalid");
    TRY(check_start_parts(key.partition, start));
  }
  auto bound = parts.keys ? parts.keys->bind(key.partition, key.sort)
                          : parts.legacy_keys->bind(key.partition, key.sort);
  if (!bound.ok() && bound.error().message() == "Query condition missed key schema element: " +
                                                    std::string(key.partition[0].name))
    return bound;
  if (start) TRY(check_start_parts(key.sort, start));
  TRY(check_select(root, view));
  if (start) TRY(check_start_values(view, start));
  if (!bound.ok()) return named_as_index_key(view, bound.error());
  return bound;
}

Status check_values(const IndexView& view, const QueriedKey& key, const KeyCondition& condition) {
  for (size_t i = 0; i < key.partition.size(); ++i)
    TRY(check_key_value(view, key.partition[i].name, KeyRole::kPartition, condition.partition[i]));
  for (size_t i = 0; i < condition.sort_equal.size(); ++i)
    TRY(check_key_value(view, key.sort[i].name, KeyRole::kSort, condition.sort_equal[i]));
  if (condition.range == Range::kNone) return {};
  const std::string_view name = key.sort[condition.sort_equal.size()].name;
  TRY(check_key_value(view, name, KeyRole::kSort, condition.first));
  if (condition.second) TRY(check_key_value(view, name, KeyRole::kSort, condition.second));
  return {};
}

bool in_range(const KeyCondition& condition, ddb::ValueView value) {
  switch (condition.range) {
    case Range::kNone:
      return true;
    case Range::kLess:
      return ddb::compare_scalars(value, condition.first) < 0;
    case Range::kLessEqual:
      return ddb::compare_scalars(value, condition.first) <= 0;
    case Range::kGreater:
      return ddb::compare_scalars(value, condition.first) > 0;
    case Range::kGreaterEqual:
      return ddb::compare_scalars(value, condition.first) >= 0;
    case Range::kBetween:
      return ddb::compare_scalars(value, condition.first) >= 0 &&
             ddb::compare_scalars(value, condition.second) <= 0;
    case Range::kBeginsWith:
      return value.bytes().starts_with(condition.first.bytes());
  }
  return false;
}

// The start key must be an item that the query could have returned.
Status check_boundaries(const QueriedKey& key, const KeyCondition& condition, ddb::ItemView start) {
  for (size_t i = 0; i < key.partition.size(); ++i)
    if (!ddb::equal(start.find(key.partition[i].name), condition.partition[i]))
      return validation(
          "The provided starting key is outside query boundaries based on provided conditions");
  bool inside = true;
  for (size_t i = 0; i < condition.sort_equal.size(); ++i)
    inside = inside && ddb::equal(start.find(key.sort[i].name), condition.sort_equal[i]);
  if (condition.range != Range::kNone)
    inside = inside && in_range(condition, start.find(key.sort[condition.sort_equal.size()].name));
  if (!inside)
    return validation("The provided starting key does not match the range key predicate");
  return {};
}

// Filters must leave the queried key alone.
Status check_filter_keys(const PageShape& shape, const QueriedKey& key) {
  for (const auto* parts : {&key.partition, &key.sort})
    for (const KeyPart& part : *parts) {
      const std::string name(part.name);
      if (shape.filter && shape.filter->reads(std::span(&part.name, 1)))
        return validation(
            "Filter Expression can only contain non-primary key attributes: Primary key "
            "attribute: " +
            name);
      for (std::string_view attribute : shape.legacy_filter.attributes())
        if (attribute == part.name)
          return validation(
              "QueryFilter can only contain non-primary key attributes: Primary key attribute: " +
              name);
    }
  return {};
}

void set_range(const KeyCondition& condition, target::PageRequest& request) {
  request.partition = condition.partition;
  request.sort_equal = condition.sort_equal;
  const target::SortBound first{{condition.first}, true};
  switch (condition.range) {
    case Range::kNone:
      break;
    case Range::kLess:
    case Range::kLessEqual:
      request.upper = first;
      request.upper->inclusive = condition.range == Range::kLessEqual;
      break;
    case Range::kGreater:
    case Range::kGreaterEqual:
      request.lower = first;
      request.lower->inclusive = condition.range == Range::kGreaterEqual;
      break;
    case Range::kBetween:
      request.lower = first;
      request.upper = target::SortBound{{condition.second}, true};
      break;
    case Range::kBeginsWith:
      request.prefix = condition.first;
      break;
  }
}

Status query(Context& context) {
  const Json root = context.request.root();
  QueryParts parts;
  TRY(read_parts(context, parts));
  const TableRef table = TRY(table_to_read(context));
  const IndexView view = TRY(find_view(root, *table));
  const QueriedKey key(view);
  const KeyCondition condition = TRY(bind_keys(root, view, key, parts));
  TRY(check_values(view, key, condition));
  if (parts.start) TRY(check_boundaries(key, condition, parts.start));
  TRY(check_shape(parts.shape, view));
  TRY(check_filter_keys(parts.shape, key));
  TRY(check_filter_projected(parts.shape, view));
  target::PageRequest request;
  set_range(condition, request);
  request.after = parts.start;
  request.forward = root["ScanIndexForward"].boolean(true);
  return PageReader(context, view, parts.shape).run(request, [&](ddb::ItemView last) {
    return can_follow(view, request, last);
  });
}

}  // namespace

void register_query(Dispatch& dispatch) { dispatch["Query"] = {&kQueryShape, query}; }

}  // namespace offramp::engine
