// ScriptedStream: a table with a stream behind a real socket, for tests: pages of shards, iterators
// that age, trimming.
//
// An iterator is "SHARD@INDEX" of the record that it reads next, or with "!" in front one that has
// expired. What changes while it serves is guarded by mutex.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "io/scripted_server_test.h"

namespace offramp::source::streams {

struct ScriptedShard {
  std::string id, parent;
  bool closed = false;
  std::vector<std::string> records;  // JSON texts with "SequenceNumber":"…"
  size_t trimmed = 0;                // so many of them are gone
};

inline std::string record_json(const std::string& sequence, const std::string& key,
                               const std::string& event = "INSERT", const std::string& more = "",
                               const std::string& created = "1699999995") {
  std::string image = event == "REMOVE"
                          ? R"("OldImage":{"pk":{"S":")" + key + R"("}})"
                          : R"("NewImage":{"pk":{"S":")" + key + R"("},"n":{"N":"1"}})";
  return R"({"awsRegion":"eu-west-1","dynamodb":{"ApproximateCreationDateTime":)" + created +
         R"(,"Keys":{"pk":{"S":")" + key + R"("}},)" + image + R"(,"SequenceNumber":")" + sequence +
         R"(","SizeBytes":20,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventID":"x","eventName":")" +
         event + R"(","eventSource":"aws:dynamodb","eventVersion":"1.1")" + more + "}";
}

inline std::string sequence_of(size_t number) {
  std::string digits = std::to_string(number);
  return "1" + std::string(20 - digits.size(), '0') + digits;
}

struct ScriptedStream {
  std::mutex mutex;
  std::vector<ScriptedShard> shards;
  std::string table_status = "ACTIVE";
  std::string stream_arn = "arn:aws:dynamodb:eu-west-1:1:table/Tab/stream/2026-01-14T10:18:50.622";
  std::string stream_status = "ENABLED", view_type = "NEW_AND_OLD_IMAGES";
  bool specification_enabled = true, stream_exists = true;
  size_t shards_per_page = 100, records_per_answer = 1000;
  bool same_page_for_ever = false;
  bool iterators_expired = false;  // all that were given out before
  int describe_calls = 0;
  int faults = 0;  // so many requests are answered 503
  std::function<void(const std::string& operation)> before_answer;  // called with the mutex held
  std::optional<std::string> next_get_records;                      // answers instead, once

  static io::ScriptedAnswer error(const std::string& type) {
    return {.status = 400,
            .body = R"({"__type":"com.amazonaws.dynamodb.v20120810#)" + type +
                    R"(","message":"scripted"})"};
  }

  io::ScriptedAnswer answer(const io::ScriptedRequest& request) {
    std::lock_guard lock(mutex);
    if (faults > 0 && faults--) return {.status = 503, .body = "<html>"};
    std::string target = request.header("x-amz-target");
    std::string operation = target.substr(target.find('.') + 1);
    if (before_answer) before_answer(operation);
    auto body = nlohmann::json::parse(request.body);
    if (target == "DynamoDB_20120810.DescribeTable") return describe_table();
    if (target == "DynamoDB_20120810.UpdateTable") return update_table(body);
    if (!target.starts_with("DynamoDBStreams_20120810.")) return error("UnknownOperationException");
    if (!stream_exists) return error("ResourceNotFoundException");
    if (operation == "DescribeStream") return describe_stream(body);
    if (operation == "GetShardIterator") return get_iterator(body);
    if (operation == "GetRecords") return get_records(body);
    return error("UnknownOperationException");
  }

  io::ScriptedAnswer describe_table() const {
    nlohmann::json table = {
        {"TableName", "Tab"},
        {"TableStatus", table_status},
        {"TableArn", "arn:aws:dynamodb:eu-west-1:1:table/Tab"},
        {"KeySchema", {{{"AttributeName", "pk"}, {"KeyType", "HASH"}}}},
        {"AttributeDefinitions", {{{"AttributeName", "pk"}, {"AttributeType", "S"}}}}};
    if (!stream_arn.empty()) table["LatestStreamArn"] = stream_arn;
    if (specification_enabled && !stream_arn.empty())
      table["StreamSpecification"] = {{"StreamEnabled", true}, {"StreamViewType", view_type}};
    return {.body = nlohmann::json{{"Table", table}}.dump()};
  }

  io::ScriptedAnswer update_table(const nlohmann::json& body) {
    if (table_status != "ACTIVE") return error("ResourceInUseException");
    if (specification_enabled && !stream_arn.empty()) return error("ValidationException");
    stream_arn = "arn:aws:dynamodb:eu-west-1:1:table/Tab/stream/2026-02-02T00:00:00.000";
    view_type = body["StreamSpecification"]["StreamViewType"];
    specification_enabled = true;
    stream_status = "ENABLING";
    table_status = "UPDATING";
    return {.body = "{}"};
  }

  io::ScriptedAnswer describe_stream(const nlohmann::json& body) {
    ++describe_calls;
    size_t start = 0;
    if (body.contains("ExclusiveStartShardId") && !same_page_for_ever)
      while (start < shards.size() && shards[start++].id != body["ExclusiveStartShardId"]) {
      }
    size_t end = std::min(
        {shards.size(), start + shards_per_page, start + body.value("Limit", size_t{100})});
    nlohmann::json list = nlohmann::json::array();
    for (size_t i = start; i < end; ++i) {
      nlohmann::json range = {{"StartingSequenceNumber", sequence_of(1)}};
      if (shards[i].closed) range["EndingSequenceNumber"] = sequence_of(999);
      nlohmann::json shard = {{"ShardId", shards[i].id}, {"SequenceNumberRange", range}};
      if (!shards[i].parent.empty()) shard["ParentShardId"] = shards[i].parent;
      list.push_back(shard);
    }
    nlohmann::json description = {{"StreamArn", stream_arn},
                                  {"StreamStatus", stream_status},
                                  {"StreamViewType", view_type},
                                  {"Shards", list}};
    if (end < shards.size()) description["LastEvaluatedShardId"] = shards[end - 1].id;
    return {.body = nlohmann::json{{"StreamDescription", description}}.dump()};
  }

  ScriptedShard* find(const std::string& id) {
    for (ScriptedShard& shard : shards)
      if (shard.id == id) return &shard;
    return nullptr;
  }

  io::ScriptedAnswer get_iterator(const nlohmann::json& body) {
    ScriptedShard* shard = find(body["ShardId"]);
    if (!shard) return error("ResourceNotFoundException");
    iterators_expired = false;
    size_t index = shard->trimmed;
    if (body["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER") {
      std::string mark = R"("SequenceNumber":")" + body["SequenceNumber"].get<std::string>() + '"';
      for (index = 0; index < shard->records.size(); ++index)
        if (shard->records[index].find(mark) != std::string::npos) break;
      if (index++ == shard->records.size()) return error("ValidationException");
      if (index < shard->trimmed) return error("TrimmedDataAccessException");
    }
    return {.body = R"({"ShardIterator":")" + shard->id + "@" + std::to_string(index) + "\"}"};
  }

  io::ScriptedAnswer get_records(const nlohmann::json& body) {
    if (next_get_records) {
      io::ScriptedAnswer out{.body = *next_get_records};
      next_get_records.reset();
      return out;
    }
    if (iterators_expired) return error("ExpiredIteratorException");
    std::string iterator = body["ShardIterator"];
    size_t at = iterator.find('@');
    ScriptedShard* shard = find(iterator.substr(0, at));
    if (!shard) return error("ResourceNotFoundException");
    size_t index = std::stoul(iterator.substr(at + 1));
    if (index < shard->trimmed) return error("TrimmedDataAccessException");
    size_t end = std::min({shard->records.size(), index + records_per_answer,
                           index + body.value("Limit", size_t{1000})});
    std::string out = "{";
    if (!shard->closed || end < shard->records.size())
      out += R"("NextShardIterator":")" + shard->id + "@" + std::to_string(end) + "\",";
    out += R"("Records":[)";
    for (size_t i = index; i < end; ++i) out += (i > index ? "," : "") + shard->records[i];
    return {.body = out + "]}", .framing = io::ScriptedAnswer::Framing::kChunked};
  }
};

}  // namespace offramp::source::streams
