// TransactWriteItems: up to 100 puts, updates, deletes and condition checks, all or none.
#include "ddb/item_size.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/write_transaction.h"

namespace offramp::engine {
namespace {

using namespace shapes;
using Kind = WriteAction::Kind;

constexpr size_t kActionsMax = 100;
constexpr size_t kBytesMax = 4 << 20;

constexpr Member kActionMembers[] = {{"TableName", &kString},
                                     {"Key", &kAttributeMap},
                                     {"Item", &kAttributeMap},
                                     {"UpdateExpression", &kString},
                                     {"ConditionExpression", &kString},
                                     {"ExpressionAttributeNames", &kStringMap},
                                     {"ExpressionAttributeValues", &kAttributeMap},
                                     {"ReturnValuesOnConditionCheckFailure", &kString}};
constexpr Shape kCheck = structure(kActionMembers, "ConditionCheck");
constexpr Shape kPut = structure(kActionMembers, "Put");
constexpr Shape kDelete = structure(kActionMembers, "Delete");
constexpr Shape kUpdate = structure(kActionMembers, "Update");
constexpr Member kItemMembers[] = {
    {"ConditionCheck", &kCheck}, {"Put", &kPut}, {"Delete", &kDelete}, {"Update", &kUpdate}};
constexpr Shape kItem = structure(kItemMembers, "TransactWriteItem");
constexpr Shape kItems = list_of(kItem);
constexpr Member kMembers[] = {{"TransactItems", &kItems},
                               {"ClientRequestToken", &kString},
                               {"ReturnConsumedCapacity", &kString},
                               {"ReturnItemCollectionMetrics", &kString}};
constexpr Shape kShape = structure(kMembers, "TransactWriteItemsInput");

struct Named {
  std::string_view member, path;
  Kind kind;
};
constexpr Named kActions[] = {{"ConditionCheck", "conditionCheck", Kind::kCheck},
                              {"Put", "put", Kind::kPut},
                              {"Delete", "delete", Kind::kDelete},
                              {"Update", "update", Kind::kUpdate}};

Status constrain_action(Json item, size_t number, Constraints& constraints) {
  for (const Named& named : kActions) {
    Json body = item[named.member];
    if (!body) continue;
    std::string path =
        "transactItems." + std::to_string(number) + ".member." + std::string(named.path) + ".";
    bool put = named.kind == Kind::kPut;
    constraints.not_null(body[put ? "Item" : "Key"], path + (put ? "item" : "key"));
    TRY(constraints.table_name(body, path + "tableName"));
    if (named.kind == Kind::kUpdate)
      constraints.not_null(body["UpdateExpression"], path + "updateExpression");
    if (named.kind == Kind::kCheck)
      constraints.not_null(body["ConditionExpression"], path + "conditionExpression");
    constraints.one_of(body["ReturnValuesOnConditionCheckFailure"],
                       path + "returnValuesOnConditionCheckFailure", {"ALL_OLD", "NONE"});
  }
  return {};
}

class TransactWrite {
 public:
  explicit TransactWrite(Context& context) : context_(context), root_(context.request.root()) {}

  Status run() {
    TRY(check_constraints());
    TRY(read_actions());
    for (WriteAction& action : actions_) TRY(action.find_table(context_));
    WriteTransaction transaction(context_, actions_,
                                 capacity_detail(root_["ReturnConsumedCapacity"]));
    TRY(transaction.bind());
    return transaction.run(root_["ClientRequestToken"], root_["TransactItems"],
                           [this](const TransactCapacity& capacity) { answer(capacity); });
  }

 private:
  Status check_constraints() {
    Constraints constraints;
    Json items = root_["TransactItems"];
    constraints.return_consumed_capacity(root_);
    constraints.one_of(root_["ReturnItemCollectionMetrics"], "returnItemCollectionMetrics",
                       {"SIZE", "NONE"});
    constraints.length(root_["ClientRequestToken"], "clientRequestToken", 1, 36);
    if (constraints.not_null(items, "transactItems"))
      constraints.length(items, "transactItems", 1, kActionsMax);
    size_t number = 0;
    TRY(for_each_element(items,
                         [&](Json item) { return constrain_action(item, ++number, constraints); }));
    return constraints.done();
  }

  Status read_actions() {
    size_t bytes = 0;
    TRY(for_each_element(root_["TransactItems"], [&](Json item) -> Status {
      const Named* found = nullptr;
      for (const Named& named : kActions) {
        if (!item[named.member]) continue;
        if (found)
          return validation("TransactItems can only contain one of Check, Put, Update or Delete");
        found = &named;
      }
      if (!found)
        return validation(
            "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request");
      WriteAction& action = actions_.emplace_back();
      TRY(action.read(context_, found->kind, item[found->member], WriteAction::Legacy::kUnknown));
      bytes += ddb::item_size(action.key());
      return {};
    }));
    if (bytes > kBytesMax) return validation("Transaction request exceeds the limit of 4 MB");
    return {};
  }

  void answer(const TransactCapacity& capacity) {
    context_.out.clear();
    JsonWriter write(context_.out);
    write.open('{');
    capacity.append_json(write);
    if (root_["ReturnItemCollectionMetrics"].text() == "SIZE") write_collections(write);
    write.close('}');
  }

  void write_collections(JsonWriter& write) {
    write.name("ItemCollectionMetrics");
    write.open('{');
    for (size_t i = 0; i < actions_.size(); ++i) {
      const Table& table = actions_[i].table();
      bool first = true;
      for (size_t j = 0; j < i; ++j) first = first && &actions_[j].table() != &table;
      if (!first || !table.has_local_index()) continue;
      write.name(table.served.name);
      write.open('[');
      for (size_t j = i; j < actions_.size(); ++j) {
        if (&actions_[j].table() != &table || actions_[j].kind() == Kind::kCheck) continue;
        write.element();
        append_item_collection(table, actions_[j].key(), write.out());
      }
      write.close(']');
    }
    write.close('}');
  }

  Context& context_;
  const Json root_;
  std::vector<WriteAction> actions_;
};

}  // namespace

void register_transact_write(Dispatch& dispatch) {
  dispatch["TransactWriteItems"] = {&kShape,
                                    [](Context& context) { return TransactWrite(context).run(); }};
}

}  // namespace offramp::engine
