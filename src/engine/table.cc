// Reading of tables: catalog entries and CreateTable requests.
#include "engine/table.h"

#include <algorithm>

#include "engine/constraints.h"
#include "target/served_mapping.h"

namespace offramp::engine {
namespace {

using Projection = IndexInfo::Projection;
using State = IndexInfo::State;

ddb::Type key_type(std::string_view tag) {
  return tag == "N" ? ddb::Type::kN : tag == "B" ? ddb::Type::kB : ddb::Type::kS;
}

ddb::Type type_of(const Table& table, std::string_view attribute) {
  for (const model::KeyAttribute& known : table.attributes)
    if (known.name == attribute) return known.type;
  return ddb::Type::kS;
}

Throughput read_throughput(Json json, std::string_view read, std::string_view write) {
  return {json[read].integer(), json[write].integer()};
}

void read_key_schema(Json json, const Table& table, std::vector<model::KeyAttribute>& partition,
                     std::vector<model::KeyAttribute>& sort) {
  if (!json.is_array()) return;
  for (simdjson::dom::element element : json.array()) {
    Json key(element);
    std::string name(key["AttributeName"].text());
    ddb::Type type = type_of(table, name);
    (key["KeyType"].text() == "RANGE" ? sort : partition).push_back({std::move(name), type});
  }
}

void read_index(Json json, bool local, Table& table) {
  target::ServedIndex index;
  index.name = json["IndexName"].text();
  index.local = local;
  read_key_schema(json["KeySchema"], table, index.partition, index.sort);
  IndexInfo info;
  std::string_view projection = json["Projection"]["ProjectionType"].text();
  info.projection = projection == "KEYS_ONLY" ? Projection::kKeysOnly
                    : projection == "INCLUDE" ? Projection::kInclude
                                              : Projection::kAll;
  Json included = json["Projection"]["NonKeyAttributes"];
  if (included.is_array())
    for (simdjson::dom::element element : included.array())
      info.included.emplace_back(Json(element).text());
  info.throughput =
      read_throughput(json["ProvisionedThroughput"], "ReadCapacityUnits", "WriteCapacityUnits");
  info.on_demand_max =
      read_throughput(json["OnDemandThroughput"], "MaxReadRequestUnits", "MaxWriteRequestUnits");
  std::string_view status = json["Status"].text();
  info.state = status == "CREATING"      ? State::kCreating
               : status == "BACKFILLING" ? State::kBackfilling
               : status == "DELETING"    ? State::kDeleting
                                         : State::kActive;
  info.since_ms = json["SinceMs"].integer();
  index.into = json["Into"].text();
  table.served.indexes.push_back(std::move(index));
  table.indexes.push_back(std::move(info));
}

void read_indexes(Json json, Table& table) {
  for (bool local : {true, false})
    if (Json indexes = json[local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes"];
        indexes.is_array())
      for (simdjson::dom::element element : indexes.array())
        read_index(Json(element), local, table);
}

// What is the plan's.
void take_shape(const Table& plan, Table& table) {
  std::string id = std::move(table.served.id);
  table.served = plan.served;
  table.served.id = std::move(id);
  table.indexes = plan.indexes;
  table.attributes = plan.attributes;
}

}  // namespace

std::vector<model::KeyAttribute> read_attributes(Json definitions) {
  std::vector<model::KeyAttribute> out;
  if (!definitions.is_array()) return out;
  for (simdjson::dom::element element : definitions.array()) {
    Json attribute(element);
    out.push_back({std::string(attribute["AttributeName"].text()),
                   key_type(attribute["AttributeType"].text())});
  }
  return out;
}

void add_index(Json json, Table& table) { read_index(json, false, table); }

int Table::find_index(std::string_view name) const {
  for (size_t i = 0; i < served.indexes.size(); ++i)
    if (served.indexes[i].name == name) return static_cast<int>(i);
  return -1;
}

bool Table::has_local_index() const {
  return std::any_of(served.indexes.begin(), served.indexes.end(),
                     [](const auto& index) { return index.local; });
}

Result<Table> read_table(Json json) {
  Table table;
  table.served.name = table_of(json["TableName"].text());
  table.served.id = json["TableId"].text();
  table.served.into = json["Into"].text();
  table.attributes = read_attributes(json["AttributeDefinitions"]);
  std::vector<model::KeyAttribute> partition, sort;
  read_key_schema(json["KeySchema"], table, partition, sort);
  if (partition.size() != 1 || sort.size() > 1)
    return Error(ErrorKind::kCorrupt, "engine.bad_table",
                 "a table's key is not one HASH and at most one RANGE attribute");
  table.served.key.partition = std::move(partition[0]);
  if (!sort.empty()) table.served.key.sort = std::move(sort[0]);
  read_indexes(json, table);
  if (Json layout = json["Layout"]) {
    Table made;
    made.attributes = read_attributes(layout["AttributeDefinitions"]);
    read_indexes(layout, made);
    table.served.layout = std::move(made.served.indexes);
  }
  table.on_demand = json["BillingMode"].text() == "PAY_PER_REQUEST";
  table.throughput =
      read_throughput(json["ProvisionedThroughput"], "ReadCapacityUnits", "WriteCapacityUnits");
  table.on_demand_max =
      read_throughput(json["OnDemandThroughput"], "MaxReadRequestUnits", "MaxWriteRequestUnits");
  table.deletion_protection = json["DeletionProtectionEnabled"].boolean();
  table.table_class = json["TableClass"].text();
  table.created_ms = json["CreatedMs"].integer();
  table.on_demand_since_ms = json["OnDemandSinceMs"].integer();
  if (Json tags = json["Tags"]; tags.is_array())
    for (simdjson::dom::element tag : tags.array())
      table.tags.emplace_back(Json(tag)["Key"].text(), Json(tag)["Value"].text());
  if (Json stream = json["StreamSpecification"]; stream["StreamEnabled"].boolean()) {
    table.stream.on = true;
    table.stream.view = stream["StreamViewType"].text();
  }
  table.stream.label = json["StreamLabel"].text();
  table.expires_by = json["TimeToLiveAttribute"].text();
  return table;
}

Result<TableRef> load_table(const target::CatalogEntry& entry, const mapping::Limits& limits,
                            const PlanTables& plans) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(entry.json).get(root) || !root.is_object() ||
      (Json(root)["Version"].integer() != kTableEntryVersion &&
       Json(root)["Version"].integer() != kLayoutEntryVersion))
    return Error(ErrorKind::kCorrupt, "engine.bad_entry",
                 "the catalog's entry of table " + entry.name + " cannot be read");
  Table table = TRY_CONTEXT("table " + entry.name, read_table(Json(root)));
  if (Json(root)["Plan"].boolean()) {
    table.entry = entry.json;
    table.served.made_here = false;
    auto plan = plans.find(table.served.name);
    if (plan != plans.end()) take_shape(*plan->second, table);
    return TableRef(std::make_shared<const Table>(std::move(table)));
  }
  if (table.served.into.empty())
    return Error(ErrorKind::kCorrupt, "engine.bad_entry",
                 "the catalog's entry of table " + entry.name + " names no SQL table");
  table.entry = entry.json;
  TRY_CONTEXT("table " + entry.name, target::make_mapping(table.served, limits));
  return TableRef(std::make_shared<const Table>(std::move(table)));
}

}  // namespace offramp::engine
