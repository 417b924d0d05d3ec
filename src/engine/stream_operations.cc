// ListStreams, DescribeStream and GetShardIterator.
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/stream_iterator.h"
#include "engine/stream_reading.h"
#include "engine/streams.h"
#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kListMembers[] = {
    {"TableName", &kString}, {"Limit", &kInteger}, {"ExclusiveStartStreamArn", &kString}};
constexpr Shape kListShape = structure(kListMembers, "ListStreamsInput");
constexpr Member kFilterMembers[] = {{"Type", &kString}, {"ShardId", &kString}};
constexpr Shape kFilter = structure(kFilterMembers, "ShardFilter");
constexpr Member kDescribeMembers[] = {{"StreamArn", &kString},
                                       {"Limit", &kInteger},
                                       {"ExclusiveStartShardId", &kString},
                                       {"ShardFilter", &kFilter}};
constexpr Shape kDescribeShape = structure(kDescribeMembers, "DescribeStreamInput");
constexpr Member kIteratorMembers[] = {{"StreamArn", &kString},
                                       {"ShardId", &kString},
                                       {"ShardIteratorType", &kString},
                                       {"SequenceNumber", &kString}};
constexpr Shape kIteratorShape = structure(kIteratorMembers, "GetShardIteratorInput");

constexpr size_t kArnBytesMin = 37, kArnBytesMax = 1024;
constexpr size_t kShardIdBytesMin = 28, kShardIdBytesMax = 65;
constexpr size_t kSequenceDigitsMin = 21, kSequenceDigitsMax = 40;
constexpr int64_t kListedMax = 100;

std::string arn_of(Context& context, const Stream& stream) {
  return context.arns.table(stream.path());
}

void constrain_arn(Json arn, std::string_view path, Constraints& constraints) {
  constraints.length(arn, path, kArnBytesMin, kArnBytesMax);
}

Status list_streams(Context& context) {
  Json table = context.request["TableName"], limit = context.request["Limit"],
       start = context.request["ExclusiveStartStreamArn"];
  Constraints constraints;
  if (table) TRY(constraints.table_name(context.request.root()));
  constraints.at_least(limit, "limit", 1);
  constrain_arn(start, "exclusiveStartStreamArn", constraints);
  TRY(constraints.done());
  if (limit.integer(1) > kListedMax)
    return invalid_parameter("Limit cannot be greater than the maximum allowed size: 100");
  auto streams = TRY(context.streams.all());
  JsonWriter write(context.out);
  write.open('{');
  write.name("Streams");
  write.open('[');
  auto at = start ? streams->upper_bound(stream_path_of(start.text())) : streams->begin();
  std::string last;
  int64_t left = limit.integer(kListedMax);
  auto skip_others = [&] {
    while (at != streams->end() && table && at->second->table_name() != table_of(table.text()))
      ++at;
  };
  for (skip_others(); at != streams->end() && left > 0; ++at, --left, skip_others()) {
    write.open('{');
    write.text("StreamArn", last = arn_of(context, *at->second));
    write.text("TableName", at->second->table_name());
    write.text("StreamLabel", at->second->log.label);
    write.close('}');
  }
  write.close(']');
  if (at != streams->end()) write.text("LastEvaluatedStreamArn", last);
  write.close('}');
  return {};
}

void write_key_schema(const Table& table, JsonWriter& write) {
  write.name("KeySchema");
  write.open('[');
  auto key = [&](const model::KeyAttribute& attribute, std::string_view kind) {
    write.open('{');
    write.text("AttributeName", attribute.name);
    write.text("KeyType", kind);
    write.close('}');
  };
  key(table.partition(), "HASH");
  if (table.sort()) key(*table.sort(), "RANGE");
  write.close(']');
}

void write_shard(const StreamNow& now, const Shard& shard, JsonWriter& write) {
  const Stream& stream = *now.stream;
  write.open('{');
  write.text("ShardId", stream.shard_id(shard));
  write.name("SequenceNumberRange");
  write.open('{');
  uint64_t first = stream.generations[shard.generation].after + 1;
  write.text("StartingSequenceNumber", sequence_text(first));
  if (!stream.is_open(shard))
    write.text("EndingSequenceNumber",
               sequence_text(std::max(now.end_of(shard.generation), first)));
  write.close('}');
  if (std::string parent = stream.parent_id(shard); !parent.empty())
    write.text("ParentShardId", parent);
  write.close('}');
}

// The shards behind `start` that are children of `parent`, if it is given.
void write_shards(const StreamNow& now, Json start, Json parent, int64_t left, int64_t horizon,
                  JsonWriter& write) {
  const Stream& stream = *now.stream;
  write.name("Shards");
  write.open('[');
  std::string last;
  bool more = false;
  Shard shard;
  auto next = [&] {
    if (++shard.index < stream.width) return;
    shard = {shard.generation + 1, 0};
  };
  for (; shard.generation < stream.generations.size() && !more; next()) {
    if (stream.is_forgotten(shard.generation, horizon)) continue;
    std::string id = stream.shard_id(shard);
    if ((start && id <= start.text()) || (parent && stream.parent_id(shard) != parent.text()))
      continue;
    more = left-- == 0;
    if (more) break;
    write_shard(now, shard, write);
    last = std::move(id);
  }
  write.close(']');
  if (more) write.text("LastEvaluatedShardId", last);
}

Status check_describe(Context& context) {
  Json arn = context.request["StreamArn"], filter = context.request["ShardFilter"];
  Constraints constraints;
  if (constraints.not_null(arn, "streamArn")) constrain_arn(arn, "streamArn", constraints);
  constraints.at_least(context.request["Limit"], "limit", 1);
  constraints.length(context.request["ExclusiveStartShardId"], "exclusiveStartShardId",
                     kShardIdBytesMin, kShardIdBytesMax);
  constraints.one_of(filter["Type"], "shardFilter.type", {"CHILD_SHARDS"});
  constraints.length(filter["ShardId"], "shardFilter.shardId", kShardIdBytesMin, kShardIdBytesMax);
  TRY(constraints.done());
  if (context.request["Limit"].integer(1) > kListedMax)
    return invalid_parameter("Limit cannot be greater than the maximum: 100");
  if (filter && (!filter["Type"] || !filter["ShardId"]))
    return invalid_parameter("ShardFilter needs both Type and ShardId");
  return {};
}

Status describe_stream(Context& context) {
  TRY(check_describe(context));
  StreamNow now = TRY(stream_now(context, context.request["StreamArn"].text()));
  const Stream& stream = *now.stream;
  JsonWriter write(context.out);
  write.open('{');
  write.name("StreamDescription");
  write.open('{');
  write.text("StreamArn", arn_of(context, stream));
  write.text("StreamLabel", stream.log.label);
  write.text("StreamStatus", stream.on ? "ENABLED" : "DISABLED");
  write.text("StreamViewType", stream_view_name(stream.view));
  write.time("CreationRequestDateTime", stream.created_ms);
  write.text("TableName", stream.table_name());
  write_key_schema(*stream.table, write);
  write_shards(now, context.request["ExclusiveStartShardId"],
               context.request["ShardFilter"]["ShardId"],
               context.request["Limit"].integer(kListedMax), horizon_ms(context), write);
  write.close('}');
  write.close('}');
  return {};
}

// The last number of the shard that there may be now. Unlike what may be read, a shard that is
// closing has one too.
uint64_t known_end(const StreamNow& now, const Shard& shard) {
  return now.stream->is_open(shard) ? now.range.next - 1 : now.end_of(shard.generation);
}

// Behind all that is known now: nothing that is told later has a number up to it. Where a
// transaction that is still open may log a lower number than there is already, the place is before
// that, and some of what is there already is told again.
Result<uint64_t> latest(Context& context, const StreamNow& now, uint64_t start, uint64_t end) {
  for (uint64_t back = 1; start < end; back *= 2) {
    uint64_t after = end - start > back ? end - back : start;
    uint64_t known = after;
    for (;;) {
      TRY(context.session->changes(now.table->served, now.stream->log, known, end, 1000, 1 << 20,
                                   context.changes));
      if (context.changes.next == known) break;
      known = context.changes.next;
    }
    if (known > after) return known;
    if (after == start) break;
  }
  return start;
}

Result<uint64_t> place_of_sequence(Context& context, const StreamNow& now, const Shard& shard,
                                   std::string_view type) {
  std::optional<uint64_t> number = parse_sequence(context.request["SequenceNumber"].text());
  uint64_t start = now.stream->generations[shard.generation].after;
  uint64_t end = std::max(known_end(now, shard), start + 1);
  if (!number || *number <= start || *number > end)
    return validation("Invalid SequenceNumber for the shard");
  uint64_t after = type == "AT_SEQUENCE_NUMBER" ? *number - 1 : *number;
  TRY(check_not_trimmed(context, now, shard.generation, after));
  return after;
}

Status check_iterator(Context& context) {
  Json arn = context.request["StreamArn"], shard = context.request["ShardId"],
       type = context.request["ShardIteratorType"], sequence = context.request["SequenceNumber"];
  Constraints constraints;
  if (constraints.not_null(arn, "streamArn")) constrain_arn(arn, "streamArn", constraints);
  if (constraints.not_null(shard, "shardId"))
    constraints.length(shard, "shardId", kShardIdBytesMin, kShardIdBytesMax);
  if (constraints.not_null(type, "shardIteratorType"))
    constraints.one_of(type, "shardIteratorType",
                       {"TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"});
  constraints.length(sequence, "sequenceNumber", kSequenceDigitsMin, kSequenceDigitsMax);
  TRY(constraints.done());
  bool wants_sequence = type.text().ends_with("SEQUENCE_NUMBER");
  if (sequence && !wants_sequence)
    return invalid_parameter("SequenceNumber should not be passed for this iterator type");
  if (!sequence && wants_sequence) return invalid_parameter("Invalid SequenceNumber");
  return {};
}

Status get_shard_iterator(Context& context) {
  TRY(check_iterator(context));
  std::string_view arn = context.request["StreamArn"].text(),
                   type = context.request["ShardIteratorType"].text();
  StreamNow now = TRY(stream_now(context, arn));
  std::optional<Shard> shard = now.stream->find_shard(context.request["ShardId"].text());
  int64_t now_ms = io::wall_ms(*context.options.clock);
  if (!shard || now.stream->is_forgotten(shard->generation, horizon_ms(context)))
    return shard_missing();
  const Generation& generation = now.stream->generations[shard->generation];
  std::string own_arn = arn_of(context, *now.stream);
  ShardIterator iterator{.stream_arn = own_arn,
                         .begun_ms = generation.begun_ms,
                         .index = shard->index,
                         .after = generation.after,
                         .from_horizon = type == "TRIM_HORIZON",
                         .issued_ms = now_ms};
  if (type == "LATEST")
    iterator.after = TRY(latest(context, now, generation.after, known_end(now, *shard)));
  else if (type != "TRIM_HORIZON")
    iterator.after = TRY(place_of_sequence(context, now, *shard, type));
  context.out = "{\"ShardIterator\":\"";
  append_iterator(iterator, context.out);
  context.out.append("\"}");
  return {};
}

}  // namespace

void register_streams(Dispatch& dispatch) {
  dispatch["ListStreams"] = {&kListShape, list_streams};
  dispatch["DescribeStream"] = {&kDescribeShape, describe_stream};
  dispatch["GetShardIterator"] = {&kIteratorShape, get_shard_iterator};
}

}  // namespace offramp::engine
