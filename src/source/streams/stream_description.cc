#include "source/streams/stream_description.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "source/streams/records.h"

namespace offramp::source::streams {
namespace {

using nlohmann::json;

// AWS says 28 to 65; other servers are given some room.
constexpr size_t kShardIdMax = 256;

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

Error unreadable(const std::string& what, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "streams.describe",
               fmt::format("the description of {} cannot be read: {}", what, why));
}

std::optional<ddb::Type> key_type(const std::string& tag) {
  if (tag == "S") return ddb::Type::kS;
  if (tag == "N") return ddb::Type::kN;
  if (tag == "B") return ddb::Type::kB;
  return std::nullopt;
}

Result<model::KeySchema> read_key(const json& description, const std::string& what) {
  std::map<std::string, std::string> types;
  for (const json& attribute : member(description, "AttributeDefinitions"))
    types[text(attribute, "AttributeName")] = text(attribute, "AttributeType");
  model::KeySchema key;
  for (const json& element : member(description, "KeySchema")) {
    std::string name = text(element, "AttributeName");
    auto type = key_type(types[name]);
    if (name.empty() || !type) return unreadable(what, "a key attribute has no type");
    if (text(element, "KeyType") == "HASH") {
      key.partition = {name, *type};
    } else {
      key.sort = model::KeyAttribute{name, *type};
    }
  }
  if (key.partition.name.empty()) return unreadable(what, "it has no partition key");
  return key;
}

// Names go into messages and into the spool: printable, without blanks.
bool is_shard_id(const std::string& id) {
  if (id.empty() || id.size() > kShardIdMax) return false;
  for (char c : id)
    if (c <= ' ' || c > '~') return false;
  return true;
}

Result<Shard> read_shard(const json& description, const std::string& what) {
  Shard shard;
  shard.id = text(description, "ShardId");
  shard.parent = text(description, "ParentShardId");
  const json& range = member(description, "SequenceNumberRange");
  shard.starting_sequence = text(range, "StartingSequenceNumber");
  shard.closed = !text(range, "EndingSequenceNumber").empty();
  if (!is_shard_id(shard.id)) return unreadable(what, "a shard has no usable ShardId");
  if (!shard.parent.empty() && (!is_shard_id(shard.parent) || shard.parent == shard.id))
    return unreadable(what, fmt::format("the ParentShardId of shard {} is unusable", shard.id));
  if (!shard.starting_sequence.empty() && !is_sequence_number(shard.starting_sequence))
    return unreadable(what,
                      fmt::format("the StartingSequenceNumber of shard {} is no number", shard.id));
  return shard;
}

}  // namespace

Result<TableStream> parse_table_stream(const std::string& answer, const std::string& table) {
  json parsed = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const json& description = member(parsed, "Table");
  const std::string what = "table " + table;
  if (!description.is_object()) return unreadable(what, "there is no Table in the answer");
  TableStream out;
  out.table_arn = text(description, "TableArn");
  out.table_status = text(description, "TableStatus");
  out.stream_arn = text(description, "LatestStreamArn");
  const json& specification = member(description, "StreamSpecification");
  const json& enabled = member(specification, "StreamEnabled");
  out.enabled = enabled.is_boolean() && enabled.get<bool>() && !out.stream_arn.empty();
  out.view_type = text(specification, "StreamViewType");
  out.key = TRY(read_key(description, what));
  return out;
}

Result<StreamPage> parse_stream_page(const std::string& answer, const std::string& stream) {
  json parsed = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const json& description = member(parsed, "StreamDescription");
  const std::string what = "stream " + stream;
  if (!description.is_object())
    return unreadable(what, "there is no StreamDescription in the answer");
  StreamPage out;
  out.status = text(description, "StreamStatus");
  out.view_type = text(description, "StreamViewType");
  if (out.status.empty()) return unreadable(what, "it has no StreamStatus");
  const json& shards = member(description, "Shards");
  if (!shards.is_array() && !shards.is_null()) return unreadable(what, "Shards is no list");
  for (const json& shard : shards) out.shards.push_back(TRY(read_shard(shard, what)));
  out.last_shard = text(description, "LastEvaluatedShardId");
  return out;
}

}  // namespace offramp::source::streams
