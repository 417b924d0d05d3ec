// GetItem.
#include "ddb/item_size.h"
#include "engine/capacity.h"
#include "engine/constraints.h"
#include "engine/keys.h"
#include "engine/read_plan.h"
#include "engine/register.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kMembers[] = {{"TableName", &kString},
                               {"Key", &kAttributeMap},
                               {"AttributesToGet", &kStrings},
                               {"ConsistentRead", &kBoolean},
                               {"ReturnConsumedCapacity", &kString},
                               {"ProjectionExpression", &kString},
                               {"ExpressionAttributeNames", &kStringMap}};
constexpr Shape kShape = structure(kMembers, "GetItemInput");

Status get_item(Context& context) {
  Json root = context.request.root();
  Constraints constraints;
  TRY(constraints.table_name(root));
  constraints.not_null(root["Key"], "key");
  constraints.length(root["AttributesToGet"], "attributesToGet", 1, SIZE_MAX);
  constraints.return_consumed_capacity(root);
  TRY(constraints.done());

  ReadPlan plan;
  TRY(plan.read(context, root, ReadPlan::Legacy::kAllowed));
  ddb::ItemView key = TRY(context.request.item(root["Key"]));
  TRY(plan.read_projection(context, root, ReadPlan::Legacy::kAllowed));
  TableRef table = TRY(context.table(root["TableName"].text()));
  TRY(check_key(*table, key));
  TRY(plan.bind(*table));

  target::ItemRef ref{&table->served, key};
  TRY(context.session->get({&ref, 1}, context.read, context.found));
  ddb::ItemView item = context.found[0];
  JsonWriter write(context.out);
  write.open('{');
  if (item) {
    write.name("Item");
    plan.append(context, item);
  }
  if (CapacityDetail detail = capacity_detail(root["ReturnConsumedCapacity"]);
      detail != CapacityDetail::kNone) {
    ConsumedCapacity consumed;
    consumed.reset(*table, ConsumedCapacity::Kind::kRead);
    consumed.add_read(item ? ddb::item_size(item) : 0, plan.consistent());
    write.name("ConsumedCapacity");
    consumed.append_json(detail, context.out);
  }
  write.close('}');
  return {};
}

}  // namespace

void register_get_item(Dispatch& dispatch) { dispatch["GetItem"] = {&kShape, get_item}; }

}  // namespace offramp::engine
