// UpdateTimeToLive, DescribeTimeToLive. A change is in force with its answer, for other processes a
// second later; so there are no states in between. The service allows one change in about an hour;
// here there may be any number. What expires is deleted by expiry.{h,cc}.
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/table_changes.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kDescribeMembers[] = {{"TableName", &kString}};
constexpr Shape kDescribeShape = structure(kDescribeMembers, "DescribeTimeToLiveInput");
constexpr Member kSpecificationMembers[] = {{"Enabled", &kBoolean}, {"AttributeName", &kString}};
constexpr Shape kSpecification = structure(kSpecificationMembers, "TimeToLiveSpecification");
constexpr Member kUpdateMembers[] = {{"TableName", &kString},
                                     {"TimeToLiveSpecification", &kSpecification}};
constexpr Shape kUpdateShape = structure(kUpdateMembers, "UpdateTimeToLiveInput");

Status check(Json root) {
  Constraints constraints;
  TRY(constraints.table_name(root));
  Json specification = root["TimeToLiveSpecification"];
  if (constraints.not_null(specification, "timeToLiveSpecification")) {
    Json name = specification["AttributeName"];
    constraints.not_null(specification["Enabled"], "timeToLiveSpecification.enabled");
    if (constraints.not_null(name, "timeToLiveSpecification.attributeName"))
      constraints.length(name, "timeToLiveSpecification.attributeName", 1, 255);
  }
  return constraints.done();
}

Status update(Context& context) {
  TRY(check(context.request.root()));
  Json specification = context.request["TimeToLiveSpecification"];
  bool enable = specification["Enabled"].boolean();
  std::string name(specification["AttributeName"].text());
  TRY(change_table(
      context.store, context.catalog, [&] { return existing_table(context); },
      [&](Table& table) -> Status {
        bool enabled = !table.expires_by.empty();
        if (enabled && table.expires_by != name)
          return validation(
              "TimeToLive is active on a different AttributeName: current AttributeName is " +
              table.expires_by);
        if (enabled == enable)
          return validation(enable ? "TimeToLive is already enabled"
                                   : "TimeToLive is already disabled");
        table.expires_by = enable ? name : std::string();
        return {};
      }));
  JsonWriter write(context.out);
  write.open('{');
  write.name("TimeToLiveSpecification");
  write.open('{');
  write.flag("Enabled", enable);
  write.text("AttributeName", name);
  context.out.append("}}");
  return {};
}

Status describe(Context& context) {
  Constraints constraints;
  TRY(constraints.table_name(context.request.root()));
  TRY(constraints.done());
  TableRef table = TRY(existing_table(context));
  JsonWriter write(context.out);
  write.open('{');
  write.name("TimeToLiveDescription");
  write.open('{');
  write.text("TimeToLiveStatus", table->expires_by.empty() ? "DISABLED" : "ENABLED");
  if (!table->expires_by.empty()) write.text("AttributeName", table->expires_by);
  context.out.append("}}");
  return {};
}

}  // namespace

void register_time_to_live(Dispatch& dispatch) {
  dispatch["UpdateTimeToLive"] = {&kUpdateShape, update};
  dispatch["DescribeTimeToLive"] = {&kDescribeShape, describe};
}

}  // namespace offramp::engine
