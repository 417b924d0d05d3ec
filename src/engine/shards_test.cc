// Shards: how changes are cut into them, how they end and follow each other, and what time does.
#include <gmock/gmock.h>

#include <map>
#include <random>

#include "engine/stream_fixture_test.h"
#include "engine/stream_iterator.h"

namespace offramp::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(StreamTest, AnItemsChangesAreInOneShardInOrder) {
  std::string arn = make_table();
  std::mt19937 random(7);
  std::map<std::string, std::vector<std::string>> written;
  for (int i = 0; i < 1000; ++i) {
    std::string pk = "p" + std::to_string(random() % 100);
    put(item(pk, 1, std::to_string(i)));
    written[pk].push_back(std::to_string(i));
  }
  std::map<std::string, std::vector<std::string>> read;
  int used = 0;
  for (const json& shard : shards_of(arn)) {
    std::vector<json> records = read_shard(iterator(arn, shard["ShardId"]));
    used += !records.empty();
    std::map<std::string, std::vector<std::string>> here;
    std::string last;
    for (const json& record : records) {
      const json& change = record["dynamodb"];
      here[change["Keys"]["pk"]["S"]].push_back(change["NewImage"]["v"]["S"]);
      EXPECT_LT(last, change["SequenceNumber"].get<std::string>());
      last = change["SequenceNumber"];
    }
    for (auto& [pk, values] : here) {
      EXPECT_TRUE(read[pk].empty()) << pk << " is in two shards";
      read[pk] = values;
    }
  }
  EXPECT_EQ(read, written);
  EXPECT_EQ(used, 4);
}

TEST_F(StreamTest, ShardsAreFollowedByTheirChildren) {
  std::string arn = make_table();
  for (int i = 0; i < 20; ++i) put(item("p" + std::to_string(i), 1, "first"));
  json before = shards_of(arn);
  std::vector<std::string> iterators;
  for (const json& shard : before) iterators.push_back(iterator(arn, shard["ShardId"]));
  pass(hours(3));
  EXPECT_EQ(shards_of(arn).size(), 4u);
  pass(hours(1));
  for (int i = 0; i < 20; ++i) put(item("p" + std::to_string(i), 1, "second"));
  json after = shards_of(arn);
  ASSERT_EQ(after.size(), 8u);
  std::map<std::string, std::vector<json>> read;
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(after[i]["ShardId"], before[i]["ShardId"]);
    EXPECT_EQ(after[i + 4]["ParentShardId"], before[i]["ShardId"]);
    EXPECT_FALSE(after[i + 4]["SequenceNumberRange"].contains("EndingSequenceNumber"));
    EXPECT_LT(after[i]["SequenceNumberRange"]["EndingSequenceNumber"],
              after[i + 4]["SequenceNumberRange"]["StartingSequenceNumber"]);
    bool open = true;
    std::vector<json> parents = read_shard(iterator(arn, after[i]["ShardId"]), &open);
    EXPECT_FALSE(open) << "its last answer says so";
    std::vector<json> children = read_shard(iterator(arn, after[i + 4]["ShardId"]), &open);
    EXPECT_TRUE(open);
    EXPECT_EQ(parents.size(), children.size()) << "each item stays in its line of shards";
    for (const json& record : parents)
      EXPECT_LE(record["dynamodb"]["SequenceNumber"],
                after[i]["SequenceNumberRange"]["EndingSequenceNumber"]);
    json filtered =
        ok("DescribeStream",
           {{"StreamArn", arn},
            {"ShardFilter", {{"Type", "CHILD_SHARDS"}, {"ShardId", before[i]["ShardId"]}}}});
    ASSERT_EQ(filtered["StreamDescription"]["Shards"].size(), 1u);
    EXPECT_EQ(filtered["StreamDescription"]["Shards"][0], after[i + 4]);
  }
  std::vector<json> listed;
  json page = {{"StreamArn", arn}, {"Limit", 3}};
  for (;;) {
    json answer = ok("DescribeStream", page)["StreamDescription"];
    for (const json& shard : answer["Shards"]) listed.push_back(shard);
    if (!answer.contains("LastEvaluatedShardId")) break;
    EXPECT_EQ(answer["Shards"].size(), 3u);
    page["ExclusiveStartShardId"] = answer["LastEvaluatedShardId"];
  }
  EXPECT_EQ(json(listed), after);
}

// Readers in the middle of a generation's end see each change once, whatever the order of steps.
TEST_F(StreamTest, NobodyReadsBehindTheEndOfAGeneration) {
  std::string arn = make_table();
  put(item("a", 1, "0"));
  std::string shard;
  for (const json& candidate : shards_of(arn))
    if (!read_shard(iterator(arn, candidate["ShardId"])).empty()) shard = candidate["ShardId"];
  clock.pass(hours(5));
  std::string from = iterator(arn, shard);
  std::vector<std::string> read;
  auto read_on = [&] {
    json answer = ok("GetRecords", {{"ShardIterator", from}});
    for (const json& record : answer["Records"]) read.push_back(told(record));
    from = answer.value("NextShardIterator", "");
  };
  read_on();
  int step = 0;
  store.before_update_log = [&] {
    // Before and between the two changes of the entry; the second time a number is given out.
    ++step;
    put(item("a", 1, std::to_string(step)));
    read_on();
    EXPECT_FALSE(from.empty()) << "it has not ended yet";
  };
  EXPECT_TRUE(engine->maintain_streams().ok());
  store.before_update_log = nullptr;
  EXPECT_EQ(step, 2);
  put(item("a", 1, "3"));
  while (!from.empty()) read_on();
  json shards = shards_of(arn);
  ASSERT_EQ(shards.size(), 8u);
  for (const json& candidate : shards)
    if (candidate.value("ParentShardId", "") == shard) from = iterator(arn, candidate["ShardId"]);
  read_on();
  EXPECT_THAT(read, ElementsAre("INSERT a/1 0", "MODIFY a/1 1", "MODIFY a/1 2", "MODIFY a/1 3"));
}

TEST_F(StreamTest, AGenerationThatSomebodyBeganToEndIsEnded) {
  std::string arn = make_table();
  put(item("a", 1, "x"));
  clock.pass(hours(5));
  int updates = 0;
  // Another process is faster with the second change: ours is refused, and nothing is done twice.
  auto other = open();
  store.before_update_log = [&] {
    if (++updates == 2) {
      store.before_update_log = nullptr;
      EXPECT_TRUE(other->maintain_streams().ok());
    }
  };
  EXPECT_TRUE(engine->maintain_streams().ok());
  EXPECT_EQ(shards_of(arn).size(), 8u);
  EXPECT_THAT(told(read_stream(arn)), ElementsAre("INSERT a/1 x"));
}

TEST_F(StreamTest, IteratorsOfEveryKind) {
  std::string arn = make_table();
  for (int i = 0; i < 6; ++i) put(item("a", i, "x"));
  std::string shard;
  std::vector<json> all;
  for (const json& candidate : shards_of(arn)) {
    std::vector<json> records = read_shard(iterator(arn, candidate["ShardId"]));
    if (records.empty()) continue;
    shard = candidate["ShardId"];
    all = records;
  }
  ASSERT_EQ(all.size(), 6u);
  std::string third = all[2]["dynamodb"]["SequenceNumber"];
  EXPECT_EQ(told(read_shard(iterator(arn, shard, "AT_SEQUENCE_NUMBER", third))).front(),
            "INSERT a/2 x");
  EXPECT_EQ(told(read_shard(iterator(arn, shard, "AFTER_SEQUENCE_NUMBER", third))).front(),
            "INSERT a/3 x");
  std::string latest = iterator(arn, shard, "LATEST");
  EXPECT_THAT(read_shard(latest), IsEmpty());
  put(item("a", 7, "new"));
  EXPECT_THAT(told(read_shard(latest)), ElementsAre("INSERT a/7 new"));
  json page = ok("GetRecords", {{"ShardIterator", iterator(arn, shard)}, {"Limit", 2}});
  EXPECT_EQ(page["Records"].size(), 2u);
  page = ok("GetRecords", {{"ShardIterator", page["NextShardIterator"]}, {"Limit", 1000}});
  EXPECT_EQ(page["Records"].size(), 5u);
  pass(hours(4));
  std::string closed = iterator(arn, shard, "LATEST");
  bool open = true;
  EXPECT_THAT(read_shard(closed, &open), IsEmpty());
  EXPECT_FALSE(open);
}

// A transaction that is still open may log a number below the highest one.
TEST_F(StreamTest, WhatIsNotKnownYetIsWaitedFor) {
  std::string arn = make_table();
  put(item("a", 1, "x"));
  put(item("a", 2, "x"));
  put(item("a", 3, "x"));
  store.known_to = 1;
  EXPECT_THAT(told(read_stream(arn)), ElementsAre("INSERT a/1 x"));
  std::vector<std::string> latest;
  for (const json& shard : shards_of(arn))
    latest.push_back(iterator(arn, shard["ShardId"], "LATEST"));
  std::vector<std::string> read;
  store.known_to.reset();
  for (const std::string& from : latest)
    for (const json& record : read_shard(from)) read.push_back(told(record));
  EXPECT_THAT(read, ElementsAre("INSERT a/2 x", "INSERT a/3 x")) << "nothing is left out";
  store.known_to = 1;
  pass(hours(4));
  bool open = false;
  for (const json& shard : shards_of(arn)) {
    read_shard(iterator(arn, shard["ShardId"]), &open);
    EXPECT_TRUE(open) << "a shard goes on until all its changes are known";
  }
  store.known_to.reset();
  EXPECT_EQ(read_stream(arn).size(), 3u);
}

// Whoever follows a stream must not take what is held back for all that there is.
TEST_F(StreamTest, AnAnswerSaysThatChangesAreHeldBack) {
  const char* behind = "offrampMillisBehind";
  std::string arn = make_table();
  std::string shard = shards_of(arn)[0]["ShardId"];
  auto answer = [&] { return ok("GetRecords", {{"ShardIterator", iterator(arn, shard)}}); };
  put(item("a", 1, "x"));
  put(item("a", 2, "x"));
  clock.pass(seconds(10));
  EXPECT_FALSE(answer().contains(behind));
  store.known_to = 1;
  EXPECT_EQ(answer()[behind], 1500);
  store.behind = std::chrono::milliseconds::max();
  EXPECT_EQ(answer()[behind], 24 * 3600 * 1000) << "nothing is known";
  store.known_to = 2;
  EXPECT_FALSE(answer().contains(behind));
  store.known_to.reset();
  // Where the generation ends is not known to anybody yet.
  json told;
  store.before_update_log = [&] {
    store.before_update_log = [&] {
      store.before_update_log = nullptr;
      told = answer();
    };
  };
  pass(hours(4));
  EXPECT_TRUE(told["Records"].empty());
  EXPECT_EQ(told[behind], 24 * 3600 * 1000);
  told = answer();
  EXPECT_FALSE(told.contains(behind));
  EXPECT_FALSE(told.contains("NextShardIterator"));
}

TEST_F(StreamTest, IteratorsExpire) {
  std::string arn = make_table();
  std::string from = iterator(arn, shards_of(arn)[0]["ShardId"]);
  clock.pass(minutes(15));
  ok("GetRecords", {{"ShardIterator", from}});
  clock.pass(std::chrono::seconds(1));
  EXPECT_THAT(error("GetRecords", {{"ShardIterator", from}}),
              StartsWith("ExpiredIteratorException: "));
}

TEST_F(StreamTest, ChangesAreKeptForADay) {
  std::string arn = make_table();
  for (int i = 0; i < 30; ++i) put(item("a", i, "old"));
  json shards = shards_of(arn);
  std::string shard, first_number;
  for (const json& candidate : shards)
    for (const json& record : read_shard(iterator(arn, candidate["ShardId"]))) {
      shard = candidate["ShardId"];
      if (first_number.empty()) first_number = record["dynamodb"]["SequenceNumber"];
    }
  clock.pass(hours(12));
  put(item("a", 100, "young"));
  pass(hours(12));
  EXPECT_EQ(read_stream(arn).size(), 31u) << "not before";
  std::string at_first = iterator(arn, shard, "AT_SEQUENCE_NUMBER", first_number),
              horizon = iterator(arn, shard);
  pass(minutes(10));
  EXPECT_THAT(error("GetRecords", {{"ShardIterator", at_first}}),
              StartsWith("TrimmedDataAccessException: "));
  EXPECT_THAT(error("GetShardIterator", {{"StreamArn", arn},
                                         {"ShardId", shard},
                                         {"ShardIteratorType", "AFTER_SEQUENCE_NUMBER"},
                                         {"SequenceNumber", first_number}}),
              StartsWith("TrimmedDataAccessException: "));
  EXPECT_THAT(told(read_shard(horizon)), ElementsAre("INSERT a/100 young"));
}

TEST_F(StreamTest, ARetentionOfSecondsIsKept) {
  retention = seconds(20);
  shard_age = seconds(5);
  worker.reset();
  engine = open();
  worker = std::move(engine->worker()).value();
  std::string arn = make_table();
  std::string first = shards_of(arn)[0]["ShardId"];
  for (int i = 0; i < 60; ++i) {
    put(item("a", i, "x"));
    pass(seconds(1));
    // Of the last 20 seconds, and of two more until they are trimmed.
    EXPECT_THAT(read_stream(arn).size(),
                testing::AllOf(testing::Ge(std::min(i + 1, 20)), testing::Le(std::min(i + 1, 23))))
        << i;
    EXPECT_LE(shards_of(arn).size(), 4u * 6) << "five that ended, and the open ones";
  }
  EXPECT_THAT(
      error("GetShardIterator",
            {{"StreamArn", arn}, {"ShardId", first}, {"ShardIteratorType", "TRIM_HORIZON"}}),
      StartsWith("ResourceNotFoundException: "));
  update({{"StreamEnabled", false}});
  pass(seconds(1));
  for (int i = 0; i < 20; ++i) pass(seconds(1));
  EXPECT_EQ(ok("ListStreams", json::object())["Streams"].size(), 1u);
  pass(seconds(2));
  EXPECT_TRUE(ok("ListStreams", json::object())["Streams"].empty()) << "dropped with its log";
}

TEST_F(StreamTest, OldShardsAreForgotten) {
  std::string arn = make_table();
  std::string first = shards_of(arn)[0]["ShardId"];
  std::string old_iterator;
  for (int i = 0; i < 12; ++i) {
    pass(hours(4));
    put(item("a", i, "x"));
    if (i == 6) {
      // 28 hours; the first generation ended 24 hours ago.
      old_iterator = iterator(arn, first);
    }
    if (i == 7) {
      EXPECT_THAT(
          error("GetShardIterator",
                {{"StreamArn", arn}, {"ShardId", first}, {"ShardIteratorType", "TRIM_HORIZON"}}),
          StartsWith("ResourceNotFoundException: "));
    }
  }
  json shards = shards_of(arn);
  EXPECT_EQ(shards.size(), 4u * 8) << "those that ended in the last 24 hours, and the open ones";
  EXPECT_TRUE(shards[0].contains("ParentShardId")) << "it had a parent, which is gone";
  EXPECT_EQ(read_stream(arn).size(), 7u);
}

TEST_F(StreamTest, AnAnswerIsBounded) {
  std::string arn = make_table();
  std::string big(300'000, 'b');
  for (int i = 0; i < 8; ++i) put(item("a", i, big));
  for (const json& shard : shards_of(arn)) {
    std::string from = iterator(arn, shard["ShardId"]);
    json answer = ok("GetRecords", {{"ShardIterator", from}});
    if (answer["Records"].empty()) continue;
    EXPECT_EQ(answer["Records"].size(), 3u) << "one megabyte of records";
    EXPECT_EQ(read_shard(from).size(), 8u);
  }
  // Of 6000 changes of others one answer looks through some, and says that it goes on.
  for (int i = 0; i < 6000; ++i) put(item("b", i, "x"));
  int pages = 0, empty_answers = 0;
  for (const json& shard : shards_of(arn)) {
    std::string from = iterator(arn, shard["ShardId"], "LATEST");
    from = iterator(arn, shard["ShardId"]);
    for (;;) {
      int before = store.pages_read;
      json answer = ok("GetRecords", {{"ShardIterator", from}});
      pages = std::max(pages, store.pages_read - before);
      EXPECT_LE(answer["Records"].size(), 1000u);
      std::string next = answer["NextShardIterator"];
      if (parse_iterator(next)->after == parse_iterator(from)->after) break;
      empty_answers += answer["Records"].empty();
      from = next;
    }
  }
  EXPECT_LE(pages, 4);
  EXPECT_GT(empty_answers, 2);
}

TEST(Sequences, AreTextsInTheOrderOfNumbers) {
  EXPECT_EQ(sequence_text(0), "100000000000000000000");
  EXPECT_EQ(sequence_text(UINT64_MAX), "118446744073709551615");
  EXPECT_LT(sequence_text(9), sequence_text(10));
  for (uint64_t number : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 40, UINT64_MAX})
    EXPECT_EQ(parse_sequence(sequence_text(number)), number);
  for (const char* text : {"", "1", "118446744073709551616", "000000000000000000001",
                           "1-0000000000000000001", "1000000000000000000001"})
    EXPECT_FALSE(parse_sequence(text)) << text;
}

}  // namespace
}  // namespace offramp::engine
