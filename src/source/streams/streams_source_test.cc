#include "source/streams/streams_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "io/fake_clock_test.h"
#include "source/streams/scripted_stream_test.h"

namespace offramp::source::streams {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;

class StreamsTest : public testing::Test {
 protected:
  StreamsTest()
      : server_([this](const io::ScriptedRequest& request, size_t) {
          return stream_.answer(request);
        }) {
    options_.table = "Tab";
    options_.region = "eu-west-1";
    options_.endpoint = server_.url();
    options_.stop = stop_.get_token();
    options_.credentials = io::aws::fixed_credentials({"AK", "s", "", {}, "test"});
    options_.clock = &clock_;
    options_.on_wait = [this](const Error* why) { waits_.push_back(why ? why->code() : "over"); };
    source_ = std::move(open_streams(options_)).value();
  }
  // A shard with `count` records of the keys k0, k1, …
  ScriptedShard& add_shard(const std::string& id, size_t count, const std::string& parent = "") {
    ScriptedShard shard{.id = id, .parent = parent};
    stream_.shards.push_back(shard);
    write(id, count);
    return stream_.shards.back();
  }
  void write(const std::string& id, size_t count) {
    ScriptedShard* shard = stream_.find(id);
    for (size_t i = 0; i < count; ++i) {
      ++written_;
      shard->records.push_back(record_json(sequence_of(written_), "k" + std::to_string(written_)));
    }
  }
  std::unique_ptr<ShardReader> reader(const std::string& shard, const std::string& after = "") {
    return std::move(source_->open(stream_.stream_arn, shard, after)).value();
  }
  // Reads until the tip or the end; the numbers of the records.
  std::vector<size_t> read(ShardReader& reader) {
    std::vector<size_t> out;
    model::ChangeBatch batch;
    for (;;) {
      auto answer = reader.next(batch);
      EXPECT_TRUE(answer.ok()) << answer.error().message();
      if (!answer.ok()) return out;
      for (const auto& change : batch.changes)
        out.push_back(std::stoul(std::string(change.sequence.substr(1))));
      last_ = answer.value();
      if (last_.end || !last_.more) return out;
    }
  }
  static std::vector<size_t> numbers(size_t first, size_t last) {
    std::vector<size_t> out;
    for (size_t i = first; i <= last; ++i) out.push_back(i);
    return out;
  }
  size_t calls(const std::string& operation) {
    size_t count = 0;
    for (const auto& request : server_.requests())
      count += request.header("x-amz-target").ends_with("." + operation);
    return count;
  }
  std::string last_body(const std::string& operation) {
    std::string out;
    for (const auto& request : server_.requests())
      if (request.header("x-amz-target").ends_with("." + operation)) out = request.body;
    return out;
  }

  io::FakeClock clock_;
  std::stop_source stop_;
  ScriptedStream stream_;
  StreamsOptions options_;
  io::ScriptedServer server_;
  std::unique_ptr<ChangeSource> source_;
  std::vector<std::string> waits_;
  ShardAnswer last_;
  size_t written_ = 0;
};

TEST_F(StreamsTest, DescribesTheStream) {
  auto got = source_->describe();
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_EQ(got->id, stream_.stream_arn);
  EXPECT_EQ(got->table_arn, "arn:aws:dynamodb:eu-west-1:1:table/Tab");
  EXPECT_EQ(got->key, (model::KeySchema{{"pk", ddb::Type::kS}, std::nullopt}));
  EXPECT_TRUE(got->enabled);
}

TEST_F(StreamsTest, ATableWithoutStreamGetsTheRemedy) {
  stream_.stream_arn.clear();
  Error error = source_->describe().error();
  EXPECT_EQ(error.kind(), ErrorKind::kConfig);
  EXPECT_EQ(error.code(), "streams.none");
  EXPECT_THAT(error.message(), HasSubstr("aws dynamodb update-table --table-name Tab --region "
                                         "eu-west-1 --stream-specification "
                                         "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"));
  EXPECT_THAT(error.message(), HasSubstr("offramp run --enable-stream"));
}

TEST_F(StreamsTest, ADisabledStreamIsReadAsLongAsItHoldsSomething) {
  stream_.specification_enabled = false;
  stream_.stream_status = "DISABLED";
  EXPECT_EQ(source_->describe().error().code(), "streams.none");
  add_shard("s1", 3).closed = true;
  auto got = source_->describe();
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_FALSE(got->enabled);
  EXPECT_EQ(read(*reader("s1")), numbers(1, 3));
  EXPECT_TRUE(last_.end);
  stream_.stream_exists = false;
  EXPECT_EQ(source_->describe().error().code(), "streams.none");
}

TEST_F(StreamsTest, AViewTypeWithoutNewImagesIsRefused) {
  for (const char* type : {"KEYS_ONLY", "OLD_IMAGE"}) {
    stream_.view_type = type;
    Error error = source_->describe().error();
    EXPECT_EQ(error.code(), "streams.view_type");
    EXPECT_EQ(error.kind(), ErrorKind::kConfig);
    EXPECT_THAT(error.message(), HasSubstr(type));
    EXPECT_EQ(enable_stream(options_).error().code(), "streams.view_type");
  }
  EXPECT_EQ(calls("UpdateTable"), 0u);
  stream_.view_type = "NEW_IMAGE";
  EXPECT_TRUE(source_->describe().ok());
}

TEST_F(StreamsTest, SwitchesAStreamOnAndWaitsForIt) {
  stream_.stream_arn.clear();
  int polls = 0;
  stream_.before_answer = [&](const std::string& operation) {
    if (operation != "DescribeTable") return;
    if (++polls == 4) stream_.table_status = "ACTIVE";
    if (polls == 6) stream_.stream_status = "ENABLED";
  };
  auto got = enable_stream(options_);
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_TRUE(got->enabled);
  EXPECT_EQ(got->id, stream_.stream_arn);
  EXPECT_EQ(stream_.view_type, "NEW_AND_OLD_IMAGES");
  EXPECT_EQ(calls("UpdateTable"), 1u);
  EXPECT_TRUE(enable_stream(options_).ok()) << "a second time changes nothing";
  EXPECT_EQ(calls("UpdateTable"), 1u);
}

TEST_F(StreamsTest, SwitchingOnWaitsForAnotherChangeOfTheTableAndNotForEver) {
  stream_.stream_arn.clear();
  stream_.table_status = "UPDATING";
  Error error = enable_stream(options_).error();
  EXPECT_EQ(error.code(), "streams.enabling");
  EXPECT_EQ(error.kind(), ErrorKind::kUnavailable);
  EXPECT_EQ(calls("UpdateTable"), 0u);
  stream_.table_status = "DELETING";
  EXPECT_EQ(enable_stream(options_).error().code(), "streams.table_state");
}

TEST_F(StreamsTest, ListsTheShardsOfAllPages) {
  for (int i = 0; i < 250; ++i)
    add_shard("shard-" + std::to_string(i), 0, i < 100 ? "" : "shard-" + std::to_string(i - 100));
  auto got = source_->shards(stream_.stream_arn);
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->size(), 250u);
  EXPECT_EQ((*got)[249].id, "shard-249");
  EXPECT_EQ((*got)[249].parent, "shard-149");
  EXPECT_EQ((*got)[0].parent, "");
  EXPECT_EQ((*got)[0].starting_sequence, sequence_of(1));
  EXPECT_FALSE((*got)[0].closed) << "a parent that looks open beside its child is harmless";
  EXPECT_EQ(stream_.describe_calls, 3);
}

TEST_F(StreamsTest, DescribeStreamIsPaced) {
  for (int i = 0; i < 30; ++i) add_shard("shard-" + std::to_string(i), 0);
  stream_.shards_per_page = 1;
  ASSERT_EQ(source_->shards(stream_.stream_arn)->size(), 30u);
  EXPECT_GE(clock_.passed(), std::chrono::milliseconds(2900)) << "ten a second at most";
  EXPECT_LE(clock_.passed(), std::chrono::milliseconds(5000));
}

TEST_F(StreamsTest, C6_AListingThatGoesRoundIsAnError) {
  for (int i = 0; i < 4; ++i) add_shard("shard-" + std::to_string(i), 0);
  stream_.shards_per_page = 2;
  stream_.same_page_for_ever = true;
  Error error = source_->shards(stream_.stream_arn).error();
  EXPECT_EQ(error.code(), "streams.no_progress");
  EXPECT_EQ(error.kind(), ErrorKind::kCorrupt);
}

TEST_F(StreamsTest, AClosedLeafIsAskedForAgainBriefly) {
  add_shard("parent", 1).closed = true;
  stream_.before_answer = [&](const std::string& operation) {
    if (operation == "DescribeStream" && stream_.describe_calls == 2)
      stream_.shards.push_back({.id = "child", .parent = "parent"});
  };
  EXPECT_EQ(source_->shards(stream_.stream_arn)->size(), 2u);
  EXPECT_EQ(stream_.describe_calls, 3);
  // One that never gets a child does not hold anything up.
  stream_.before_answer = nullptr;
  stream_.shards.pop_back();
  stream_.describe_calls = 0;
  EXPECT_EQ(source_->shards(stream_.stream_arn)->size(), 1u);
  EXPECT_EQ(stream_.describe_calls, 4);
  EXPECT_LT(clock_.passed(), std::chrono::seconds(10));
  // Of a stream that is switched off, leaves are what they are.
  stream_.stream_status = "DISABLED";
  stream_.describe_calls = 0;
  EXPECT_EQ(source_->shards(stream_.stream_arn)->size(), 1u);
  EXPECT_EQ(stream_.describe_calls, 1);
}

TEST_F(StreamsTest, C4_ReadsAShardToItsEnd) {
  add_shard("s1", 2500).closed = true;
  auto reader = this->reader("s1");
  EXPECT_EQ(read(*reader), numbers(1, 2500));
  EXPECT_TRUE(last_.end);
  EXPECT_EQ(calls("GetRecords"), 3u) << "full answers follow each other at once";
  EXPECT_THAT(last_body("GetRecords"), HasSubstr("\"Limit\":1000"));
  EXPECT_THAT(last_body("GetShardIterator"), HasSubstr("\"TRIM_HORIZON\""));
  // The end stays the end.
  EXPECT_TRUE(read(*reader).empty());
  EXPECT_TRUE(last_.end);
  EXPECT_EQ(calls("GetRecords"), 3u);
}

TEST_F(StreamsTest, FollowsAnOpenShard) {
  add_shard("s1", 5);
  auto reader = this->reader("s1");
  EXPECT_EQ(read(*reader), numbers(1, 5));
  EXPECT_FALSE(last_.end);
  EXPECT_FALSE(last_.more);
  EXPECT_TRUE(read(*reader).empty());
  EXPECT_FALSE(last_.more);
  EXPECT_EQ(calls("GetRecords"), 2u) << "at the tip an answer without records is believed";
  write("s1", 2);
  EXPECT_EQ(read(*reader), numbers(6, 7));
  EXPECT_EQ(calls("GetShardIterator"), 1u);
}

TEST_F(StreamsTest, EmptyAnswersAreNotTheTipBeforeItWasSeen) {
  add_shard("s1", 0);
  auto reader = this->reader("s1");
  EXPECT_TRUE(read(*reader).empty());
  EXPECT_EQ(calls("GetRecords"), 4u);
  EXPECT_TRUE(read(*reader).empty());
  EXPECT_EQ(calls("GetRecords"), 5u);
}

TEST_F(StreamsTest, OldRecordsSayThatThereIsMore) {
  add_shard("s1", 9);
  stream_.records_per_answer = 3;  // less than a full answer
  clock_.pass(minutes(10));
  EXPECT_EQ(read(*reader("s1")), numbers(1, 9));
}

TEST_F(StreamsTest, TimesInWholeMinutesMayBeUpToAMinuteYounger) {
  add_shard("s1", 0);
  stream_.shards[0].records.push_back(record_json(sequence_of(1), "k", "INSERT", "", "1699999980"));
  clock_.pass(std::chrono::seconds(40));  // 60 seconds later
  auto reader = this->reader("s1");
  read(*reader);
  EXPECT_EQ(calls("GetRecords"), 1u);
}

TEST_F(StreamsTest, C6_AnEmptyShardThatWasNotReadForADayIsAGap) {
  add_shard("s1", 0);
  auto reader = this->reader("s1");
  read(*reader);
  clock_.pass(std::chrono::hours(22));
  EXPECT_TRUE(read(*reader).empty());
  clock_.pass(std::chrono::hours(24));
  model::ChangeBatch batch;
  auto got = reader->next(batch);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), "streams.trimmed");
}

TEST_F(StreamsTest, C9_ResumesBehindASequenceNumber) {
  add_shard("s1", 10).closed = true;
  EXPECT_EQ(read(*reader("s1", sequence_of(4))), numbers(5, 10));
  EXPECT_THAT(last_body("GetShardIterator"),
              HasSubstr("\"AFTER_SEQUENCE_NUMBER\",\"SequenceNumber\":\"" + sequence_of(4) + "\""));
  EXPECT_TRUE(read(*reader("s1", sequence_of(10))).empty());
  EXPECT_TRUE(last_.end);
  EXPECT_EQ(source_->open(stream_.stream_arn, "s1", "12x").error().kind(), ErrorKind::kCorrupt);
}

TEST_F(StreamsTest, C6_AnExpiredIteratorIsRenewedBehindThePosition) {
  add_shard("s1", 5);
  auto reader = this->reader("s1");
  EXPECT_EQ(read(*reader), numbers(1, 5));
  write("s1", 3);
  stream_.iterators_expired = true;
  EXPECT_EQ(read(*reader), numbers(6, 8));
  EXPECT_EQ(calls("GetShardIterator"), 2u);
  EXPECT_THAT(last_body("GetShardIterator"), HasSubstr(sequence_of(5)));
  // One that is about to expire is not tried.
  clock_.pass(minutes(14));
  write("s1", 1);
  EXPECT_EQ(read(*reader), numbers(9, 9));
  EXPECT_EQ(calls("GetShardIterator"), 3u);
  EXPECT_THAT(last_body("GetShardIterator"), HasSubstr(sequence_of(8)));
}

TEST_F(StreamsTest, IteratorsThatExpireAtOnceAreNotAskedForForEver) {
  add_shard("s1", 5);
  stream_.before_answer = [&](const std::string& operation) {
    if (operation == "GetRecords") stream_.iterators_expired = true;
  };
  model::ChangeBatch batch;
  auto got = reader("s1")->next(batch);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), "ddb.iterator_expired");
  EXPECT_LE(calls("GetRecords"), 5u);
}

TEST_F(StreamsTest, C6_TrimmedRecordsAreAGap) {
  add_shard("s1", 10);
  auto reader = this->reader("s1");
  EXPECT_EQ(read(*reader), numbers(1, 10));
  write("s1", 10);
  stream_.shards[0].trimmed = 15;
  model::ChangeBatch batch;
  auto got = reader->next(batch);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kGap);
  EXPECT_EQ(got.error().code(), "streams.trimmed");
  EXPECT_THAT(got.error().message(), HasSubstr("s1"));
  EXPECT_THAT(got.error().message(), HasSubstr(sequence_of(10)));
  // Also when the iterator is asked for.
  got = this->reader("s1", sequence_of(3))->next(batch);
  EXPECT_EQ(got.error().code(), "streams.trimmed");
}

TEST_F(StreamsTest, ATrimHorizonThatMovesBeforeTheFirstRecordIsFollowed) {
  add_shard("s1", 10);
  stream_.before_answer = [&](const std::string& operation) {
    if (operation == "GetRecords" && stream_.shards[0].trimmed == 0) stream_.shards[0].trimmed = 4;
  };
  EXPECT_EQ(read(*reader("s1")), numbers(5, 10));
}

TEST_F(StreamsTest, C6_AShardThatIsGoneIsAGap) {
  add_shard("s1", 3);
  auto reader = this->reader("s1");
  read(*reader);
  stream_.shards.clear();
  model::ChangeBatch batch;
  auto got = reader->next(batch);
  EXPECT_EQ(got.error().code(), "streams.shard_gone");
  EXPECT_EQ(got.error().kind(), ErrorKind::kGap);
  EXPECT_EQ(this->reader("s2")->next(batch).error().code(), "streams.shard_gone");
  stream_.stream_exists = false;
  EXPECT_EQ(source_->shards(stream_.stream_arn).error().code(), "streams.shard_gone");
}

TEST_F(StreamsTest, AFailedAnswerLeavesThePosition) {
  add_shard("s1", 5);
  auto reader = this->reader("s1");
  EXPECT_EQ(read(*reader), numbers(1, 5));
  write("s1", 2);
  stream_.next_get_records = R"({"NextShardIterator":"s1@7","Records":[)" +
                             stream_.shards[0].records[5] +
                             R"(,{"eventName":"INSERT","dynamodb":{"SequenceNumber":"77"}}]})";
  model::ChangeBatch batch;
  auto got = reader->next(batch);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().kind(), ErrorKind::kCorrupt);
  EXPECT_THAT(got.error().message(), HasSubstr("shard s1"));
  EXPECT_THAT(got.error().message(), HasSubstr("77"));
  EXPECT_TRUE(batch.changes.empty());
  EXPECT_EQ(read(*reader), numbers(6, 7));
}

TEST_F(StreamsTest, C10_AnAnswerThatIsTooLargeIsAskedForInPieces) {
  add_shard("s1", 0);
  ScriptedShard& shard = stream_.shards[0];
  const std::string filler(400'000, 'x');
  for (size_t i = 1; i <= 60; ++i)
    shard.records.push_back(
        record_json(sequence_of(i), "k", "INSERT", ",\"f\":\"" + filler + "\""));
  shard.closed = true;
  EXPECT_EQ(read(*reader("s1")), numbers(1, 60));
}

TEST_F(StreamsTest, ALostServiceIsWaitedForAndReported) {
  add_shard("s1", 3).closed = true;
  ASSERT_TRUE(source_->describe().ok());
  auto reader = this->reader("s1");
  stream_.faults = 40;
  EXPECT_EQ(read(*reader), numbers(1, 3));
  ASSERT_EQ(waits_.size(), 41u);
  EXPECT_EQ(waits_.front(), "ddb.unavailable");
  EXPECT_EQ(waits_.back(), "over");
}

TEST_F(StreamsTest, ManyShardsAreReadAtOnce) {
  constexpr size_t kShards = 8, kRecords = 1500;
  for (size_t i = 0; i < kShards; ++i) add_shard("s" + std::to_string(i), kRecords).closed = true;
  std::vector<std::vector<size_t>> got(kShards);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < kShards; ++i)
      threads.emplace_back([&, i] {
        auto reader =
            std::move(source_->open(stream_.stream_arn, "s" + std::to_string(i), "")).value();
        model::ChangeBatch batch;
        for (ShardAnswer answer; !answer.end;) {
          auto next = reader->next(batch);
          if (!next.ok()) return;
          answer = next.value();
          for (const auto& change : batch.changes)
            got[i].push_back(std::stoul(std::string(change.sequence.substr(1))));
        }
      });
  }
  for (size_t i = 0; i < kShards; ++i)
    EXPECT_EQ(got[i], numbers(i * kRecords + 1, (i + 1) * kRecords));
}

TEST_F(StreamsTest, AStopEndsTheReading) {
  add_shard("s1", 3);
  auto reader = this->reader("s1");
  stop_.request_stop();
  model::ChangeBatch batch;
  EXPECT_EQ(reader->next(batch).error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(source_->shards(stream_.stream_arn).error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(source_->describe().error().kind(), ErrorKind::kCancelled);
}

}  // namespace
}  // namespace offramp::source::streams
