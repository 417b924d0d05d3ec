// DescribeTable, ListTables and the small questions that clients and tools ask about tables.
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/table_changes.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kTableMembers[] = {{"TableName", &kString}};
constexpr Shape kTableShape = structure(kTableMembers, "DescribeTableInput");
constexpr Member kListMembers[] = {{"ExclusiveStartTableName", &kString}, {"Limit", &kInteger}};
constexpr Shape kListShape = structure(kListMembers, "ListTablesInput");
constexpr Shape kNoShape = structure({}, "Empty");

Status describe_table(Context& context) {
  TableRef table = TRY(named_table(context));
  target::TableSize size = TRY(context.store.table_size(table->served));
  context.out.assign("{\"Table\":");
  append_table_description(*table, {"ACTIVE", size, context.arns}, context.out);
  context.out.push_back('}');
  return {};
}

Status list_tables(Context& context) {
  Json start = context.request["ExclusiveStartTableName"], limit = context.request["Limit"];
  Constraints constraints;
  constraints.name_pattern(start, "exclusiveStartTableName");
  constraints.length(start, "exclusiveStartTableName", 3, 255);
  constraints.at_least(limit, "limit", 1);
  constraints.at_most(limit, "limit", 100);
  TRY(constraints.done());
  auto tables = TRY(context.catalog.all());
  int64_t left = limit.integer(100);
  JsonWriter write(context.out);
  write.open('{');
  write.name("TableNames");
  write.open('[');
  auto at = start ? tables->upper_bound(start.text()) : tables->begin();
  std::string_view last;
  // The engine's own table has a name that no client's can have.
  auto skip_own = [&] {
    if (at != tables->end() && at->first == kTokenTable) ++at;
  };
  for (skip_own(); at != tables->end() && left > 0; ++at, --left, skip_own())
    write.text(last = at->first);
  write.close(']');
  if (at != tables->end()) write.text("LastEvaluatedTableName", last);
  write.close('}');
  return {};
}

Status describe_limits(Context& context) {
  context.out = R"({"AccountMaxReadCapacityUnits":80000,"AccountMaxWriteCapacityUnits":80000,)"
                R"("TableMaxReadCapacityUnits":40000,"TableMaxWriteCapacityUnits":40000})";
  return {};
}

Status describe_endpoints(Context& context) {
  JsonWriter write(context.out);
  write.open('{');
  write.name("Endpoints");
  write.open('[');
  write.open('{');
  write.text("Address", context.options.endpoint_address);
  write.number("CachePeriodInMinutes", 1440);
  context.out.append("}]}");
  return {};
}

}  // namespace

void register_describe(Dispatch& dispatch) {
  dispatch["DescribeTable"] = {&kTableShape, describe_table};
  dispatch["ListTables"] = {&kListShape, list_tables};
  dispatch["DescribeLimits"] = {&kNoShape, describe_limits};
  dispatch["DescribeEndpoints"] = {&kNoShape, describe_endpoints};
}

}  // namespace offramp::engine
