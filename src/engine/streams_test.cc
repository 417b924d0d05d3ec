// Streams of served tables: settings, descriptions, records. Shards and time are in shards_test.cc.
#include <gmock/gmock.h>

#include "engine/stream_fixture_test.h"
#include "engine/stream_iterator.h"

namespace offramp::engine {

using testing::ElementsAre;
using testing::StartsWith;

uint64_t StreamTest::place_of(const std::string& iterator) {
  return parse_iterator(iterator).value().after;
}

namespace {

TEST_F(StreamTest, ATableIsMadeWithAStream) {
  std::string arn = make_table("NEW_IMAGE");
  EXPECT_EQ(arn, "arn:aws:dynamodb:local:000000000000:table/Tab/stream/2023-11-14T22:13:20.000");
  json table = ok("DescribeTable", {{"TableName", "Tab"}})["Table"];
  EXPECT_EQ(table["LatestStreamArn"], arn);
  EXPECT_EQ(table["LatestStreamLabel"], "2023-11-14T22:13:20.000");
  EXPECT_EQ(table["StreamSpecification"],
            (json{{"StreamEnabled", true}, {"StreamViewType", "NEW_IMAGE"}}));
  json stream = describe(arn);
  EXPECT_EQ(stream["StreamStatus"], "ENABLED");
  EXPECT_EQ(stream["StreamViewType"], "NEW_IMAGE");
  EXPECT_EQ(stream["TableName"], "Tab");
  EXPECT_EQ(stream["StreamLabel"], "2023-11-14T22:13:20.000");
  EXPECT_EQ(stream["CreationRequestDateTime"], 1700000000.0);
  EXPECT_EQ(stream["KeySchema"], table["KeySchema"]);
  ASSERT_EQ(stream["Shards"].size(), 4u);
  for (const json& shard : stream["Shards"]) {
    EXPECT_THAT(shard["ShardId"].get<std::string>(), StartsWith("shardId-00000001700000000000-"));
    EXPECT_EQ(shard["ShardId"].get<std::string>().size(), 37u);
    EXPECT_EQ(shard["SequenceNumberRange"],
              (json{{"StartingSequenceNumber", "100000000000000000001"}}));
    EXPECT_FALSE(shard.contains("ParentShardId"));
  }
}

TEST_F(StreamTest, SettingsAreCheckedAsAtTheService) {
  make_table("");
  auto refused = [&](const json& specification) {
    return error("UpdateTable", {{"TableName", "Tab"}, {"StreamSpecification", specification}});
  };
  const std::string invalid = "ValidationException: One or more parameter values were invalid: ";
  EXPECT_EQ(refused({{"StreamEnabled", false}}),
            "ValidationException: Table has no stream to disable: TableName: Tab");
  EXPECT_EQ(refused({{"StreamEnabled", true}}),
            invalid + "If stream is being enabled then UpdateViewType is required");
  EXPECT_EQ(refused({{"StreamEnabled", false}, {"StreamViewType", "NEW_IMAGE"}}),
            invalid + "If stream is being disabled, then UpdateViewType must not be specified");
  EXPECT_THAT(refused({{"StreamEnabled", true}, {"StreamViewType", "ALL"}}),
              StartsWith("ValidationException: 1 validation error detected: Value 'ALL' at "
                         "'streamSpecification.streamViewType' failed"));
  EXPECT_THAT(refused({{"StreamViewType", "NEW_IMAGE"}}),
              StartsWith("ValidationException: 1 validation error detected: Value null at "
                         "'streamSpecification.streamEnabled' failed"));
  update({{"StreamEnabled", true}, {"StreamViewType", "KEYS_ONLY"}});
  EXPECT_EQ(refused({{"StreamEnabled", true}, {"StreamViewType", "KEYS_ONLY"}}),
            "ValidationException: Table already has an enabled stream: TableName: Tab");
  EXPECT_EQ(refused({{"StreamEnabled", true}, {"StreamViewType", "NEW_IMAGE"}}),
            "ValidationException: Table already has an enabled stream: TableName: Tab");
}

TEST_F(StreamTest, SwitchedOffAndOnItIsAnotherStream) {
  std::string first = make_table();
  put(item("a", 1, "x"));
  update({{"StreamEnabled", false}});
  json table = ok("DescribeTable", {{"TableName", "Tab"}})["Table"];
  EXPECT_FALSE(table.contains("StreamSpecification"));
  EXPECT_EQ(table["LatestStreamArn"], first) << "the old one is still named";
  put(item("a", 2, "unseen"));
  update({{"StreamEnabled", true}, {"StreamViewType", "NEW_IMAGE"}});
  std::string second = ok("DescribeTable", {{"TableName", "Tab"}})["Table"]["LatestStreamArn"];
  EXPECT_NE(second, first) << "also in the same millisecond";
  put(item("a", 3, "y"));
  EXPECT_EQ(describe(first)["StreamStatus"], "DISABLED");
  EXPECT_EQ(describe(second)["StreamStatus"], "ENABLED");
  EXPECT_THAT(told(read_stream(first)), ElementsAre("INSERT a/1 x"));
  EXPECT_THAT(told(read_stream(second)), ElementsAre("INSERT a/3 y"));
  for (const json& shard : shards_of(first)) {
    bool open = true;
    read_shard(iterator(first, shard["ShardId"]), &open);
    EXPECT_FALSE(open) << "a stream that is off ends";
    EXPECT_TRUE(shard["SequenceNumberRange"].contains("EndingSequenceNumber"));
  }
  json streams = ok("ListStreams", json::object())["Streams"];
  ASSERT_EQ(streams.size(), 2u);
  EXPECT_EQ(streams[0]["StreamArn"], first);
  EXPECT_EQ(streams[1]["StreamArn"], second);
  EXPECT_EQ(streams[1]["TableName"], "Tab");
  EXPECT_TRUE(ok("ListStreams", {{"TableName", "Other"}})["Streams"].empty());
  json page = ok("ListStreams", {{"TableName", "Tab"}, {"Limit", 1}});
  EXPECT_EQ(page["LastEvaluatedStreamArn"], first);
  page = ok("ListStreams", {{"Limit", 1}, {"ExclusiveStartStreamArn", first}});
  EXPECT_EQ(page["Streams"][0]["StreamArn"], second);
  EXPECT_FALSE(page.contains("LastEvaluatedStreamArn"));
}

TEST_F(StreamTest, ADeletedTablesStreamCanBeReadForADay) {
  std::string arn = make_table();
  put(item("a", 1, "x"));
  ok("DeleteTable", {{"TableName", "Tab"}});
  EXPECT_EQ(describe(arn)["StreamStatus"], "DISABLED");
  EXPECT_EQ(describe(arn)["KeySchema"].size(), 2u);
  EXPECT_THAT(told(read_stream(arn)), ElementsAre("INSERT a/1 x"));
  make_table("");
  EXPECT_THAT(told(read_stream(arn)), ElementsAre("INSERT a/1 x"));
  pass(std::chrono::seconds(1));
  pass(std::chrono::hours(23));
  EXPECT_THAT(told(read_stream(arn)), ElementsAre("INSERT a/1 x"));
  pass(std::chrono::hours(2));
  EXPECT_EQ(
      error("DescribeStream", {{"StreamArn", arn}}),
      "ResourceNotFoundException: Requested resource not found: Stream: " + arn + " not found");
  EXPECT_TRUE(ok("ListStreams", json::object())["Streams"].empty());
  EXPECT_TRUE(store.logs().value().empty());
}

TEST_F(StreamTest, ARecordHasTheServicesShape) {
  std::string arn = make_table();
  put(item("a", 1, "x"));
  clock.pass(std::chrono::milliseconds(2700));
  put(item("a", 1, "yy"));
  remove(key("a", 1));
  std::vector<json> records = read_stream(arn);
  ASSERT_EQ(records.size(), 3u);
  json modify = records[1];
  EXPECT_EQ(modify["eventID"].get<std::string>().size(), 32u);
  EXPECT_EQ(modify["eventID"].get<std::string>().find_first_not_of("0123456789abcdef"),
            std::string::npos);
  EXPECT_NE(modify["eventID"], records[0]["eventID"]);
  EXPECT_EQ(modify["eventID"], read_stream(arn)[1]["eventID"]) << "the same in every answer";
  modify.erase("eventID");
  json expected = json::parse(R"({"eventName":"MODIFY","eventVersion":"1.1",
      "eventSource":"aws:dynamodb","awsRegion":"local","dynamodb":{
      "ApproximateCreationDateTime":1700000002,"Keys":{"pk":{"S":"a"},"sk":{"N":"1"}},
      "NewImage":{"pk":{"S":"a"},"sk":{"N":"1"},"v":{"S":"yy"}},
      "OldImage":{"pk":{"S":"a"},"sk":{"N":"1"},"v":{"S":"x"}},
      "SequenceNumber":"100000000000000000002","SizeBytes":26,
      "StreamViewType":"NEW_AND_OLD_IMAGES"}})");
  EXPECT_EQ(modify, expected);
  EXPECT_TRUE(modify["dynamodb"]["ApproximateCreationDateTime"].is_number_integer());
  EXPECT_EQ(records[0]["eventName"], "INSERT");
  EXPECT_FALSE(records[0]["dynamodb"].contains("OldImage"));
  EXPECT_EQ(records[2]["eventName"], "REMOVE");
  EXPECT_FALSE(records[2]["dynamodb"].contains("NewImage"));
  EXPECT_TRUE(records[2]["dynamodb"].contains("OldImage"));
}

TEST_F(StreamTest, TheViewDecidesOnTheImages) {
  struct Case {
    const char* view;
    std::vector<bool> has_new, has_old;  // of insert, modify, remove
  };
  for (const Case& c : {Case{"KEYS_ONLY", {false, false, false}, {false, false, false}},
                        Case{"NEW_IMAGE", {true, true, false}, {false, false, false}},
                        Case{"OLD_IMAGE", {false, false, false}, {false, true, true}},
                        Case{"NEW_AND_OLD_IMAGES", {true, true, false}, {false, true, true}}}) {
    std::string arn = make_table(c.view);
    put(item("a", 1, "x"));
    put(item("a", 1, "y"));
    remove(key("a", 1));
    std::vector<json> records = read_stream(arn);
    ASSERT_EQ(records.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
      const json& change = records[i]["dynamodb"];
      EXPECT_EQ(change.contains("NewImage"), c.has_new[i]) << c.view << i;
      EXPECT_EQ(change.contains("OldImage"), c.has_old[i]) << c.view << i;
      EXPECT_EQ(change["StreamViewType"], c.view);
      EXPECT_EQ(change["Keys"], key("a", 1));
      EXPECT_EQ(change["SizeBytes"], 7 + 9 * (c.has_new[i] + c.has_old[i]));
    }
    ok("DeleteTable", {{"TableName", "Tab"}});
    clock.pass(std::chrono::seconds(1));
  }
}

TEST_F(StreamTest, WhatChangesNothingHasNoRecord) {
  std::string arn = make_table();
  json one = key("a", 1);
  one["m"] = {{"M", {{"x", {{"N", "1"}}}, {"y", {{"SS", {"p", "q"}}}}}}};
  json same = key("a", 1);
  same["m"] = {{"M", {{"y", {{"SS", {"q", "p"}}}}, {"x", {{"N", "1.0"}}}}}};
  put(one);
  put(same);
  remove(key("b", 1));
  ok("UpdateItem", {{"TableName", "Tab"}, {"Key", key("a", 1)}});
  EXPECT_EQ(read_stream(arn).size(), 1u);
}

TEST_F(StreamTest, OriginsAreTold) {
  std::string arn = make_table();
  put(item("a", 1, "x"));
  put(item("a", 2, "x"));
  auto session = std::move(store.session()).value();
  target::ServedTable table;
  table.id = store.logs().value().at(0).name.table_id;
  table.key = {{"pk", ddb::Type::kS}, model::KeyAttribute{"sk", ddb::Type::kN}};
  ddb::JsonDecoder decoder;
  for (auto [origin, text] : {std::pair(std::string(target::kExpiryOrigin), key("a", 1).dump()),
                              std::pair(std::string("loader \"7\""), key("a", 2).dump())}) {
    size_t size = text.size();
    text.append(ddb::kJsonPadding, '\0');
    ddb::ItemBatch batch;
    uint32_t root =
        decoder.decode_item({text.data(), size}, "", ddb::JsonForm::kTyped, batch).value();
    target::ItemRef ref{&table, ddb::ItemView(&batch.nodes()[root])};
    target::Decision decision{target::Decision::Kind::kDelete, {}};
    ASSERT_TRUE(session->set_origin(origin).ok());
    ASSERT_TRUE(session->write_blind({&ref, 1}, {&decision, 1}).ok());
  }
  std::vector<json> records = read_stream(arn);
  ASSERT_EQ(records.size(), 4u);
  EXPECT_FALSE(records[0].contains("userIdentity"));
  EXPECT_EQ(records[2]["userIdentity"],
            (json{{"Type", "Service"}, {"PrincipalId", "dynamodb.amazonaws.com"}}));
  EXPECT_FALSE(records[2].contains("offrampOrigin"));
  EXPECT_EQ(records[3]["offrampOrigin"], "loader \"7\"");
  EXPECT_FALSE(records[3].contains("userIdentity"));
}

TEST_F(StreamTest, ParametersAreChecked) {
  std::string arn = make_table();
  std::string shard = shards_of(arn)[0]["ShardId"];
  const std::string one = "ValidationException: 1 validation error detected: Value ",
                    invalid = "ValidationException: One or more parameter values were invalid: ";
  EXPECT_THAT(error("DescribeStream", json::object()), StartsWith(one + "null at 'streamArn'"));
  EXPECT_THAT(error("DescribeStream", {{"StreamArn", "x"}}),
              StartsWith(one + "'x' at 'streamArn'"));
  EXPECT_THAT(error("DescribeStream", {{"StreamArn", arn}, {"Limit", 0}}),
              StartsWith(one + "'0' at 'limit'"));
  EXPECT_EQ(error("DescribeStream", {{"StreamArn", arn}, {"Limit", 101}}),
            invalid + "Limit cannot be greater than the maximum: 100");
  EXPECT_EQ(
      error("DescribeStream", {{"StreamArn", arn + "1"}}),
      "ResourceNotFoundException: Requested resource not found: Stream: " + arn + "1 not found");
  EXPECT_EQ(error("ListStreams", {{"Limit", 101}}),
            invalid + "Limit cannot be greater than the maximum allowed size: 100");
  auto get = [&](json more) {
    json body = {{"StreamArn", arn}, {"ShardId", shard}, {"ShardIteratorType", "LATEST"}};
    body.update(more);
    return error("GetShardIterator", body);
  };
  EXPECT_THAT(get({{"ShardIteratorType", "NOW"}}),
              StartsWith(one + "'NOW' at 'shardIteratorType'"));
  EXPECT_EQ(get({{"SequenceNumber", "100000000000000000001"}}),
            invalid + "SequenceNumber should not be passed for this iterator type");
  EXPECT_EQ(get({{"ShardIteratorType", "AT_SEQUENCE_NUMBER"}}), invalid + "Invalid SequenceNumber");
  for (const char* number :
       {"100000000000000000000", "100000000000000000002", "900000000000000000001",
        "199999999999999999999", "1000000000000000000000000001", "x00000000000000000001"})
    EXPECT_EQ(get({{"ShardIteratorType", "AFTER_SEQUENCE_NUMBER"}, {"SequenceNumber", number}}),
              "ValidationException: Invalid SequenceNumber for the shard")
        << number;
  for (const char* id : {"shardId-00000001700000000000-00000000", "shardId-0000000000000000000000",
                         "shardId-0000000170000000000x-00000000"})
    EXPECT_THAT(get({{"ShardId", id}}), StartsWith("ResourceNotFoundException: ")) << id;
  EXPECT_THAT(error("GetRecords", json::object()), StartsWith(one + "null at 'shardIterator'"));
  std::string from = iterator(arn, shard);
  EXPECT_EQ(error("GetRecords", {{"ShardIterator", from}, {"Limit", 1001}}),
            invalid + "Limit should be less than or equal to 1000");
  EXPECT_THAT(error("GetRecords", {{"ShardIterator", from}, {"Limit", 0}}),
              StartsWith(one + "'0' at 'limit'"));
}

TEST_F(StreamTest, AnIteratorThatWasChangedIsNone) {
  std::string arn = make_table();
  std::string good = iterator(arn, shards_of(arn)[0]["ShardId"]);
  ok("GetRecords", {{"ShardIterator", good}});
  for (size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(parse_iterator(changed)) << at;
    EXPECT_FALSE(parse_iterator(good.substr(0, at)));
  }
  EXPECT_EQ(error("GetRecords", {{"ShardIterator", good + "="}}),
            "ValidationException: Invalid ShardIterator");
  EXPECT_EQ(error("GetRecords", {{"ShardIterator", "x"}}),
            "ValidationException: Invalid ShardIterator");
}

TEST_F(StreamTest, AStoreWithoutLogsRefusesStreams) {
  MemoryStore plain;
  EngineOptions options;
  options.clock = &clock;
  engine = std::move(Engine::open(plain, options)).value();
  worker = std::move(engine->worker()).value();
  json body = json::parse(R"({"TableName":"Tab","BillingMode":"PAY_PER_REQUEST",
      "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
      "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],
      "StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}})");
  EXPECT_EQ(error("CreateTable", body),
            "ValidationException: One or more parameter values were invalid: Streams are not "
            "available here: this database keeps no change log");
  EXPECT_TRUE(ok("ListTables", json::object())["TableNames"].empty());
  EXPECT_TRUE(engine->maintain_streams().ok());
  worker.reset();
  engine.reset();
}

}  // namespace
}  // namespace offramp::engine
