// Writing of tables: catalog entries and descriptions.
#include <algorithm>

#include "engine/json_writer.h"
#include "engine/table.h"

namespace offramp::engine {
namespace {

using Projection = IndexInfo::Projection;
using State = IndexInfo::State;

void write_attributes(const std::vector<model::KeyAttribute>& attributes, JsonWriter& write) {
  write.name("AttributeDefinitions");
  write.open('[');
  for (const model::KeyAttribute& attribute : attributes) {
    write.open('{');
    write.text("AttributeName", attribute.name);
    write.text("AttributeType", ddb::type_tag(attribute.type));
    write.close('}');
  }
  write.close(']');
}

void write_keys(const std::vector<model::KeyAttribute>& keys, std::string_view kind,
                JsonWriter& write) {
  for (const model::KeyAttribute& key : keys) {
    write.open('{');
    write.text("AttributeName", key.name);
    write.text("KeyType", kind);
    write.close('}');
  }
}

void write_table_keys(const Table& table, JsonWriter& write) {
  write.name("KeySchema");
  write.open('[');
  write_keys({table.partition()}, "HASH", write);
  if (table.sort()) write_keys({*table.sort()}, "RANGE", write);
  write.close(']');
}

void write_throughput(std::string_view name, const Throughput& throughput, JsonWriter& write) {
  write.name(name);
  write.open('{');
  write.number("ReadCapacityUnits", throughput.read);
  write.number("WriteCapacityUnits", throughput.write);
  write.close('}');
}

// As a description has it.
void write_used_throughput(const Throughput& throughput, JsonWriter& write) {
  write.name("ProvisionedThroughput");
  write.open('{');
  write.number("NumberOfDecreasesToday", 0);
  write.number("ReadCapacityUnits", throughput.read);
  write.number("WriteCapacityUnits", throughput.write);
  write.close('}');
}

void write_on_demand_max(const Throughput& max, JsonWriter& write) {
  if (max.read == 0 && max.write == 0) return;
  write.name("OnDemandThroughput");
  write.open('{');
  if (max.read != 0) write.number("MaxReadRequestUnits", max.read);
  if (max.write != 0) write.number("MaxWriteRequestUnits", max.write);
  write.close('}');
}

void write_index_keys(const target::ServedIndex& index, JsonWriter& write) {
  write.text("IndexName", index.name);
  write.name("KeySchema");
  write.open('[');
  write_keys(index.partition, "HASH", write);
  write_keys(index.sort, "RANGE", write);
  write.close(']');
}

// What an entry and a description have alike.
void write_index(const target::ServedIndex& index, const IndexInfo& info, JsonWriter& write) {
  write_index_keys(index, write);
  write.name("Projection");
  write.open('{');
  write.text("ProjectionType", info.projection == Projection::kAll        ? "ALL"
                               : info.projection == Projection::kKeysOnly ? "KEYS_ONLY"
                                                                          : "INCLUDE");
  if (info.projection == Projection::kInclude) {
    write.name("NonKeyAttributes");
    write.open('[');
    for (const std::string& name : info.included) write.text(name);
    write.close(']');
  }
  write.close('}');
}

void write_tags(const Table& table, JsonWriter& write) {
  write.name("Tags");
  write.open('[');
  for (const auto& [key, value] : table.tags) {
    write.open('{');
    write.text("Key", key);
    write.text("Value", value);
    write.close('}');
  }
  write.close(']');
}

void write_stream(const Table& table, JsonWriter& write) {
  if (!table.stream.on) return;
  write.name("StreamSpecification");
  write.open('{');
  write.flag("StreamEnabled", true);
  write.text("StreamViewType", table.stream.view);
  write.close('}');
}

// How far an index that is not active has come.
void write_state(const target::ServedIndex& index, const IndexInfo& info, JsonWriter& write) {
  if (!index.into.empty()) write.text("Into", index.into);
  if (info.state == State::kActive) return;
  write.text("Status", info.state == State::kCreating      ? "CREATING"
                       : info.state == State::kBackfilling ? "BACKFILLING"
                                                           : "DELETING");
  write.number("SinceMs", info.since_ms);
}

// The indexes that the table was made with, when these are others by now.
void write_layout(const Table& table, JsonWriter& write) {
  std::vector<model::KeyAttribute> attributes;
  for (const target::ServedIndex& index : *table.served.layout)
    for (const auto* part : {&index.partition, &index.sort})
      for (const model::KeyAttribute& attribute : *part) {
        auto is = [&](const model::KeyAttribute& known) { return known.name == attribute.name; };
        if (std::none_of(attributes.begin(), attributes.end(), is)) attributes.push_back(attribute);
      }
  write.name("Layout");
  write.open('{');
  write_attributes(attributes, write);
  for (bool local : {true, false}) {
    write.name(local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
    write.open('[');
    for (const target::ServedIndex& index : *table.served.layout) {
      if (index.local != local) continue;
      write.open('{');
      write_index_keys(index, write);
      write.close('}');
    }
    write.close(']');
  }
  write.close('}');
}

}  // namespace

std::string table_entry(const Table& table) {
  std::string out;
  JsonWriter write(out);
  write.open('{');
  write.number("Version", table.served.layout ? kLayoutEntryVersion : kTableEntryVersion);
  write.text("TableName", table.served.name);
  write.text("TableId", table.served.id);
  if (table.served.made_here)
    write.text("Into", table.served.into);
  else
    write.flag("Plan", true);
  write_attributes(table.attributes, write);
  write_table_keys(table, write);
  for (bool local : {true, false}) {
    write.name(local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
    write.open('[');
    for (size_t i = 0; i < table.indexes.size(); ++i) {
      if (table.served.indexes[i].local != local) continue;
      write.open('{');
      write_index(table.served.indexes[i], table.indexes[i], write);
      write_throughput("ProvisionedThroughput", table.indexes[i].throughput, write);
      write_on_demand_max(table.indexes[i].on_demand_max, write);
      write_state(table.served.indexes[i], table.indexes[i], write);
      write.close('}');
    }
    write.close(']');
  }
  if (table.served.layout) write_layout(table, write);
  write.text("BillingMode", table.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED");
  write_throughput("ProvisionedThroughput", table.throughput, write);
  write_on_demand_max(table.on_demand_max, write);
  write.flag("DeletionProtectionEnabled", table.deletion_protection);
  if (!table.table_class.empty()) write.text("TableClass", table.table_class);
  write.number("CreatedMs", table.created_ms);
  write.number("OnDemandSinceMs", table.on_demand_since_ms);
  write_tags(table, write);
  write_stream(table, write);
  if (!table.stream.label.empty()) write.text("StreamLabel", table.stream.label);
  if (!table.expires_by.empty()) write.text("TimeToLiveAttribute", table.expires_by);
  write.close('}');
  return out;
}

std::string Arns::table(std::string_view name) const {
  return "arn:aws:dynamodb:" + region + ":" + account + ":table/" + std::string(name);
}

namespace {

void describe_index(const Table& table, size_t number, const Description& description,
                    JsonWriter& write) {
  const target::ServedIndex& index = table.served.indexes[number];
  const IndexInfo& info = table.indexes[number];
  write.open('{');
  write_index(index, info, write);
  if (!index.local) {
    bool creating = info.state == State::kCreating || info.state == State::kBackfilling;
    bool deleting = info.state == State::kDeleting || description.status == "DELETING";
    write.text("IndexStatus", deleting ? "DELETING" : creating ? "CREATING" : "ACTIVE");
    if (creating && !deleting) write.flag("Backfilling", info.state == State::kBackfilling);
    write_used_throughput(table.on_demand ? Throughput{} : info.throughput, write);
    write_on_demand_max(info.on_demand_max, write);
  }
  write.number("IndexSizeBytes", 0);
  write.number("ItemCount", 0);
  write.text("IndexArn", description.arns.table(table.served.name) + "/index/" + index.name);
  write.close('}');
}

}  // namespace

void append_table_description(const Table& table, const Description& description,
                              std::string& out) {
  JsonWriter write(out);
  write.open('{');
  write_attributes(table.attributes, write);
  write.text("TableName", table.served.name);
  write_table_keys(table, write);
  // As at the service: until the index's rows are looked at.
  bool updating = std::any_of(table.indexes.begin(), table.indexes.end(), [](const auto& index) {
    return index.state == State::kCreating || index.state == State::kDeleting;
  });
  write.text("TableStatus",
             updating && description.status == "ACTIVE" ? "UPDATING" : description.status);
  write.time("CreationDateTime", table.created_ms);
  write_used_throughput(table.on_demand ? Throughput{} : table.throughput, write);
  write.number("TableSizeBytes", static_cast<int64_t>(description.size.bytes));
  write.number("ItemCount", static_cast<int64_t>(description.size.items));
  write.text("TableArn", description.arns.table(table.served.name));
  write.text("TableId", table.served.id);
  // As at the service: also of a table that was on demand once.
  if (table.on_demand || table.on_demand_since_ms > 0) {
    write.name("BillingModeSummary");
    write.open('{');
    write.text("BillingMode", table.on_demand ? "PAY_PER_REQUEST" : "PROVISIONED");
    write.time("LastUpdateToPayPerRequestDateTime", table.on_demand_since_ms);
    write.close('}');
  }
  for (bool local : {true, false}) {
    bool any = false;
    for (size_t i = 0; i < table.indexes.size(); ++i) {
      if (table.served.indexes[i].local != local) continue;
      if (!any) {
        write.name(local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes");
        write.open('[');
      }
      any = true;
      describe_index(table, i, description, write);
    }
    if (any) write.close(']');
  }
  if (!table.table_class.empty()) {
    write.name("TableClassSummary");
    write.open('{');
    write.text("TableClass", table.table_class);
    write.close('}');
  }
  write_on_demand_max(table.on_demand_max, write);
  write_stream(table, write);
  if (!table.stream.label.empty()) {
    write.text("LatestStreamLabel", table.stream.label);
    write.text("LatestStreamArn", description.arns.table(table.stream_path()));
  }
  write.flag("DeletionProtectionEnabled", table.deletion_protection);
  write.close('}');
}

}  // namespace offramp::engine
