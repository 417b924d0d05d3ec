// CreateTable, UpdateTable, DeleteTable. A table is ACTIVE when the answer is sent, and gone when
// DeleteTable answers. UpdateTable says UPDATING of what it has changed, as the service does, and
// clients wait for; the next question finds it done (indexes apart).
#include <fmt/format.h>

#include <random>

#include "engine/error.h"
#include "engine/index_updates.h"
#include "engine/register.h"
#include "engine/stream_settings.h"
#include "engine/table_changes.h"
#include "engine/table_checks.h"
#include "engine/table_shapes.h"
#include "io/wall_ms.h"
#include "target/served_mapping.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kDeleteMembers[] = {{"TableName", &kString}};
constexpr Shape kDeleteShape = structure(kDeleteMembers, "DeleteTableInput");

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

// Members that a request has no business to have, and an entry has.
void forget_what_entries_say(Table& table) {
  table.expires_by.clear();
  table.on_demand_since_ms = 0;
  table.served.layout.reset();
  for (target::ServedIndex& index : table.served.indexes) index.into.clear();
  for (IndexInfo& index : table.indexes) {
    index.state = IndexInfo::State::kActive;
    index.since_ms = 0;
  }
}

Status create_table(Context& context) {
  TRY(check_create_table(context.request.root()));
  Table table = TRY(read_table(context.request.root()));
  forget_what_entries_say(table);
  if (TRY(context.catalog.find(table.served.name))) return table_exists(table.served.name);
  table.served.id = new_table_id();
  table.created_ms = io::wall_ms(*context.options.clock);
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

Status delete_table(Context& context) {
  Constraints constraints;
  TRY(constraints.table_name(context.request.root()));
  TRY(constraints.done());
  TableRef table = TRY(existing_table(context));
  if (!table->served.made_here)
    return validation("Table " + table->served.name +
                      " was loaded by a plan; it can be dropped only in its database");
  if (table->deletion_protection)
    return validation(
        "Resource cannot be deleted as it is currently protected against deletion. Disable "
        "deletion protection first.");
  for (const IndexInfo& index : table->indexes)
    if (index.state != IndexInfo::State::kActive)
      return service_error(
          "ResourceInUseException",
          "Attempt to change a resource which is still in use: Cannot delete table while "
          "indexes are being created, updated, or deleted. Table: " +
              table->served.name);
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
    {"Update", &kIndexChange}, {"Create", &kGlobalIndex}, {"Delete", &kIndexChange}};
constexpr Shape kIndexUpdate = structure(kIndexUpdateMembers, "GlobalSecondaryIndexUpdate");
constexpr Shape kIndexUpdates = list_of(kIndexUpdate);
constexpr Shape kAnything = structure({}, "SSESpecification");
constexpr Shape kReplicas = list_of(kAnything);
constexpr Member kUpdateMembers[] = {{"TableName", &kString},
                                     {"AttributeDefinitions", &kAttributes},
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
  constrain_attributes(root["AttributeDefinitions"], constraints);
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
  if (root["StreamSpecification"] && root["ProvisionedThroughput"])
    return invalid_parameter("You cannot modify stream status while updating table IOPS");
  if (root["ReplicaUpdates"])
    return invalid_parameter("Replicas are not available at this endpoint");
  TRY(check_index_updates(root));
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

// What is not paid on demand has units of its own. Observed at the service, when the billing mode
// changes; an index that is on its way out needs them too.
Status check_index_throughput(const Table& table) {
  if (table.on_demand) return {};
  for (size_t i = 0; i < table.indexes.size(); ++i)
    if (!table.served.indexes[i].local && table.indexes[i].throughput.read == 0)
      return invalid_parameter("ProvisionedThroughput must be specified for index: " +
                               table.served.indexes[i].name);
  return {};
}

// The table as the request wants it.
Status change(Context& context, Table& table) {
  Json root = context.request.root();
  const bool was_on_demand = table.on_demand;
  if (Json mode = root["BillingMode"]) {
    bool on_demand = mode.text() == "PAY_PER_REQUEST";
    if (!on_demand && table.on_demand && !root["ProvisionedThroughput"])
      return invalid_parameter(
          "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
          "PROVISIONED");
    if (on_demand && !table.on_demand) {
      table.on_demand_since_ms = io::wall_ms(*context.options.clock);
      for (IndexInfo& index : table.indexes) index.throughput = {};
    }
    table.on_demand = on_demand;
    if (on_demand) table.throughput = {};
  }
  TRY(change_throughput(root, table));
  TRY(change_indexes(context, root, table));
  if (was_on_demand) TRY(check_index_throughput(table));
  if (Json max = root["OnDemandThroughput"])
    table.on_demand_max = {max["MaxReadRequestUnits"].integer(),
                           max["MaxWriteRequestUnits"].integer()};
  if (Json table_class = root["TableClass"]) table.table_class = table_class.text();
  if (Json protection = root["DeletionProtectionEnabled"])
    table.deletion_protection = protection.boolean();
  TRY(change_stream(context, root["StreamSpecification"], table));
  return {};
}

Status update_table(Context& context) {
  TRY(check_update(context.request.root()));
  bool changed = false;
  TableRef table = TRY(change_table(
      context.store, context.catalog, [&] { return existing_table(context); },
      [&](Table& wanted) { return change(context, wanted); },
      [&](const Table& old, const Table& wanted) {
        changed = true;
        return store_table_entry(context, old, wanted);
      }));
  target::TableSize size = TRY(context.store.table_size(table->served));
  context.out = "{\"TableDescription\":";
  append_table_description(*table, {changed ? "UPDATING" : "ACTIVE", size, context.arns},
                           context.out);
  context.out.push_back('}');
  return {};
}

}  // namespace

void register_manage_tables(Dispatch& dispatch) {
  dispatch["CreateTable"] = {&kCreateTableShape, create_table};
  dispatch["UpdateTable"] = {&kUpdateShape, update_table};
  dispatch["DeleteTable"] = {&kDeleteShape, delete_table};
}

}  // namespace offramp::engine
