// The parameters of before expressions: Expected, ConditionalOperator, AttributeUpdates,
// KeyConditions, QueryFilter, ScanFilter, AttributesToGet.
//
// What is true:
// - Conditions know top-level attributes only. NULL and NOT_NULL ask whether the attribute is
// there, not for the type.
//   NE holds for a missing attribute, every other comparison does not (NOT_CONTAINS too).
// - What is read refers to the request's values, which must outlive it; then it is constant.
// - Empty maps and lists count as not given.
// Errors are ValidationExceptions with the service's text. Sources: the reference notes and answers
// of the service and of DynamoDB Local.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/key_condition.h"
#include "ddb/expression/update.h"
#include "ddb/item_batch.h"
#include "engine/constraints.h"
#include "engine/request.h"

namespace offramp::engine {

// "Can not use both expression and non-expression parameters in the same request: …". The names are
// the request's members in the order in which the service lists them. `of`: the object that has
// them (BatchGetItem's are per table).
Status refuse_mixed(Json of, std::initializer_list<std::string_view> legacy,
                    std::initializer_list<std::string_view> expressions);

// Expected, QueryFilter or ScanFilter with ConditionalOperator.
class LegacyCondition {
 public:
  bool empty() const { return conditions_.empty(); }
  // A missing item (an empty view) has no attributes.
  bool evaluate(ddb::ItemView item) const;
  // The attributes it asks of, in the request's order.
  std::vector<std::string_view> attributes() const;

  enum class Op : uint8_t {
    kEq,
    kNe,
    kLe,
    kLt,
    kGe,
    kGt,
    kBetween,
    kIn,
    kNotNull,
    kNull,
    kContains,
    kNotContains,
    kBeginsWith
  };
  struct Condition {
    std::string_view attribute;
    Op op = Op::kEq;
    std::vector<ddb::ValueView> values;
  };
  const std::vector<Condition>& conditions() const { return conditions_; }

 private:
  friend Result<LegacyCondition> read_expected(Request& request);
  friend Result<LegacyCondition> read_filter(Request& request, std::string_view member);
  static bool holds(const Condition& condition, ddb::ValueView value);

  std::vector<Condition> conditions_;
  bool any_ = false;  // OR
};

// The request's Expected and ConditionalOperator; empty() when there are none.
Result<LegacyCondition> read_expected(Request& request);
// QueryFilter or ScanFilter and ConditionalOperator.
Result<LegacyCondition> read_filter(Request& request, std::string_view member);

// The conditions of KeyConditions, QueryFilter or ScanFilter, without their operator.
Result<std::vector<LegacyCondition::Condition>> read_legacy_conditions(Request& request,
                                                                       Json conditions);

// KeyConditions: read before the table is known, bound to its key afterwards.
class LegacyKeyConditions {
 public:
  static Result<LegacyKeyConditions> read(Request& request);
  Result<ddb::expression::KeyCondition> bind(
      const std::vector<ddb::expression::KeyPart>& partition,
      const std::vector<ddb::expression::KeyPart>& sort) const;

 private:
  using Condition = LegacyCondition::Condition;
  using Parts = std::vector<ddb::expression::KeyPart>;
  const Condition* find(std::string_view attribute) const;
  Status check_present(const Parts& partition, const Parts& sort) const;
  Status check_many(const Parts& partition, const Parts& sort) const;
  Status check_usable(const Parts& partition, const Parts& sort) const;

  std::vector<Condition> conditions_;
};

// AttributeUpdates. It becomes update expressions: PUT is SET, ADD and DELETE are what they are
// called, DELETE without a value is REMOVE, ADD of a list appends. One request's; not thread-safe.
// Refers to the request.
class LegacyUpdate {
 public:
  // When the request has none (or an empty one) it changes nothing.
  static Result<LegacyUpdate> read(Request& request);

  bool empty() const { return attributes_.empty(); }
  // As ddb::expression::Update's. The new item also refers to this object's memory.
  const std::vector<std::string_view>& written_attributes() const { return attributes_; }
  bool only_removes() const { return only_removes_; }
  Status apply(ddb::ItemView old, ddb::ItemView key, ddb::ItemBatch& out);
  // The attributes among those it writes that `item` has; false when there are none.
  bool touched(ddb::ItemView item, ddb::ItemBatch& out) const;

 private:
  struct Change {
    std::string_view attribute, action;
    ddb::ValueView value;  // empty: DELETE of the whole attribute
  };
  Status add_part(Request& request, const Change* first, const Change* last);

  std::vector<std::string_view> attributes_;
  std::vector<ddb::expression::Update> parts_;
  std::vector<std::unique_ptr<ddb::ItemBatch>> between_;  // what all parts but the last made
  bool only_removes_ = false;
};

// AttributesToGet of `of`: the names, or none when it is not given. "Duplicate value in attribute
// name: a".
Result<std::vector<std::string_view>> read_attributes_to_get(Json of);

// The constraints on these parameters, for the request's "N validation errors detected".
void constrain_expected(Json expected, Constraints& constraints);
void constrain_conditions(Json conditions, std::string_view path, Constraints& constraints);
void constrain_updates(Json updates, Constraints& constraints);

namespace shapes {
inline constexpr Member kLegacyConditionMembers[] = {{"AttributeValueList", &kAttributeValues},
                                                     {"ComparisonOperator", &kString}};
inline constexpr Shape kLegacyCondition = structure(kLegacyConditionMembers, "Condition");
// KeyConditions, QueryFilter, ScanFilter.
inline constexpr Shape kLegacyConditions = map_of(kLegacyCondition);
inline constexpr Member kExpectedValueMembers[] = {{"Value", &kAttributeValue},
                                                   {"Exists", &kBoolean},
                                                   {"ComparisonOperator", &kString},
                                                   {"AttributeValueList", &kAttributeValues}};
inline constexpr Shape kExpectedValue = structure(kExpectedValueMembers, "ExpectedAttributeValue");
inline constexpr Shape kExpected = map_of(kExpectedValue);
inline constexpr Member kValueUpdateMembers[] = {{"Value", &kAttributeValue}, {"Action", &kString}};
inline constexpr Shape kValueUpdate = structure(kValueUpdateMembers, "AttributeValueUpdate");
inline constexpr Shape kAttributeUpdates = map_of(kValueUpdate);
}  // namespace shapes

}  // namespace offramp::engine
