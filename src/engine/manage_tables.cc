// CreateTable, UpdateTable, DeleteTable. A table is ACTIVE when the answer is sent, and gone when
// DeleteTable answers.
#include <fmt/format.h>

#include <chrono>
#include <random>

#include "engine/error.h"
#include "engine/register.h"
#include "engine/stream_settings.h"
#include "engine/table_checks.h"
#include "engine/table_shapes.h"
#include "target/served_mapping.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kDeleteMembers[] = {{"TableName", &kString}};
constexpr Shape kDeleteShape = structure(kDeleteMembers, "DeleteTableInput");

// How often a change of an entry is tried again because another process changed it in between.
constexpr int kEntryTriesMax = 5;

// A version 4 UUID.
std::string new_table_id() {
  std::random_device random;
  uint64_t high = (uint64_t{random()} << 32) | random(),
           low = (uint64_t{random()} << 32) | random();
  high = (high & ~0xf000ULL) | 0x4000;
  low = (low & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffffULL);
}

int64_t now_ms(Context& context) {
  auto since = context.options.clock->wall().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

Error table_exists(const std::string& name) {
  return service_error("ResourceInUseException", "Table already exists: " + name);
}

// In the database, under its own name or, when something else has that, under one that nothing has.
Status make(Context& context, Table& table) {
  const mapping::Limits& limits = context.store.limits();
  for (bool unique : {false, true}) {
    table.served.into = unique ? target::unique_table_name(table.served, limits)
                               : target::plain_table_name(table.served, limits);
    TRY(target::make_mapping(table.served, limits));
    table.entry = table_entry(table);
    Status status = context.store.create_table(table.served, table.entry);
    if (status.ok() || status.error().code() != "store.name_taken" || unique) return status;
  }
  return {};
}

// Switches on the stream of a table that has just been made; without it there is no table.
Status begin_with_stream(Context& context, Table& table) {
  Table old = table;
  auto begin = [&]() -> Status {
    TRY(change_stream(context, context.request["StreamSpecification"], table));
    table.entry = table_entry(table);
    return store_table_entry(context, old, table);
  };
  Status begun = begin();
  if (!begun.ok()) (void)context.store.drop_table(table.served).ok();
  return begun;
}

Status create_table(Context& context) {
  TRY(check_create_table(context.request.root()));
  Table table = TRY(read_table(context.request.root()));
  if (TRY(context.catalog.find(table.served.name))) return table_exists(table.served.name);
  table.served.id = new_table_id();
  table.created_ms = now_ms(context);
  if (table.on_demand) table.on_demand_since_ms = table.created_ms;
  // The table first, then its stream.
  bool streams = std::exchange(table.stream, {}).on;
  Status status = make(context, table);
  if (!status.ok() && status.error().code() == "store.table_exists")
    return table_exists(table.served.name);
  TRY(std::move(status));
  if (streams) TRY(begin_with_stream(context, table));
  TRY(context.catalog.refresh());
  context.out = "{\"TableDescription\":";
  append_table_description(table, {"ACTIVE", {}, context.arns}, context.out);
  context.out.push_back('}');
  return {};
}

Result<TableRef> existing(Context& context) {
  std::string_view name = context.request["TableName"].text();
  TableRef table = TRY(context.catalog.find(name));
  if (!table) return table_not_found(table_of(name));
  return table;
}

Status delete_table(Context& context) {
  Constraints constraints;
  TRY(constraints.table_name(context.request.root()));
  TRY(constraints.done());
  TableRef table = TRY(existing(context));
  if (!table->served.made_here)
    return validation("Table " + table->served.name +
                      " was loaded by a plan; it can be dropped only in its database");
  if (table->deletion_protection)
    return validation(
        "Resource cannot be deleted as it is currently protected against deletion. Disable "
        "deletion protection first.");
  target::TableSize size = TRY(context.store.table_size(table->served));
  TRY(keep_table_for_stream(context, *table));
  Status status = context.store.drop_table(table->served);
  if (!status.ok() && status.error().code() == "store.no_table")
    return table_not_found(table->served.name);
  TRY(std::move(status));
  TRY(context.catalog.refresh());
  context.out = "{\"TableDescription\":";
  append_table_description(*table, {"DELETING", size, context.arns}, context.out);
  context.out.push_back('}');
  return {};
}

constexpr Member kIndexChangeMembers[] = {{"IndexName", &kString},
                                          {"ProvisionedThroughput", &kThroughput},
                                          {"OnDemandThroughput", &kOnDemand}};
constexpr Shape kIndexChange = structure(kIndexChangeMembers, "UpdateGlobalSecondaryIndexAction");
constexpr Member kIndexUpdateMembers[] = {
    {"Update", &kIndexChange}, {"Create", &kIndexChange}, {"Delete", &kIndexChange}};
constexpr Shape kIndexUpdate = structure(kIndexUpdateMembers, "GlobalSecondaryIndexUpdate");
constexpr Shape kIndexUpdates = list_of(kIndexUpdate);
constexpr Shape kAnything = structure({}, "SSESpecification");
constexpr Shape kReplicas = list_of(kAnything);
constexpr Member kUpdateMembers[] = {{"TableName", &kString},
                                     {"BillingMode", &kString},
                                     {"ProvisionedThroughput", &kThroughput},
                                     {"OnDemandThroughput", &kOnDemand},
                                     {"GlobalSecondaryIndexUpdates", &kIndexUpdates},
                                     {"StreamSpecification", &kStream},
                                     {"SSESpecification", &kAnything},
                                     {"ReplicaUpdates", &kReplicas},
                                     {"TableClass", &kString},
                                     {"DeletionProtectionEnabled", &kBoolean}};
constexpr Shape kUpdateShape = structure(kUpdateMembers, "UpdateTableInput");

Status check_update(Json root) {
  Constraints constraints;
  TRY(constraints.table_name(root));
  constraints.one_of(root["BillingMode"], "billingMode", {"PROVISIONED", "PAY_PER_REQUEST"});
  constraints.one_of(root["TableClass"], "tableClass", {"STANDARD", "STANDARD_INFREQUENT_ACCESS"});
  constrain_throughput(root["ProvisionedThroughput"], "provisionedThroughput", constraints);
  constrain_stream(root["StreamSpecification"], constraints);
  TRY(constraints.done());
  TRY(check_throughput_bounds(root["ProvisionedThroughput"]));
  bool any = false;
  for (std::string_view member :
       {"BillingMode", "ProvisionedThroughput", "OnDemandThroughput", "TableClass",
        "GlobalSecondaryIndexUpdates", "StreamSpecification", "SSESpecification", "ReplicaUpdates",
        "DeletionProtectionEnabled"})
    any = any || root[member];
  if (!any)
    return validation(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates or "
        "SSESpecification or ReplicaUpdates is required");
  TRY(check_stream(root["StreamSpecification"]));
  if (root["ReplicaUpdates"])
    return invalid_parameter("Replicas are not available at this endpoint");
  return {};
}

Throughput units(Json json) {
  return {json["ReadCapacityUnits"].integer(), json["WriteCapacityUnits"].integer()};
}

Status change_throughput(Json root, Table& table) {
  Json throughput = root["ProvisionedThroughput"];
  if (!throughput) return {};
  if (table.on_demand)
    return invalid_parameter(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        "PAY_PER_REQUEST");
  Throughput wanted = units(throughput), now = table.throughput;
  if (wanted.read == now.read && wanted.write == now.write && !root["BillingMode"])
    return validation(
        fmt::format("The provisioned throughput for the table will not change. The requested value "
                    "equals the current value. "
                    "Current ReadCapacityUnits provisioned for the table: {}. Requested "
                    "ReadCapacityUnits: {}. Current "
                    "WriteCapacityUnits provisioned for the table: {}. Requested "
                    "WriteCapacityUnits: {}. Refer to the Amazon "
                    "DynamoDB Developer Guide for current limits and how to request higher limits.",
                    now.read, wanted.read, now.write, wanted.write));
  table.throughput = wanted;
  return {};
}

Status change_indexes(Json updates, Table& table) {
  return for_each_element(updates, [&](Json update) -> Status {
    if (update["Create"] || update["Delete"])
      return invalid_parameter(
          "Global secondary indexes cannot be added or removed at this endpoint yet");
    Json change = update["Update"];
    int index = table.find_index(change["IndexName"].text());
    if (index < 0 || table.served.indexes[static_cast<size_t>(index)].local)
      return service_error("ResourceNotFoundException", "Requested resource not found");
    TRY(check_throughput_bounds(change["ProvisionedThroughput"]));
    if (change["ProvisionedThroughput"])
      table.indexes[static_cast<size_t>(index)].throughput = units(change["ProvisionedThroughput"]);
    return {};
  });
}

// The table as the request wants it.
Status change(Context& context, Table& table) {
  Json root = context.request.root();
  if (Json mode = root["BillingMode"]) {
    bool on_demand = mode.text() == "PAY_PER_REQUEST";
    if (!on_demand && table.on_demand && !root["ProvisionedThroughput"])
      return invalid_parameter(
          "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
          "PROVISIONED");
    if (on_demand && !table.on_demand) table.on_demand_since_ms = now_ms(context);
    table.on_demand = on_demand;
    if (on_demand) table.throughput = {};
  }
  TRY(change_throughput(root, table));
  TRY(change_indexes(root["GlobalSecondaryIndexUpdates"], table));
  if (Json max = root["OnDemandThroughput"])
    table.on_demand_max = {max["MaxReadRequestUnits"].integer(),
                           max["MaxWriteRequestUnits"].integer()};
  if (Json table_class = root["TableClass"]) table.table_class = table_class.text();
  if (Json protection = root["DeletionProtectionEnabled"])
    table.deletion_protection = protection.boolean();
  TRY(change_stream(context, root["StreamSpecification"], table));
  table.entry = table_entry(table);
  return {};
}

Status update_table(Context& context) {
  TRY(check_update(context.request.root()));
  for (int tries = 1;; ++tries) {
    TableRef old = TRY(existing(context));
    if (!old->served.made_here)
      return validation("Table " + old->served.name +
                        " was loaded by a plan; its settings cannot be changed");
    Table table = *old;
    TRY(change(context, table));
    Status status = store_table_entry(context, *old, table);
    TRY(context.catalog.refresh());
    if (!status.ok() && status.error().code() == "store.catalog_changed" && tries < kEntryTriesMax)
      continue;
    if (!status.ok() && status.error().code() == "store.catalog_changed")
      return service_error("ResourceInUseException",
                           "Attempt to change a resource which is still in use: Table is "
                           "being updated: " +
                               table.served.name);
    TRY(std::move(status));
    target::TableSize size = TRY(context.store.table_size(table.served));
    context.out = "{\"TableDescription\":";
    append_table_description(table, {"ACTIVE", size, context.arns}, context.out);
    context.out.push_back('}');
    return {};
  }
}

}  // namespace

void register_manage_tables(Dispatch& dispatch) {
  dispatch["CreateTable"] = {&kCreateTableShape, create_table};
  dispatch["UpdateTable"] = {&kUpdateShape, update_table};
  dispatch["DeleteTable"] = {&kDeleteShape, delete_table};
}

}  // namespace offramp::engine
