#include "source/scan/table_description.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "ddb/wire_json.h"

namespace offramp::source::scan {
namespace {

using nlohmann::json;

std::string text(const json& object, const char* name) {
  if (!object.is_object()) return "";
  auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

const json& member(const json& object, const char* name) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  auto at = object.find(name);
  return at == object.end() ? kNothing : *at;
}

Error unreadable(const std::string& table, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "ddb.describe",
               fmt::format("the description of table {} cannot be read: {}", table, why));
}

std::optional<ddb::Type> key_type(const std::string& tag) {
  if (tag == "S") return ddb::Type::kS;
  if (tag == "N") return ddb::Type::kN;
  if (tag == "B") return ddb::Type::kB;
  return std::nullopt;
}

Result<model::KeySchema> read_key(const json& description, const std::string& table) {
  std::map<std::string, std::string> types;
  for (const json& attribute : member(description, "AttributeDefinitions"))
    types[text(attribute, "AttributeName")] = text(attribute, "AttributeType");
  model::KeySchema key;
  for (const json& element : member(description, "KeySchema")) {
    std::string name = text(element, "AttributeName");
    auto type = key_type(types[name]);
    if (name.empty() || !type) return unreadable(table, "a key attribute has no type");
    if (text(element, "KeyType") == "HASH") {
      key.partition = {name, *type};
    } else {
      key.sort = model::KeyAttribute{name, *type};
    }
  }
  if (key.partition.name.empty()) return unreadable(table, "it has no partition key");
  return key;
}

enum class IndexScope { kGlobal, kLocal };

void read_indexes(const json& indexes, IndexScope scope, std::vector<model::SecondaryIndex>& out) {
  for (const json& description : indexes) {
    model::SecondaryIndex index;
    index.name = text(description, "IndexName");
    index.local = scope == IndexScope::kLocal;
    for (const json& element : member(description, "KeySchema"))
      (text(element, "KeyType") == "HASH" ? index.partition : index.sort)
          .push_back(text(element, "AttributeName"));
    out.push_back(std::move(index));
  }
}

Status check_state(const std::string& state, const std::string& table) {
  if (state == "ACTIVE" || state == "UPDATING" || state == "REPLICATION_NOT_AUTHORIZED") return {};
  if (state == "INACCESSIBLE_ENCRYPTION_CREDENTIALS")
    return Error(
        ErrorKind::kConfig, "ddb.table_state",
        fmt::format("table {} cannot be decrypted: its KMS key is disabled; enable the key first",
                    table));
  return Error(ErrorKind::kConfig, "ddb.table_state",
               fmt::format("table {} is {}; it can be read when it is ACTIVE", table,
                           state.empty() ? "in no known state" : state));
}

}  // namespace

Result<TableDescription> parse_table_description(const std::string& answer,
                                                 const std::string& table) {
  json parsed = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const json& description = member(parsed, "Table");
  if (!description.is_object()) return unreadable(table, "there is no Table in the answer");
  TRY(check_state(text(description, "TableStatus"), table));
  TableDescription out;
  out.spec.name = text(description, "TableName");
  if (out.spec.name.empty()) out.spec.name = table;
  out.spec.key = TRY(read_key(description, table));
  const json& stream = member(description, "StreamSpecification");
  if (stream.is_object() && stream.value("StreamEnabled", false)) out.spec.stream_view = text(stream, "StreamViewType");
  read_indexes(member(description, "GlobalSecondaryIndexes"), IndexScope::kGlobal,
               out.spec.indexes);
  read_indexes(member(description, "LocalSecondaryIndexes"), IndexScope::kLocal, out.spec.indexes);
  if (const json& count = member(description, "ItemCount"); count.is_number_unsigned())
    out.spec.item_count = count.get<uint64_t>();
  out.arn = text(description, "TableArn");
  out.id = text(description, "TableId");
  // Servers without a TableId: the time of creation tells two tables of one name apart.
  if (out.id.empty()) out.id = "created " + member(description, "CreationDateTime").dump();
  return out;
}

Result<TableDescription> describe_table(ddb::client::Client& client, const std::string& table) {
  std::string body = R"({"TableName":)";
  ddb::append_json_string(table, body);
  body += "}";
  TableDescription out =
      TRY(parse_table_description(TRY(client.call("DescribeTable", table, body)), table));
  auto ttl = client.call("DescribeTimeToLive", table, body);
  if (!ttl.ok()) {
    ErrorKind kind = ttl.error().kind();
    if (kind == ErrorKind::kCancelled) return std::move(ttl).error();
    out.remarks.push_back(
        fmt::format("Whether table {} has a TTL attribute could not be asked for ({}); grant "
                    "dynamodb:DescribeTimeToLive to have it planned.",
                    table, ttl.error().code()));
    return out;
  }
  json parsed = json::parse(ttl.value(), nullptr, false);
  const json& description = member(parsed, "TimeToLiveDescription");
  std::string state = text(description, "TimeToLiveStatus"),
              attribute = text(description, "AttributeName");
  if (!attribute.empty() && (state == "ENABLED" || state == "ENABLING"))
    out.spec.ttl_attribute = attribute;
  return out;
}

}  // namespace offramp::source::scan
