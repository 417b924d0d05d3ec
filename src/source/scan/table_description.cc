#include "source/scan/table_description.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ddb/wire_json.h"
#include "source/service_answer.h"

namespace offramp::source::scan {
namespace {

using nlohmann::json;

Error unreadable(const std::string& table, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "ddb.describe",
               fmt::format("the description of table {} cannot be read: {}", table, why));
}

enum class IndexScope { kGlobal, kLocal };

void read_indexes(const json& table, IndexScope scope, std::vector<model::SecondaryIndex>& out) {
  const char* name =
      scope == IndexScope::kLocal ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes";
  for (const json& description : member(table, name)) {
    model::SecondaryIndex index;
    index.name = text_member(description, "IndexName");
    index.local = scope == IndexScope::kLocal;
    for (const json& element : member(description, "KeySchema")) {
      std::string attribute = text_member(element, "AttributeName");
      (text_member(element, "KeyType") == "HASH" ? index.partition : index.sort)
          .push_back({attribute, defined_type(table, attribute).value_or(ddb::Type::kS)});
    }
    const json& projection = member(description, "Projection");
    std::string type = text_member(projection, "ProjectionType");
    if (type == "KEYS_ONLY") index.projection = model::SecondaryIndex::Projection::kKeysOnly;
    if (type == "INCLUDE") index.projection = model::SecondaryIndex::Projection::kInclude;
    for (const json& attribute : member(projection, "NonKeyAttributes"))
      if (attribute.is_string()) index.included.push_back(attribute.get<std::string>());
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
  TRY(check_state(text_member(description, "TableStatus"), table));
  TableDescription out;
  out.spec.name = text_member(description, "TableName");
  if (out.spec.name.empty()) out.spec.name = table;
  out.spec.key = TRY(read_key_schema(description, "table " + table));
  const json& stream = member(description, "StreamSpecification");
  if (stream.is_object() && stream.value("StreamEnabled", false))
    out.spec.stream_view = text_member(stream, "StreamViewType");
  read_indexes(description, IndexScope::kGlobal, out.spec.indexes);
  read_indexes(description, IndexScope::kLocal, out.spec.indexes);
  if (const json& count = member(description, "ItemCount"); count.is_number_unsigned())
    out.spec.item_count = count.get<uint64_t>();
  out.arn = text_member(description, "TableArn");
  out.id = text_member(description, "TableId");
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
  std::string state = text_member(description, "TimeToLiveStatus"),
              attribute = text_member(description, "AttributeName");
  if (!attribute.empty() && (state == "ENABLED" || state == "ENABLING"))
    out.spec.ttl_attribute = attribute;
  return out;
}

}  // namespace offramp::source::scan
