#include "source/streams/stream_api.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "ddb/wire_json.h"
#include "source/streams/shard_reader.h"

namespace offramp::source::streams {
namespace {

constexpr int kShardsPerPage = 100;
// 200 000 shards: a table of 20 000 partitions lists about 140 000 within 24 hours.
constexpr size_t kPagesMax = 2000;
// DescribeStream allows ten calls a second in an account; others want some too.
constexpr auto kPageInterval = std::chrono::milliseconds(125);
constexpr int kRelistingsMax = 3;
constexpr size_t kRelistPagesMax = 10;  // larger listings are fetched once more only
constexpr auto kRelistWait = std::chrono::milliseconds(200);
constexpr auto kEnableWait = std::chrono::seconds(2);
constexpr auto kEnableWaitMax = std::chrono::minutes(10);

bool usable_view(const std::string& type) {
  return type == "NEW_AND_OLD_IMAGES" || type == "NEW_IMAGE";
}

// True when a closed shard has no child: on a stream that goes on, one must come.
bool has_closed_leaf(const std::vector<Shard>& shards) {
  std::unordered_set<std::string_view> parents;
  for (const Shard& shard : shards) parents.insert(shard.parent);
  return std::any_of(shards.begin(), shards.end(), [&](const Shard& shard) {
    return shard.closed && !parents.contains(shard.id);
  });
}

Error cancelled() {
  return Error(ErrorKind::kCancelled, "streams.cancelled", "reading the stream was cancelled");
}

}  // namespace

StreamApi::StreamApi(const StreamsOptions& options, std::unique_ptr<ddb::client::Client> tables,
                     std::unique_ptr<ddb::client::Client> streams)
    : options_(options), tables_(std::move(tables)), streams_(std::move(streams)) {}

Result<std::unique_ptr<StreamApi>> StreamApi::open(const StreamsOptions& options) {
  if (options.table.empty() || options.table.size() > 1024)
    return Error(ErrorKind::kConfig, "streams.table_name",
                 fmt::format("\"{}\" is no table name: 3 to 255 of a-z A-Z 0-9 _ . - (or a table's "
                             "ARN)",
                             options.table.substr(0, 255)));
  ddb::client::ClientOptions client{.region = options.region,
                                    .endpoint = options.endpoint,
                                    .credentials = options.credentials,
                                    .retry = options.retry,
                                    .clock = options.clock,
                                    .stop = options.stop,
                                    .on_wait = options.on_wait,
                                    .counts = options.counts};
  auto tables = TRY(ddb::client::Client::open(client));
  client.api = ddb::client::Api::kStreams;
  client.answer_bytes_max = kAnswerBytesMax;
  auto streams = TRY(ddb::client::Client::open(client));
  return std::unique_ptr<StreamApi>(new StreamApi(options, std::move(tables), std::move(streams)));
}

Error StreamApi::no_stream() const {
  return Error(ErrorKind::kConfig, "streams.none",
               fmt::format("table {} has no stream, so its changes cannot be followed; switch it "
                           "on with `offramp run --enable-stream` or with `aws dynamodb "
                           "update-table --table-name {} --region {} --stream-specification "
                           "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES`",
                           options_.table, options_.table, tables_->region()));
}

Error StreamApi::wrong_view(const std::string& view_type) const {
  return Error(
      ErrorKind::kConfig, "streams.view_type",
      fmt::format("the stream of table {} has the view type {}, which does not carry new images; "
                  "a view type cannot be changed: when no other consumer needs the stream, switch "
                  "it off with `aws dynamodb update-table --table-name {} --region {} "
                  "--stream-specification StreamEnabled=false`, then on again with `offramp run "
                  "--enable-stream`",
                  options_.table, view_type.empty() ? "(none)" : view_type, options_.table,
                  tables_->region()));
}

Result<TableStream> StreamApi::table() {
  std::string body = R"({"TableName":)";
  ddb::append_json_string(options_.table, body);
  body += "}";
  return parse_table_stream(TRY(tables_->call("DescribeTable", options_.table, body)),
                            options_.table);
}

Result<StreamDescription> StreamApi::describe() {
  TableStream table = TRY(this->table());
  if (table.stream_arn.empty()) return no_stream();
  auto first = page(table.stream_arn, "", 1);
  if (!first.ok()) {
    if (first.error().code() == "ddb.stream_not_found") return no_stream();
    return std::move(first).error();
  }
  StreamDescription out{.id = table.stream_arn, .table_arn = table.table_arn, .key = table.key};
  out.enabled = first->status == "ENABLED" || first->status == "ENABLING";
  if (!out.enabled && first->shards.empty()) return no_stream();
  const std::string& view = first->view_type.empty() ? table.view_type : first->view_type;
  if (!usable_view(view)) return wrong_view(view);
  return out;
}

Status StreamApi::keep_pace() {
  io::Clock::Steady now = options_.clock->now(), mine;
  {
    std::lock_guard lock(mutex_);
    mine = std::max(now, next_page_at_);
    next_page_at_ = mine + kPageInterval;
  }
  if (mine > now && !options_.clock->sleep(mine - now, options_.stop)) return cancelled();
  return {};
}

Result<StreamPage> StreamApi::page(const std::string& stream_id, const std::string& after_shard,
                                   int limit) {
  TRY(keep_pace());
  std::string body = fmt::format(R"({{"Limit":{},"StreamArn":)", limit);
  ddb::append_json_string(stream_id, body);
  if (!after_shard.empty()) {
    body += R"(,"ExclusiveStartShardId":)";
    ddb::append_json_string(after_shard, body);
  }
  body += "}";
  return parse_stream_page(TRY(streams_->call("DescribeStream", options_.table, body)), stream_id);
}

Result<StreamApi::Listing> StreamApi::list(const std::string& stream_id) {
  Listing out;
  // A shard may be on two pages when it closes in between.
  std::unordered_map<std::string, size_t> places;
  std::unordered_set<std::string> starts;
  std::string after;
  do {
    if (++out.pages > kPagesMax)
      return Error(ErrorKind::kCorrupt, "streams.too_many_shards",
                   fmt::format("stream {} lists more than {} shards", stream_id,
                               kPagesMax * kShardsPerPage));
    StreamPage page = TRY(this->page(stream_id, after, kShardsPerPage));
    out.status = page.status;
    for (Shard& shard : page.shards) {
      auto [at, is_new] = places.try_emplace(shard.id, out.shards.size());
      if (is_new) {
        out.shards.push_back(std::move(shard));
      } else {
        out.shards[at->second].closed |= shard.closed;
      }
    }
    after = std::move(page.last_shard);
    if (!after.empty() && !starts.insert(after).second)
      return Error(ErrorKind::kCorrupt, "streams.no_progress",
                   fmt::format("DescribeStream of stream {} does not move on behind shard {}",
                               stream_id, after));
  } while (!after.empty());
  return out;
}

Result<std::vector<Shard>> StreamApi::shards(const std::string& stream_id) {
  auto listed = [&]() -> Result<Listing> {
    auto listing = list(stream_id);
    if (!listing.ok() && listing.error().code() == "ddb.stream_not_found")
      return Error(ErrorKind::kGap, "streams.shard_gone",
                   fmt::format("stream {} of table {} no longer exists; changes that were not "
                               "captured are missing, so the table must be loaded again",
                               stream_id, options_.table));
    return listing;
  };
  Listing listing = TRY(listed());
  auto wait = kRelistWait;
  for (int again = 0;
       again < kRelistingsMax && listing.status == "ENABLED" && has_closed_leaf(listing.shards);
       ++again, wait *= 2) {
    if (again > 0 && listing.pages > kRelistPagesMax) break;
    if (!options_.clock->sleep(wait, options_.stop)) return cancelled();
    listing = TRY(listed());
  }
  return std::move(listing.shards);
}

Result<StreamDescription> StreamApi::enable() {
  const io::Clock::Steady deadline = options_.clock->now() + kEnableWaitMax;
  bool asked = false;
  for (;;) {
    TableStream table = TRY(this->table());
    if (table.enabled) {
      if (!usable_view(table.view_type)) return wrong_view(table.view_type);
      auto first = page(table.stream_arn, "", 1);
      // A stream that was switched on this moment may not be known everywhere yet.
      if (!first.ok() && first.error().code() != "ddb.stream_not_found")
        return std::move(first).error();
      if (first.ok() && first->status == "ENABLED") return describe();
    } else if (table.table_status == "ACTIVE" && !asked) {
      std::string body = R"({"TableName":)";
      ddb::append_json_string(options_.table, body);
      body +=
          R"(,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_AND_OLD_IMAGES"}})";
      auto updated = tables_->call("UpdateTable", options_.table, body);
      asked = updated.ok();
      // In use: another change of the table is under way, or our own request whose answer was lost.
      if (!updated.ok() && updated.error().code() != "ddb.in_use")
        return std::move(updated).error();
    } else if (table.table_status == "DELETING" || table.table_status == "ARCHIVED") {
      return Error(ErrorKind::kConfig, "streams.table_state",
                   fmt::format("table {} is {}; its stream cannot be switched on", options_.table,
                               table.table_status));
    }
    if (options_.clock->now() >= deadline)
      return Error(ErrorKind::kUnavailable, "streams.enabling",
                   fmt::format("the stream of table {} is not ENABLED after {} minutes; run the "
                               "same command again later",
                               options_.table, kEnableWaitMax.count()));
    if (!options_.clock->sleep(kEnableWait, options_.stop)) return cancelled();
  }
}

}  // namespace offramp::source::streams
