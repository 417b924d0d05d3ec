// StreamTest: an engine over a store in memory that keeps change logs, and readers of its streams.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "engine/engine.h"
#include "engine/memory_log_test.h"
#include "engine/stream.h"
#include "io/fake_clock_test.h"

namespace offramp::engine {

using nlohmann::json;

class StreamTest : public testing::Test {
 protected:
  StreamTest() {
    engine = open();
    worker = std::move(engine->worker()).value();
  }
  std::unique_ptr<Engine> open() {
    EngineOptions options;
    options.clock = &clock;
    options.stream_shard_age = shard_age;
    options.stream_retention = retention;
    options.log = [this](const Error& error) { logged.push_back(error.message()); };
    return std::move(Engine::open(store, options)).value();
  }

  Reply call(std::string_view operation, const json& body) {
    std::string padded = body.dump();
    size_t size = padded.size();
    padded.append(ddb::kJsonPadding, '\0');
    Reply reply;
    worker->execute(operation, std::string_view(padded.data(), size), reply);
    return reply;
  }
  json ok(std::string_view operation, const json& body) {
    Reply reply = call(operation, body);
    EXPECT_EQ(reply.status, 200) << operation << " " << body << "\n" << reply.body;
    return json::parse(reply.body);
  }
  // "Type: message"
  std::string error(std::string_view operation, const json& body) {
    Reply reply = call(operation, body);
    EXPECT_NE(reply.status, 200) << operation << " " << body << "\n" << reply.body;
    return reply.error_type + ": " + json::parse(reply.body).value("message", "");
  }

  // Makes the table "Tab" with the key pk (S), sk (N) and a stream; its ARN.
  std::string make_table(const std::string& view = "NEW_AND_OLD_IMAGES") {
    json body = json::parse(R"({"TableName":"Tab","BillingMode":"PAY_PER_REQUEST",
        "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},
                                {"AttributeName":"sk","AttributeType":"N"}],
        "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},
                     {"AttributeName":"sk","KeyType":"RANGE"}]})");
    if (!view.empty())
      body["StreamSpecification"] = {{"StreamEnabled", true}, {"StreamViewType", view}};
    return ok("CreateTable", body)["TableDescription"].value("LatestStreamArn", "");
  }
  static json key(const std::string& pk, int sk) {
    return {{"pk", {{"S", pk}}}, {"sk", {{"N", std::to_string(sk)}}}};
  }
  static json item(const std::string& pk, int sk, const std::string& value) {
    json out = key(pk, sk);
    out["v"] = {{"S", value}};
    return out;
  }
  void put(const json& item) { ok("PutItem", {{"TableName", "Tab"}, {"Item", item}}); }
  void remove(const json& key) { ok("DeleteItem", {{"TableName", "Tab"}, {"Key", key}}); }
  void update(const json& specification) {
    ok("UpdateTable", {{"TableName", "Tab"}, {"StreamSpecification", specification}});
  }
  json describe(const std::string& arn) {
    return ok("DescribeStream", {{"StreamArn", arn}})["StreamDescription"];
  }
  json shards_of(const std::string& arn) { return describe(arn)["Shards"]; }
  std::string iterator(const std::string& arn, const std::string& shard,
                       const std::string& type = "TRIM_HORIZON", const std::string& at = "") {
    json body = {{"StreamArn", arn}, {"ShardId", shard}, {"ShardIteratorType", type}};
    if (!at.empty()) body["SequenceNumber"] = at;
    return ok("GetShardIterator", body)["ShardIterator"];
  }
  // The records of a shard until nothing comes; `open` says whether it may go on.
  std::vector<json> read_shard(std::string from, bool* open = nullptr) {
    std::vector<json> out;
    for (int calls = 0; calls < 1000; ++calls) {
      json answer = ok("GetRecords", {{"ShardIterator", from}});
      for (json& record : answer["Records"]) out.push_back(record);
      bool goes_on = answer.contains("NextShardIterator");
      if (open) *open = goes_on;
      if (!goes_on) return out;
      std::string next = answer["NextShardIterator"];
      if (answer["Records"].empty() && place_of(next) == place_of(from)) return out;
      from = next;
    }
    ADD_FAILURE() << "the shard does not end";
    return out;
  }
  static uint64_t place_of(const std::string& iterator);
  // Of all shards, parents before children.
  std::vector<json> read_stream(const std::string& arn) {
    std::vector<json> out;
    for (const json& shard : shards_of(arn))
      for (json& record : read_shard(iterator(arn, shard["ShardId"]))) out.push_back(record);
    return out;
  }
  // "INSERT a/1 x": event, key, the new image's value (the old one's when there is no other).
  static std::string told(const json& record) {
    const json& change = record["dynamodb"];
    const json& image = change.contains("NewImage") ? change["NewImage"] : change["OldImage"];
    return record["eventName"].get<std::string>() + " " +
           change["Keys"]["pk"]["S"].get<std::string>() + "/" +
           change["Keys"]["sk"]["N"].get<std::string>() +
           (image.contains("v") ? " " + image["v"]["S"].get<std::string>() : "");
  }
  static std::vector<std::string> told(const std::vector<json>& records) {
    std::vector<std::string> out;
    for (const json& record : records) out.push_back(told(record));
    return out;
  }
  void pass(std::chrono::nanoseconds time) {
    clock.pass(time);
    Status status = engine->maintain_streams();
    EXPECT_TRUE(status.ok()) << status.error().message();
  }

  std::chrono::milliseconds shard_age = std::chrono::hours(4), retention = std::chrono::hours(24);
  io::FakeClock clock;
  LogStore store{clock};
  std::vector<std::string> logged;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Worker> worker;
};

}  // namespace offramp::engine
