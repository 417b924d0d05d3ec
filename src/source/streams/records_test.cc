#include "source/streams/records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "ddb/wire_json.h"
#include "source/streams/scripted_stream_test.h"

namespace offramp::source::streams {
namespace {

using testing::HasSubstr;
using testing::Not;

const model::KeySchema kKey{{"pk", ddb::Type::kS}, std::nullopt};

struct Decoded {
  model::ChangeBatch batch;
  std::string next;
  int64_t behind_ms = 0;
};

Result<Decoded> decode(std::string answer, const model::KeySchema& key = kKey) {
  RecordsDecoder decoder(key);
  Decoded out;
  RecordsAnswer read = TRY(decoder.decode(answer, out.batch));
  out.next = read.next_iterator;
  out.behind_ms = read.behind_ms;
  answer.assign(answer.size(), '#');  // nothing may point into it
  return out;
}

std::string one(const std::string& record) {
  return R"({"NextShardIterator":"it","Records":[)" + record + "]}";
}

Error refused(const std::string& answer) {
  auto got = decode(answer);
  EXPECT_FALSE(got.ok()) << answer;
  return got.ok() ? Error(ErrorKind::kInternal, "", "") : got.error();
}

ddb::Digest digest_of(std::string item) {
  ddb::JsonDecoder decoder;
  ddb::ItemBatch batch;
  size_t size = item.size();
  item.append(ddb::kJsonPadding, '\0');
  uint32_t root =
      decoder.decode_item({item.data(), size}, {}, ddb::JsonForm::kTyped, batch).value();
  return ddb::digest(ddb::ItemView(&batch.nodes()[root]));
}

TEST(Records, BecomeChangesInOrder) {
  auto got = decode(R"({"Records":[)" + record_json(sequence_of(1), "a") + "," +
                    record_json(sequence_of(2), "b", "MODIFY") + "," +
                    record_json(sequence_of(3), "a", "REMOVE") + R"(],"NextShardIterator":"it"})");
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->next, "it");
  const auto& changes = got->batch.changes;
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[0].key_json, R"({"pk":{"S":"a"}})");
  EXPECT_EQ(changes[0].image_json, R"({"pk":{"S":"a"},"n":{"N":"1"}})");
  EXPECT_EQ(changes[0].sequence, sequence_of(1));
  EXPECT_EQ(changes[0].created_s, 1699999995);
  EXPECT_EQ(changes[0].key, digest_of(R"({"pk":{"S":"a"}})"));
  EXPECT_EQ(changes[1].key, digest_of(R"({"pk":{"S":"b"}})"));
  EXPECT_EQ(changes[2].key, changes[0].key);
  EXPECT_EQ(changes[2].image_json, "");
  EXPECT_FALSE(changes[2].by_ttl);
}

TEST(Records, TheLastAnswerOfAClosedShardHasNoIterator) {
  EXPECT_EQ(decode(R"({"Records":[)" + record_json("1", "a") + "]}")->batch.changes.size(), 1u);
  EXPECT_EQ(decode(R"({"Records":[]})")->next, "");
  EXPECT_EQ(decode(R"({"Records":[],"NextShardIterator":null})")->next, "");
  EXPECT_EQ(decode(R"({"Records":[],"NextShard\u0049terator":"x"})")->next, "x");
}

TEST(Records, OnlyTheServiceItselfDeletesByTtl) {
  auto by_ttl = [](const std::string& event, const std::string& identity) {
    auto got = decode(one(record_json("7", "a", event, R"(,"userIdentity":)" + identity)));
    EXPECT_TRUE(got.ok()) << identity;
    return got.ok() && got->batch.changes.at(0).by_ttl;
  };
  EXPECT_TRUE(by_ttl("REMOVE", R"({"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"})"));
  EXPECT_TRUE(by_ttl("REMOVE", R"({"principalId":"dynamodb.amazonaws.com","type":"Service"})"));
  EXPECT_FALSE(by_ttl("REMOVE", "null"));
  EXPECT_FALSE(by_ttl("REMOVE", "{}"));
  EXPECT_FALSE(by_ttl("REMOVE", R"({"Type":"User","PrincipalId":"dynamodb.amazonaws.com"})"));
  EXPECT_FALSE(by_ttl("REMOVE", R"({"Type":"Service","PrincipalId":"someone"})"));
  EXPECT_FALSE(by_ttl("MODIFY", R"({"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"})"));
}

TEST(Records, TimesComeAsWholeNumbersOrNot) {
  auto created = [](const std::string& text) {
    return decode(one(record_json("7", "a", "INSERT", "", text)))->batch.changes.at(0).created_s;
  };
  EXPECT_EQ(created("1768387643"), 1768387643);
  EXPECT_EQ(created("1.768387643E9"), 1768387643);
  EXPECT_EQ(created("1.7683876E9"), 1768387600);
  EXPECT_EQ(created("1768387643.75"), 1768387643);
  EXPECT_EQ(created("-5"), 0);
  EXPECT_EQ(created("1e300"), 0);
  EXPECT_EQ(created(R"("2026-01-14")"), 0);
}

TEST(Records, C11_SequenceNumbersStayExactText) {
  const std::string longest(40, '9');
  EXPECT_EQ(decode(one(record_json(longest, "a")))->batch.changes.at(0).sequence, longest);
  EXPECT_EQ(decode(one(record_json("000000000000000000042", "a")))->batch.changes.at(0).sequence,
            "000000000000000000042");
  for (const std::string& bad : {std::string(41, '9'), std::string(""), std::string("12a"),
                                 std::string("-1"), std::string("1.5")})
    EXPECT_EQ(refused(one(record_json(bad, "a"))).code(), "streams.record") << bad;
}

TEST(Records, KeysOfEveryTypeAndOrderGiveTheItemsDigest) {
  const model::KeySchema both{{"pk", ddb::Type::kN}, model::KeyAttribute{"sk", ddb::Type::kB}};
  auto got = decode(R"({"Records":[{"eventName":"REMOVE","dynamodb":{"SequenceNumber":"5","Keys":)"
                    R"({ "sk" : {"B":"AP/+"} , "pk":{"N":"1.50"}} }}]})",
                    both);
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->batch.changes.at(0).key, digest_of(R"({"pk":{"N":"1.5"},"sk":{"B":"AP/+"}})"));
  EXPECT_EQ(got->batch.changes.at(0).created_s, 0);
}

TEST(Records, MembersNobodyKnowsAndAnyOrderAreFine) {
  auto got = decode(
      R"({"Future":{"Records":[1]},"Records":[{"eventName":"INSERT","new":[{"Keys":1}],"dynamodb":)"
      R"({"NewImage":{"pk":{"S":"é\"\\"},"l":{"L":[{"M":{}}]}},"x":{"SequenceNumber":"9"},)"
      R"("OldImage":{"pk":{"S":"}"}},"Keys":{"pk":{"S":"é\"\\"}},"SequenceNumber":"8"}}]})");
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->batch.changes.at(0).sequence, "8");
  EXPECT_EQ(got->batch.changes.at(0).image_json, R"({"pk":{"S":"é\"\\"},"l":{"L":[{"M":{}}]}})");
}

TEST(Records, C6_ARecordThatCannotBeUsedStopsTheReading) {
  const std::string sequence = sequence_of(77);
  std::string good = record_json(sequence, "secret");
  auto without = [&](const std::string& part, const std::string& with) {
    std::string out = good;
    size_t at = out.find(part);
    EXPECT_NE(at, out.npos) << part;
    return one(out.replace(at, part.size(), with));
  };
  const std::string keys = R"("Keys":{"pk":{"S":"secret"}})";
  for (const std::string& bad :
       {std::string(R"("K":1)"), std::string(R"("Keys":{})"),
        std::string(R"("Keys":{"pk":{"N":"1"}})"), std::string(R"("Keys":{"sk":{"S":"a"}})"),
        std::string(R"("Keys":{"pk":{"S":"a"},"sk":{"S":"b"}})"),
        std::string(R"("Keys":{"pk":{"Q":"a"}})"), std::string(R"("Keys":{"pk":"a"})"),
        R"("Keys":{"pk":{"S":")" + std::string(70'000, 'x') + "\"}}"}) {
    Error error = refused(without(keys, bad));
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt) << bad.substr(0, 100);
    EXPECT_EQ(error.code(), "streams.record") << bad.substr(0, 100);
    EXPECT_THAT(error.message(), HasSubstr(sequence));
    EXPECT_THAT(error.message(), Not(HasSubstr("secret"))) << "C12";
  }
  EXPECT_EQ(refused(without(R"("eventName":"INSERT",)", "")).code(), "streams.record");
  EXPECT_EQ(refused(without("INSERT", "RENAME")).code(), "streams.record");
  EXPECT_EQ(refused(without("\"SequenceNumber\"", "\"Sequence\"")).code(), "streams.record");
  Error error = refused(without("\"NewImage\"", "\"OldImage\""));
  EXPECT_EQ(error.code(), "streams.view_type");
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
}

TEST(Records, WhatTheServerHoldsBackIsRead) {
  EXPECT_EQ(decode(R"({"Records":[],"NextShardIterator":"it"})")->behind_ms, 0);
  EXPECT_EQ(
      decode(R"({"Records":[],"NextShardIterator":"it","offrampMillisBehind":1500})")->behind_ms,
      1500);
}

TEST(Records, AnAnswerThatIsNoneIsRefused) {
  for (const char* answer :
       {"", "null", "[]", "{", "{}", R"({"NextShardIterator":"a"})", R"({"Records":{}})",
        R"({"Records":[],"Records":[]})", R"({"Records":[]} x)", R"({"Records":[1]})",
        R"({"Records":[],"NextShardIterator":""})", R"({"Records":[],"NextShardIterator":5})",
        R"({"Records":[],"NextShardIterator":"a","NextShardIterator":"b"})",
        R"({"Records":[],"offrampMillisBehind":-1})", R"({"Records":[],"offrampMillisBehind":"1"})",
        R"({"Records":[{"dynamodb":[]}]})", R"({"Records":[{"dynamodb":{"Keys":{"pk":)",
        R"({"Records":[{"dynamodb":{"NewImage":"x"}}]})"}) {
    Error error = refused(answer);
    EXPECT_EQ(error.kind(), ErrorKind::kCorrupt) << answer;
  }
  EXPECT_EQ(
      refused(R"({"Records":[],"NextShardIterator":")" + std::string(9000, 'a') + "\"}").code(),
      "streams.answer");
}

// Records of the real service as Lambda hands them on; their variable parts are templates and are
// put in here.
TEST(Records, OfTheRealServiceAreRead) {
  std::filesystem::path root = std::filesystem::current_path();
  const char* name = "../shared/data/aws-responses/lambda-stream-events.snapshot.json";
  while (!std::filesystem::exists(root / name) && root.has_relative_path())
    root = root.parent_path();
  std::ifstream file(root / name);
  ASSERT_TRUE(file) << "run inside the repository, beside the shared data";
  auto snapshot = nlohmann::json::parse(file);
  size_t read = 0, removes = 0;
  std::function<void(const nlohmann::json&)> walk = [&](const nlohmann::json& json) {
    if (json.is_object() && json.contains("dynamodb") && json.contains("eventName") &&
        json["dynamodb"].contains("Keys")) {
      nlohmann::json record = json;
      record["dynamodb"]["SequenceNumber"] = "100000000000000000001";
      record["dynamodb"]["ApproximateCreationDateTime"] = 1768387643;
      auto& key = record["dynamodb"]["Keys"];
      ASSERT_EQ(key.size(), 1u);
      model::KeySchema schema{{key.begin().key(), ddb::Type::kS}, std::nullopt};
      auto got = decode(one(record.dump()), schema);
      ASSERT_TRUE(got.ok()) << got.error().message() << record.dump();
      EXPECT_EQ(got->batch.changes.at(0).key, digest_of(key.dump()));
      if (record["eventName"] == "REMOVE") {
        ++removes;
        EXPECT_EQ(got->batch.changes.at(0).image_json, "");
      } else {
        EXPECT_EQ(nlohmann::json::parse(got->batch.changes.at(0).image_json),
                  record["dynamodb"]["NewImage"]);
      }
      ++read;
      return;
    }
    if (json.is_structured())
      for (const auto& child : json) walk(child);
  };
  walk(snapshot);
  EXPECT_GT(read, 10u);
}

}  // namespace
}  // namespace offramp::source::streams
