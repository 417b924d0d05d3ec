// Scan: a table or an index from end to end, whole or one segment of it, a page at a time.
//
// Segments are the store's hash of the partition key, so a start key of another segment only shifts
// where reading goes on; it is not refused.
#include "engine/error.h"
#include "engine/page.h"
#include "engine/register.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr int64_t kSegmentsMax = 1'000'000;

constexpr Member kScanMembers[] = {{"TableName", &kString},
                                   {"IndexName", &kString},
                                   {"AttributesToGet", &kStrings},
                                   {"Limit", &kInteger},
                                   {"Select", &kString},
                                   {"ScanFilter", &kLegacyConditions},
                                   {"ConditionalOperator", &kString},
                                   {"ExclusiveStartKey", &kAttributeMap},
                                   {"ReturnConsumedCapacity", &kString},
                                   {"TotalSegments", &kInteger},
                                   {"Segment", &kInteger},
                                   {"ProjectionExpression", &kString},
                                   {"FilterExpression", &kString},
                                   {"ExpressionAttributeNames", &kStringMap},
                                   {"ExpressionAttributeValues", &kAttributeMap},
                                   {"ConsistentRead", &kBoolean}};
constexpr Shape kScanShape = structure(kScanMembers, "ScanInput");

Status check_constraints(Json root) {
  Constraints constraints;
  constraints.at_least(root["Limit"], "limit", 1);
  constrain_conditions(root["ScanFilter"], "scanFilter", constraints);
  constraints.at_least(root["TotalSegments"], "totalSegments", 1);
  constraints.at_most(root["TotalSegments"], "totalSegments", kSegmentsMax);
  TRY(constrain_page(root, constraints));
  constraints.at_least(root["Segment"], "segment", 0);
  constraints.at_most(root["Segment"], "segment", kSegmentsMax - 1);
  return constraints.done();
}

Status check_segments(Json root) {
  const Json segment = root["Segment"], total = root["TotalSegments"];
  if (segment && !total)
    return validation(
        "The TotalSegments parameter is required but was not present in the request when Segment "
        "parameter is present");
  if (!segment && total)
    return validation(
        "The Segment parameter is required but was not present in the request when parameter "
        "TotalSegments is present");
  if (segment && segment.integer() >= total.integer())
    return validation(
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
        "Segment: " +
        std::to_string(segment.integer()) +
        " is not less than TotalSegments: " + std::to_string(total.integer()));
  return {};
}

Status check_start_key(const IndexView& view, ddb::ItemView start) {
  if (!start) return {};
  const std::string_view schema = "The provided key element does not match the schema";
  if (!start_key_fits(view, start))
    return validation(view.is_table()
                          ? "The provided starting key is invalid: " + std::string(schema)
                          : "The provided starting key is invalid");
  if (view.is_table()) return {};
  Status status;
  view.for_each_key([&](const model::KeyAttribute& key) {
    if (!status.ok()) return;
    const ddb::ValueView value = start.find(key.name);
    if (!value)
      status = validation("The provided starting key is invalid");
    else if (value.type() != key.type)
      status = validation(std::string(schema));
  });
  return status;
}

// The request's own parts, before any table is looked at.
Status read_parts(Context& context, PageShape& shape, ddb::ItemView& start) {
  const Json root = context.request.root();
  TRY(check_constraints(root));
  TRY(refuse_mixed(root, {"AttributesToGet", "ScanFilter", "ConditionalOperator"},
                   {"ProjectionExpression", "FilterExpression"}));
  ExpressionUse use;
  use.has_value_expression = static_cast<bool>(root["FilterExpression"]);
  use.has_expression = use.has_value_expression || root["ProjectionExpression"];
  use.without = "FilterExpression is null";
  const auto placeholders = [&] {
    return read_placeholders(context.request, root["ExpressionAttributeNames"],
                             root["ExpressionAttributeValues"], use, context.placeholders);
  };
  if (!use.has_value_expression) TRY(placeholders());
  shape.legacy_filter = TRY(read_filter(context.request, "ScanFilter"));
  TRY(read_page_attributes(root, shape));
  start = TRY(read_start_key(context.request));
  TRY(check_segments(root));
  if (use.has_value_expression) TRY(placeholders());
  TRY(read_page_expressions(context, shape));
  return context.placeholders.check_all_used();
}

Status scan(Context& context) {
  const Json root = context.request.root();
  PageShape shape;
  ddb::ItemView start;
  TRY(read_parts(context, shape, start));
  const TableRef table = TRY(table_to_read(context));
  const IndexView view = TRY(find_view(root, *table));
  TRY(check_start_key(view, start));
  TRY(check_select(root, view));
  if (start) TRY(check_start_values(view, start));
  TRY(check_shape(shape, view));
  target::PageRequest request;
  request.after = start;
  request.segments = static_cast<uint32_t>(root["TotalSegments"].integer(1));
  request.segment = static_cast<uint32_t>(root["Segment"].integer(0));
  return PageReader(context, view, shape).run(request, [](ddb::ItemView) { return true; });
}

}  // namespace

void register_scan(Dispatch& dispatch) { dispatch["Scan"] = {&kScanShape, scan}; }

}  // namespace offramp::engine
