// TransactGetItems: up to 100 items of one moment.
#include "ddb/item_size.h"
#include "engine/batch_keys.h"
#include "engine/cancellation.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/read_plan.h"
#include "engine/register.h"
#include "engine/transact_capacity.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr size_t kGetsMax = 100;
constexpr size_t kBytesMax = 4 << 20;

constexpr Member kGetMembers[] = {{"Key", &kAttributeMap},
                                  {"TableName", &kString},
                                  {"ProjectionExpression", &kString},
                                  {"ExpressionAttributeNames", &kStringMap}};
constexpr Shape kGet = structure(kGetMembers, "Get");
constexpr Member kItemMembers[] = {{"Get", &kGet}};
constexpr Shape kItem = structure(kItemMembers, "TransactGetItem");
constexpr Shape kItems = list_of(kItem);
constexpr Member kMembers[] = {{"TransactItems", &kItems}, {"ReturnConsumedCapacity", &kString}};
constexpr Shape kShape = structure(kMembers, "TransactGetItemsInput");

Status check_constraints(Json root) {
  Constraints constraints;
  constraints.return_consumed_capacity(root);
  Json items = root["TransactItems"];
  if (constraints.not_null(items, "transactItems"))
    constraints.length(items, "transactItems", 1, kGetsMax);
  size_t number = 0;
  TRY(for_each_element(items, [&](Json item) -> Status {
    std::string path = "transactItems." + std::to_string(++number) + ".member.get";
    Json get = item["Get"];
    if (!constraints.not_null(get, path)) return {};
    constraints.not_null(get["Key"], path + ".key");
    return constraints.table_name(get, path + ".tableName");
  }));
  return constraints.done();
}

struct Get {
  ReadPlan plan;
  TableRef table;
};

Status transact_get(Context& context) {
  Json root = context.request.root();
  TRY(check_constraints(root));
  std::vector<Get> gets;
  std::vector<target::ItemRef> refs;
  TRY(for_each_element(root["TransactItems"], [&](Json item) -> Status {
    Json body = item["Get"];
    Get get;
    TRY(get.plan.read(context, body, ReadPlan::Legacy::kUnknown));
    refs.push_back({nullptr, TRY(context.request.item(body["Key"]))});
    TRY(get.plan.read_projection(context, body, ReadPlan::Legacy::kUnknown));
    gets.push_back(std::move(get));
    return {};
  }));
  size_t at = 0;
  std::vector<const Table*> tables;
  TRY(for_each_element(root["TransactItems"], [&](Json item) -> Status {
    gets[at].table = TRY(context.table(item["Get"]["TableName"].text()));
    tables.push_back(gets[at].table.get());
    refs[at].table = &gets[at].table->served;
    ++at;
    return {};
  }));
  Cancellation cancelled(gets.size());
  for (size_t i = 0; i < gets.size(); ++i) {
    TRY(gets[i].plan.bind(*gets[i].table));
    Status status = check_key(*gets[i].table, refs[i].key);
    if (!status.ok()) cancelled.set(i, status.error());
  }
  if (names_item_twice(tables, refs))
    return validation("Transaction request cannot include multiple operations on one item");
  if (cancelled.any()) return cancelled.error(context.error_extra);

  TRY(context.session->get(refs, context.read, context.found));
  size_t bytes = 0;
  for (ddb::ItemView item : context.found) bytes += item ? ddb::item_size(item) : 0;
  if (bytes > kBytesMax)
    return validation("Collection size exceeded: the items of a transaction are limited to 4 MB");
  TransactCapacity capacity(ConsumedCapacity::Kind::kTransactRead,
                            capacity_detail(root["ReturnConsumedCapacity"]));
  JsonWriter write(context.out);
  write.open('{');
  write.name("Responses");
  write.open('[');
  for (size_t i = 0; i < gets.size(); ++i) {
    ddb::ItemView item = context.found[i];
    capacity.add_read(*gets[i].table, item ? ddb::item_size(item) : 0);
    write.open('{');
    if (item) {
      write.name("Item");
      gets[i].plan.append(context, item);
    }
    write.close('}');
  }
  write.close(']');
  capacity.append_json(write);
  write.close('}');
  return {};
}

}  // namespace

void register_transact_get(Dispatch& dispatch) {
  dispatch["TransactGetItems"] = {&kShape, transact_get};
}

}  // namespace offramp::engine
