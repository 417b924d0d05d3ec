#include "source/streams/stream_description.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "source/service_answer.h"
#include "source/streams/records.h"

namespace offramp::source::streams {
namespace {

using nlohmann::json;

// AWS says 28 to 65; other servers are given some room.
constexpr size_t kShardIdMax = 256;

Error unreadable(const std::string& what, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "streams.describe",
               fmt::format("the description of {} cannot be read: {}", what, why));
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
  shard.id = text_member(description, "ShardId");
  shard.parent = text_member(description, "ParentShardId");
  const json& range = member(description, "SequenceNumberRange");
  shard.starting_sequence = text_member(range, "StartingSequenceNumber");
  shard.closed = !text_member(range, "EndingSequenceNumber").empty();
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
  out.table_arn = text_member(description, "TableArn");
  out.table_status = text_member(description, "TableStatus");
  out.stream_arn = text_member(description, "LatestStreamArn");
  const json& specification = member(description, "StreamSpecification");
  const json& enabled = member(specification, "StreamEnabled");
  out.enabled = enabled.is_boolean() && enabled.get<bool>() && !out.stream_arn.empty();
  out.view_type = text_member(specification, "StreamViewType");
  out.key = TRY(read_key_schema(description, what));
  return out;
}

Result<StreamPage> parse_stream_page(const std::string& answer, const std::string& stream) {
  json parsed = json::parse(answer, nullptr, /*allow_exceptions=*/false);
  const json& description = member(parsed, "StreamDescription");
  const std::string what = "stream " + stream;
  if (!description.is_object())
    return unreadable(what, "there is no StreamDescription in the answer");
  StreamPage out;
  out.status = text_member(description, "StreamStatus");
  out.view_type = text_member(description, "StreamViewType");
  if (out.status.empty()) return unreadable(what, "it has no StreamStatus");
  const json& shards = member(description, "Shards");
  if (!shards.is_array() && !shards.is_null()) return unreadable(what, "Shards is no list");
  for (const json& shard : shards) out.shards.push_back(TRY(read_shard(shard, what)));
  out.last_shard = text_member(description, "LastEvaluatedShardId");
  return out;
}

}  // namespace offramp::source::streams
