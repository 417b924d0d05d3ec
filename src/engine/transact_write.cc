// TransactWriteItems: up to 100 puts, updates, deletes and condition checks, all or none.
#include "ddb/item_size.h"
#include "engine/batch_keys.h"
#include "engine/cancellation.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/transact_capacity.h"
#include "engine/write_action.h"

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
  explicit TransactWrite(Context& context)
      : context_(context),
        root_(context.request.root()),
        written_(ConsumedCapacity::Kind::kTransactWrite,
                 capacity_detail(root_["ReturnConsumedCapacity"])),
        repeated_(ConsumedCapacity::Kind::kTransactRead,
                  capacity_detail(root_["ReturnConsumedCapacity"])) {}

  Status run() {
    TRY(check_constraints());
    TRY(read_actions());
    TRY(bind_actions());
    std::optional<Token> token;
    if (Json text = root_["ClientRequestToken"])
      token = TRY(Token::make(context_, text.text(), root_["TransactItems"]));
    if (token) refs_.push_back(token->ref());
    Status status =
        context_.session->write(refs_, [&](std::span<const ddb::ItemView> old, auto decisions) {
          return decide(token ? &*token : nullptr, old, decisions);
        });
    if (!status.ok() && status.error().code() == "store.conflict") return conflict();
    if (status.ok() && token) sweep_tokens(context_);
    return status;
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

  Status bind_actions() {
    for (WriteAction& action : actions_) TRY(action.find_table(context_));
    Cancellation cancelled(actions_.size());
    std::vector<const Table*> tables;
    for (size_t i = 0; i < actions_.size(); ++i) {
      refs_.push_back(actions_[i].ref());
      tables.push_back(&actions_[i].table());
      Status status = actions_[i].bind();
      if (!status.ok()) cancelled.set(i, status.error());
    }
    if (names_item_twice(tables, refs_))
      return validation("Transaction request cannot include multiple operations on one item");
    if (cancelled.any()) return cancelled.error(context_.error_extra);
    return {};
  }

  Status decide(const Token* token, std::span<const ddb::ItemView> old,
                std::span<target::Decision> decisions) {
    context_.made.reset();
    context_.error_extra.clear();
    written_.clear();
    repeated_.clear();
    if (token) {
      Token::Use use = token->judge(old.back());
      if (use == Token::Use::kMismatch)
        return service_error("IdempotentParameterMismatchException",
                             "DynamoDB rejected the request because you retried a request with a "
                             "different payload but "
                             "with an idempotent token that was already used.");
      if (use == Token::Use::kRepeated) {
        for (size_t i = 0; i < actions_.size(); ++i)
          repeated_.add_read(actions_[i].table(), old[i] ? ddb::item_size(old[i]) : 0);
        answer(repeated_);
        return {};
      }
      decisions.back() = token->decision();
    }
    TRY(decide_actions(old, decisions));
    answer(written_);
    return {};
  }

  Status decide_actions(std::span<const ddb::ItemView> old, std::span<target::Decision> decisions) {
    Cancellation cancelled(actions_.size());
    effects_.clear();
    for (size_t i = 0; i < actions_.size(); ++i) {
      Result<WriteAction::Effect> effect = actions_[i].decide(old[i], context_.made);
      if (!effect.ok() && !is_service_error(effect.error())) return std::move(effect).error();
      if (!effect.ok())
        cancelled.set(i, effect.error(), actions_[i].item_on_failure() ? old[i] : ddb::ItemView());
      effects_.push_back(effect.ok() ? *effect : WriteAction::Effect{});
    }
    if (cancelled.any()) return cancelled.error(context_.error_extra);
    // Only now do the made items stay where they are.
    for (size_t i = 0; i < actions_.size(); ++i) {
      const WriteAction::Effect& effect = effects_[i];
      decisions[i].kind = effect.kind;
      ddb::ItemView after =
          effect.kind == target::Decision::Kind::kDelete ? ddb::ItemView() : old[i];
      if (effect.kind == target::Decision::Kind::kPut)
        after = decisions[i].item = effect.put ? effect.put : context_.made.item(effect.made_root);
      written_.add_write(actions_[i].table(), old[i], after);
    }
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

  Error conflict() {
    Cancellation cancelled(actions_.size());
    for (size_t i = 0; i < actions_.size(); ++i)
      cancelled.set(i, "TransactionConflict", "Transaction is ongoing for the item");
    return cancelled.error(context_.error_extra);
  }

  Context& context_;
  const Json root_;
  std::vector<WriteAction> actions_;
  std::vector<WriteAction::Effect> effects_;
  std::vector<target::ItemRef> refs_;
  TransactCapacity written_, repeated_;
};

}  // namespace

void register_transact_write(Dispatch& dispatch) {
  dispatch["TransactWriteItems"] = {&kShape,
                                    [](Context& context) { return TransactWrite(context).run(); }};
}

}  // namespace offramp::engine
