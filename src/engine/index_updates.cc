#include "engine/index_updates.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/error.h"
#include "engine/table_changes.h"
#include "engine/table_checks.h"
#include "io/wall_ms.h"
#include "target/served_mapping.h"

namespace offramp::engine {
namespace {

constexpr size_t kGlobalIndexesMax = 20;
using State = IndexInfo::State;

Error only_one() {
  return service_error("LimitExceededException",
                       "Subscriber limit exceeded: Only 1 online index can be created or deleted "
                       "simultaneously per table");
}

Error in_use(const Table& table, std::string_view index, std::string_view why) {
  return service_error(
      "ResourceInUseException",
      fmt::format(
          "Attempt to change a resource which is still in use: Index is {}. Table: {} Index: {}",
          why, table.served.name, index));
}

// The service changes one thing at a time.
Status check_alone(Json root) {
  if (root["ProvisionedThroughput"])
    return validation("You cannot create or delete index while updating table IOPS");
  if (root["StreamSpecification"])
    return validation("You cannot create or delete index while changing stream status");
  constexpr std::pair<const char*, const char*> kAlone[] = {
      {"DeletionProtectionEnabled", "DeletionProtection"},
      {"SSESpecification", "Server-Side Encryption"},
      {"TableClass", "TableClass"}};
  for (const auto& [member, what] : kAlone)
    if (root[member])
      return validation(std::string(what) +
                        " modification must be the only operation in the request");
  return {};
}

Throughput units(Json json) {
  return {json["ReadCapacityUnits"].integer(), json["WriteCapacityUnits"].integer()};
}

size_t global_indexes(const Table& table) {
  return static_cast<size_t>(std::count_if(table.served.indexes.begin(), table.served.indexes.end(),
                                           [](const auto& index) { return !index.local; }));
}

// Of another one's creation or removal.
Status check_idle(const Table& table) {
  for (const IndexInfo& index : table.indexes)
    if (index.state != State::kActive) return only_one();
  return {};
}

// Gives the table the definitions of the index's attributes that it has none of yet; those that it
// has stay, whatever the request says (observed at the service).
void define(const std::vector<model::KeyAttribute>& given, const std::vector<std::string>& names,
            Table& table) {
  for (const std::string& name : names) {
    auto has = [&](const model::KeyAttribute& known) { return known.name == name; };
    if (std::any_of(table.attributes.begin(), table.attributes.end(), has)) continue;
    auto found = std::find_if(given.begin(), given.end(), has);
    if (found != given.end()) table.attributes.push_back(*found);
  }
}

Status create(Context& context, Json root, Json wanted, Table& table) {
  std::string name(wanted["IndexName"].text());
  if (int known = table.find_index(name); known >= 0) {
    State state = table.indexes[static_cast<size_t>(known)].state;
    if (state == State::kActive)
      return validation("Attempting to create an index which already exists");
    return in_use(table, name, state == State::kDeleting ? "being deleted" : "being created");
  }
  TRY(check_idle(table));
  std::vector<std::string> names, defined;
  TRY(for_each_element(wanted["KeySchema"], [&](Json key) -> Status {
    names.emplace_back(key["AttributeName"].text());
    return {};
  }));
  // The request itself defines them, also those that the table has (observed at the service).
  std::vector<model::KeyAttribute> given = read_attributes(root["AttributeDefinitions"]);
  for (const model::KeyAttribute& attribute : given) defined.push_back(attribute.name);
  define(given, names, table);
  size_t included = 0;
  for (const IndexInfo& index : table.indexes) included += index.included.size();
  TRY(check_added_index(wanted, defined, table.on_demand, included));
  if (global_indexes(table) >= kGlobalIndexesMax)
    return service_error(
        "LimitExceededException",
        "Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table limit of 20");
  // The columns stay those of the indexes that the table was made with.
  if (!table.served.layout) table.served.layout = table.served.indexes;
  add_index(wanted, table);
  IndexInfo& info = table.indexes.back();
  info.state = State::kCreating;
  info.since_ms = io::wall_ms(*context.options.clock);
  table.served.indexes.back().into =
      target::index_name(table.served, name, std::to_string(info.since_ms), context.store.limits());
  return {};
}

Result<size_t> find(const Table& table, std::string_view name, std::string_view action) {
  int found = table.find_index(name);
  if (found < 0)
    return service_error("ResourceNotFoundException",
                         fmt::format("Requested resource not found: Index {} for table {}", name,
                                     table.served.name));
  if (table.served.indexes[static_cast<size_t>(found)].local)
    return validation(
        fmt::format("Cannot {} an index that is not a GlobalSecondaryIndex: {}", action, name));
  return static_cast<size_t>(found);
}

Status remove(Context& context, Json wanted, Table& table) {
  std::string_view name = wanted["IndexName"].text();
  size_t index = TRY(find(table, name, "delete"));
  IndexInfo& info = table.indexes[index];
  if (info.state == State::kDeleting) return in_use(table, name, "being deleted");
  if (info.state == State::kCreating)
    return in_use(table, name, "being created but is not backfilling yet");
  if (info.state == State::kActive) TRY(check_idle(table));
  if (!table.served.layout) table.served.layout = table.served.indexes;
  info.state = State::kDeleting;
  info.since_ms = io::wall_ms(*context.options.clock);
  return {};
}

Status update(Json wanted, Table& table) {
  std::string_view name = wanted["IndexName"].text();
  size_t index = TRY(find(table, name, "update"));
  IndexInfo& info = table.indexes[index];
  Json throughput = wanted["ProvisionedThroughput"], max = wanted["OnDemandThroughput"];
  if (info.state == State::kDeleting) return in_use(table, name, "being deleted");
  if (info.state == State::kCreating)
    return in_use(table, name, "being created but is not backfilling yet");
  if (table.on_demand && throughput)
    return invalid_parameter(
        fmt::format("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: "
                    "{} when BillingMode is PAY_PER_REQUEST",
                    name));
  if (table.on_demand && !max)
    return invalid_parameter(
        fmt::format("The only Updates for index: {} when TableThroughputMode is PAY_PER_REQUEST "
                    "can be to OnDemandThroughput, WarmThroughput",
                    name));
  TRY(check_throughput_bounds(throughput));
  if (throughput) {
    Throughput now = info.throughput, then = units(throughput);
    if (now.read == then.read && now.write == then.write)
      return validation(fmt::format(
          "The provisioned throughput for the index {} will not change. The requested value equals "
          "the current value. "
          "Current ReadCapacityUnits provisioned for the index: {}. Requested ReadCapacityUnits: "
          "{}. Current "
          "WriteCapacityUnits provisioned for the index: {}. Requested WriteCapacityUnits: {}. "
          "Refer to the Amazon "
          "DynamoDB Developer Guide for current limits and how to request higher limits.",
          name, now.read, then.read, now.write, then.write));
    info.throughput = then;
  }
  if (max)
    info.on_demand_max = {max["MaxReadRequestUnits"].integer(),
                          max["MaxWriteRequestUnits"].integer()};
  return {};
}

}  // namespace

Status check_index_updates(Json root) {
  Json updates = root["GlobalSecondaryIndexUpdates"];
  if (!updates) return {};
  Constraints constraints;
  size_t number = 0;
  TRY(for_each_element(updates, [&](Json one) -> Status {
    constrain_index_update(
        one, "globalSecondaryIndexUpdates." + std::to_string(++number) + ".member", constraints);
    return {};
  }));
  TRY(constraints.done());
  if (number == 0) return invalid_parameter("List of GlobalSecondaryIndexUpdates is empty");
  std::set<std::string_view> names;
  size_t online = 0;
  TRY(for_each_element(updates, [&](Json one) -> Status {
    size_t actions = 0;
    std::string_view name;
    for (const char* action : {"Update", "Create", "Delete"}) {
      if (!one[action]) continue;
      ++actions;
      name = one[action]["IndexName"].text();
      if (action != std::string_view("Update")) ++online;
    }
    if (actions == 0)
      return invalid_parameter(
          "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
          "GlobalSecondaryIndexUpdate.Delete must not be null");
    if (actions > 1)
      return invalid_parameter(
          "Only one global secondary index action is allowed per GlobalSecondaryIndexUpdate "
          "object");
    if (!names.insert(name).second)
      return invalid_parameter(
          "Only one global secondary index update per index is allowed simultaneously. Index: " +
          std::string(name));
    return {};
  }));
  if (online > 0) TRY(check_alone(root));
  if (online > 1) return only_one();
  return {};
}

Status change_indexes(Context& context, Json root, Table& table) {
  if (root["GlobalSecondaryIndexUpdates"] && !table.served.made_here)
    return validation("Table " + table.served.name +
                      " was loaded by a plan; its indexes are those of the plan");
  return for_each_element(root["GlobalSecondaryIndexUpdates"], [&](Json one) -> Status {
    if (Json wanted = one["Create"]) return create(context, root, wanted, table);
    if (Json wanted = one["Delete"]) return remove(context, wanted, table);
    return update(one["Update"], table);
  });
}

}  // namespace offramp::engine
