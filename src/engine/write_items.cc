// PutItem, UpdateItem, DeleteItem.
//
// The answer is made while the store decides, because the old item lives no longer; a decision that
// is made again makes the answer again.
#include "engine/capacity.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/write_action.h"

namespace offramp::engine {
namespace {

using namespace shapes;
using Kind = WriteAction::Kind;
using Touched = ddb::expression::Update::Touched;

constexpr Member kPutMembers[] = {{"TableName", &kString},
                                  {"Item", &kAttributeMap},
                                  {"Expected", &kExpected},
                                  {"ReturnValues", &kString},
                                  {"ReturnConsumedCapacity", &kString},
                                  {"ReturnItemCollectionMetrics", &kString},
                                  {"ConditionalOperator", &kString},
                                  {"ConditionExpression", &kString},
                                  {"ExpressionAttributeNames", &kStringMap},
                                  {"ExpressionAttributeValues", &kAttributeMap},
                                  {"ReturnValuesOnConditionCheckFailure", &kString}};
constexpr Shape kPutShape = structure(kPutMembers, "PutItemInput");
constexpr Member kKeyedMembers[] = {{"TableName", &kString},
                                    {"Key", &kAttributeMap},
                                    {"AttributeUpdates", &kAttributeUpdates},
                                    {"Expected", &kExpected},
                                    {"ReturnValues", &kString},
                                    {"ReturnConsumedCapacity", &kString},
                                    {"ReturnItemCollectionMetrics", &kString},
                                    {"ConditionalOperator", &kString},
                                    {"UpdateExpression", &kString},
                                    {"ConditionExpression", &kString},
                                    {"ExpressionAttributeNames", &kStringMap},
                                    {"ExpressionAttributeValues", &kAttributeMap},
                                    {"ReturnValuesOnConditionCheckFailure", &kString}};
constexpr Shape kUpdateShape = structure(kKeyedMembers, "UpdateItemInput");
constexpr Shape kDeleteShape = structure(kKeyedMembers, "DeleteItemInput");

enum class Returned { kNone, kAllOld, kUpdatedOld, kAllNew, kUpdatedNew };

Returned returned(Json json) {
  std::string_view text = json.text();
  if (text == "ALL_OLD") return Returned::kAllOld;
  if (text == "ALL_NEW") return Returned::kAllNew;
  if (text == "UPDATED_OLD") return Returned::kUpdatedOld;
  if (text == "UPDATED_NEW") return Returned::kUpdatedNew;
  return Returned::kNone;
}

Status check_constraints(Json root, Kind kind) {
  Constraints constraints;
  TRY(constraints.table_name(root));
  if (kind == Kind::kPut)
    constraints.not_null(root["Item"], "item");
  else
    constraints.not_null(root["Key"], "key");
  constraints.one_of(root["ReturnValues"], "returnValues",
                     {"ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"});
  constraints.return_consumed_capacity(root);
  constraints.one_of(root["ReturnItemCollectionMetrics"], "returnItemCollectionMetrics",
                     {"SIZE", "NONE"});
  constraints.one_of(root["ReturnValuesOnConditionCheckFailure"],
                     "returnValuesOnConditionCheckFailure", {"ALL_OLD", "NONE"});
  constraints.one_of(root["ConditionalOperator"], "conditionalOperator", {"OR", "AND"});
  constrain_expected(root["Expected"], constraints);
  if (kind == Kind::kUpdate) constrain_updates(root["AttributeUpdates"], constraints);
  return constraints.done();
}

// One call's work and answer.
class Write {
 public:
  Write(Context& context, Kind kind)
      : context_(context),
        kind_(kind),
        root_(context.request.root()),
        returned_(returned(root_["ReturnValues"])),
        detail_(capacity_detail(root_["ReturnConsumedCapacity"])) {}

  Status run() {
    TRY(check_constraints(root_, kind_));
    TRY(action_.read(context_, kind_, root_, WriteAction::Legacy::kAllowed));
    TRY(action_.find_table(context_));
    TRY(action_.bind());
    target::ItemRef ref = action_.ref();
    if (blind()) {
      bool put = kind_ == Kind::kPut;
      target::Decision decision{
          put ? target::Decision::Kind::kPut : target::Decision::Kind::kDelete,
          put ? action_.key() : ddb::ItemView()};
      TRY(context_.session->write_blind({&ref, 1}, {&decision, 1}));
      answer({}, {});
      return {};
    }
    return context_.session->write({&ref, 1},
                                   [this](std::span<const ddb::ItemView> old, auto decisions) {
                                     return decide(old[0], decisions[0]);
                                   });
  }

 private:
  // Nothing of what was there before is asked for.
  bool blind() const {
    return kind_ != Kind::kUpdate && !action_.conditional() && returned_ == Returned::kNone &&
           detail_ == CapacityDetail::kNone;
  }

  Status decide(ddb::ItemView old, target::Decision& decision) {
    context_.made.reset();
    context_.error_extra.clear();
    Result<WriteAction::Effect> effect = action_.decide(old, context_.made);
    if (!effect.ok()) {
      if (action_.shows_item(effect.error()) && old) {
        context_.error_extra = ",\"Item\":";
        ddb::append_item_json(old, context_.error_extra);
      }
      return std::move(effect).error();
    }
    answer(old, effect->apply(old, context_.made, decision));
    return {};
  }

  void answer(ddb::ItemView old, ddb::ItemView after) {
    context_.out.clear();
    JsonWriter write(context_.out);
    write.open('{');
    if (ddb::ItemView shown = attributes(old, after)) write.item("Attributes", shown);
    if (detail_ != CapacityDetail::kNone) {
      consumed_.reset(action_.table(), ConsumedCapacity::Kind::kWrite);
      consumed_.add_write(old, after);
      write.name("ConsumedCapacity");
      consumed_.append_json(detail_, context_.out);
    }
    if (root_["ReturnItemCollectionMetrics"].text() == "SIZE" &&
        action_.table().has_local_index()) {
      write.name("ItemCollectionMetrics");
      append_item_collection(action_.table(), action_.key(), context_.out);
    }
    write.close('}');
  }

  ddb::ItemView attributes(ddb::ItemView old, ddb::ItemView after) {
    context_.shown.reset();
    bool any = false;
    switch (returned_) {
      case Returned::kNone:
        return {};
      case Returned::kAllOld:
        return old;
      case Returned::kAllNew:
        return after;
      case Returned::kUpdatedOld:
        any = old && action_.touched(old, Touched::kOld, context_.shown);
        break;
      case Returned::kUpdatedNew:
        any = after && action_.touched(after, Touched::kNew, context_.shown);
        break;
    }
    return any ? context_.shown.item(0) : ddb::ItemView();
  }

  Context& context_;
  const Kind kind_;
  const Json root_;
  const Returned returned_;
  const CapacityDetail detail_;
  WriteAction action_;
  ConsumedCapacity consumed_;
};

}  // namespace

void register_write_items(Dispatch& dispatch) {
  dispatch["PutItem"] = {&kPutShape,
                         [](Context& context) { return Write(context, Kind::kPut).run(); }};
  dispatch["UpdateItem"] = {&kUpdateShape,
                            [](Context& context) { return Write(context, Kind::kUpdate).run(); }};
  dispatch["DeleteItem"] = {&kDeleteShape,
                            [](Context& context) { return Write(context, Kind::kDelete).run(); }};
}

}  // namespace offramp::engine
