// Projections of reads by key.
#include "engine/read_plan.h"

#include "engine/keys.h"
#include "engine/legacy.h"

namespace offramp::engine {

using ddb::expression::Projection;

Status ReadPlan::read(Context& context, Json body, Legacy legacy) {
  if (legacy == Legacy::kAllowed)
    TRY(refuse_mixed(body, {"AttributesToGet"}, {"ProjectionExpression"}));
  bool any = static_cast<bool>(body["ProjectionExpression"]);
  consistent_ = body["ConsistentRead"].boolean();
  return read_placeholders(context.request, body["ExpressionAttributeNames"], {}, {any, any, {}},
                           context.placeholders);
}

Status ReadPlan::read_projection(Context& context, Json body, Legacy legacy) {
  if (legacy == Legacy::kAllowed) {
    std::vector<std::string_view> names = TRY(read_attributes_to_get(body));
    if (!names.empty()) projection_ = Projection::of_attributes(names);
  }
  if (Json text = body["ProjectionExpression"])
    projection_ = TRY(Projection::parse(text.text(), context.placeholders));
  return context.placeholders.check_all_used();
}

Status ReadPlan::bind(const Table& table) const {
  if (!projection_) return {};
  return check_scalar_keys(table, *projection_);
}

void ReadPlan::append(Context& context, ddb::ItemView item) const {
  if (!projection_) return ddb::append_item_json(item, context.out);
  context.shown.reset();
  projection_->apply(item, context.shown);
  ddb::append_item_json(context.shown.item(0), context.out);
}

}  // namespace offramp::engine
