// Capture against a stream in memory: lineage, positions, and what it takes for a gap.
#include "migrate/capture/capture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <filesystem>
#include <thread>

#include "migrate/capture/memory_stream_test.h"

namespace offramp::migrate::capture {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kHour = std::chrono::hours(1);

class CaptureTest : public testing::Test {
 protected:
  CaptureTest() {
    char name[] = "/tmp/offramp-capture-XXXXXX";
    folder_ = ::mkdtemp(name);
    open();
  }
  ~CaptureTest() override { std::filesystem::remove_all(folder_); }

  void open() {
    spool_.reset();
    auto spool = spool::Spool::open(folder_ + "/spool", spool::Spool::Open::kCreate, {});
    ASSERT_TRUE(spool.ok()) << spool.error().message();
    spool_ = std::move(spool).value();
  }
  std::unique_ptr<Capture> make() {
    CaptureOptions options;
    options.threads = 3;
    options.busy_poll = options.idle_poll_max = std::chrono::milliseconds(1);
    options.discovery = std::chrono::milliseconds(20);
    options.heartbeat = std::chrono::milliseconds(20);
    options.clock = &clock_;
    return std::make_unique<Capture>(stream_, *spool_, options);
  }
  // Runs until `enough`, or until it ends by itself.
  Status run_until(Capture& capture, const std::function<bool()>& enough) {
    std::stop_source stop;
    std::atomic<bool> ended{false};
    Status status;
    std::thread runner([&] {
      status = capture.run(stop.get_token());
      ended = true;
    });
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!ended && !enough() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(ended || enough()) << "it took too long";
    stop.request_stop();
    runner.join();
    return status;
  }
  // The sequence numbers in the spool, in its order.
  std::vector<std::string> captured() {
    std::vector<std::string> out;
    EXPECT_TRUE(spool_->seek({.generation = spool_->origin()->generation}).ok());
    model::ChangeBatch batch;
    spool::Place after;
    for (;;) {
      batch.reset();
      auto more = spool_->read(batch, after, 1000);
      EXPECT_TRUE(more.ok());
      if (!more.ok() || !*more) return out;
      for (const model::Change& change : batch.changes) out.emplace_back(change.sequence);
    }
  }
  Status begin_and_read(size_t changes) {
    auto capture = make();
    TRY(capture->begin(1));
    return run_until(*capture, [&] { return capture->counts().changes >= changes; });
  }

  std::string folder_;
  ShiftedClock clock_;
  MemoryStream stream_;
  std::unique_ptr<spool::Spool> spool_;
};

TEST_F(CaptureTest, C4_ReadsParentsToTheirEndBeforeChildren) {
  stream_.add_shard("p");
  for (int i = 1; i <= 50; ++i) stream_.write("p", i);
  stream_.close("p");
  stream_.add_shard("c1", "p");
  stream_.add_shard("c2", "p");
  for (int i = 51; i <= 100; ++i) stream_.write(i % 2 ? "c1" : "c2", i);
  ASSERT_TRUE(begin_and_read(100).ok());
  auto order = captured();
  ASSERT_EQ(order.size(), 100u);
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(order[i], std::to_string(i + 1));
}

// Two workers in one shard would mix up its order and its position.
TEST_F(CaptureTest, C4_AShardHasOneWorkerAtATime) {
  stream_.add_shard("a");
  stream_.add_shard("b");
  for (int i = 1; i <= 20000; ++i) stream_.write(i % 2 ? "a" : "b", i);
  ASSERT_TRUE(begin_and_read(20000).ok());
  EXPECT_EQ(stream_.overlaps(), 0);
  int last[2] = {0, 0};
  auto order = captured();
  ASSERT_EQ(order.size(), 20000u);
  for (const std::string& sequence : order) {
    int now = std::stoi(sequence);
    ASSERT_GT(now, last[now % 2]);
    last[now % 2] = now;
  }
}

TEST_F(CaptureTest, C5_GoesOnBehindWhatTheSpoolHolds) {
  stream_.add_shard("a");
  for (int i = 1; i <= 10; ++i) stream_.write("a", i);
  ASSERT_TRUE(begin_and_read(10).ok());
  open();
  for (int i = 11; i <= 20; ++i) stream_.write("a", i);
  auto capture = make();
  ASSERT_TRUE(run_until(*capture, [&] { return capture->counts().changes >= 10; }).ok());
  EXPECT_EQ(capture->counts().changes, 10u);
  EXPECT_EQ(captured().size(), 20u);
}

TEST_F(CaptureTest, TheLastRecordsOfAClosedShardAreKept) {
  stream_.add_shard("a");
  stream_.write("a", 1);
  stream_.close("a");
  stream_.add_shard("b", "a");
  stream_.write("b", 2);
  ASSERT_TRUE(begin_and_read(2).ok());
  EXPECT_THAT(captured(), ElementsAre("1", "2"));
}

TEST_F(CaptureTest, AnIdleShardProvesItsProgress) {
  stream_.add_shard("a");
  auto capture = make();
  ASSERT_TRUE(capture->begin(1).ok());
  int64_t began = spool_->origin()->began_ms;
  ASSERT_TRUE(run_until(*capture, [&] {
                return capture->complete_until_ms(spool_->newest_batch()) > began + 30;
              }).ok());
  EXPECT_GT(spool_->shards().at(0).complete_until_ms, began) << "saved when it ended";
}

// An empty answer proves nothing of what a server holds back: "caught up" would be told too early.
TEST_F(CaptureTest, C6_WhatTheServerHoldsBackIsNotTakenForComplete) {
  stream_.add_shard("a");
  stream_.hold_back(600'000);
  auto capture = make();
  ASSERT_TRUE(capture->begin(1).ok());
  int64_t began = spool_->origin()->began_ms;
  auto complete = [&] { return capture->complete_until_ms(spool_->newest_batch()); };
  ASSERT_TRUE(run_until(*capture, [&] { return capture->counts().answers > 50; }).ok());
  EXPECT_LE(complete(), began);
  stream_.hold_back(5);
  capture = make();
  ASSERT_TRUE(run_until(*capture, [&] { return complete() > began + 30; }).ok());
}

TEST_F(CaptureTest, C6_ATrimmedPositionIsAGap) {
  stream_.add_shard("a");
  stream_.write("a", 1);
  ASSERT_TRUE(begin_and_read(1).ok());
  stream_.write("a", 2);
  stream_.write("a", 3);
  stream_.trim("a", 2);
  clock_.shift(30 * kHour);
  Status status = run_until(*make(), [] { return false; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kGap);
  EXPECT_EQ(status.error().code(), "streams.trimmed");
  EXPECT_THAT(status.error().message(), HasSubstr("shard a"));
  EXPECT_THAT(captured(), ElementsAre("1"));
}

TEST_F(CaptureTest, ATrimmedPositionOfAnIdleShardIsNoGapWhileTheClockProvesIt) {
  stream_.add_shard("a");
  stream_.write("a", 1);
  auto capture = make();
  ASSERT_TRUE(capture->begin(1).ok());
  int64_t began = spool_->origin()->began_ms;
  ASSERT_TRUE(run_until(*capture, [&] {
                return capture->counts().changes == 1 &&
                       capture->complete_until_ms(spool_->newest_batch()) > began + 10;
              }).ok());
  stream_.trim("a", 1);  // the record of the position has expired
  clock_.shift(20 * kHour);
  stream_.write("a", 2);
  capture = make();
  ASSERT_TRUE(run_until(*capture, [&] { return capture->counts().changes == 1; }).ok());
  EXPECT_THAT(captured(), ElementsAre("1", "2"));
}

TEST_F(CaptureTest, C6_AShardThatIsGoneUnreadIsAGap) {
  stream_.add_shard("a");
  stream_.add_shard("b");
  auto capture = make();
  ASSERT_TRUE(capture->begin(1).ok());
  stream_.remove("a");
  clock_.shift(25 * kHour);
  Status status = run_until(*capture, [] { return false; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "capture.expired");
}

TEST_F(CaptureTest, C6_AnotherStreamIsAGap) {
  stream_.add_shard("a");
  ASSERT_TRUE(begin_and_read(0).ok());
  stream_.recreate("arn:two");
  Status status = run_until(*make(), [] { return false; });
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "capture.stream_changed");
  EXPECT_THAT(status.error().message(), HasSubstr("--repair-gap"));
}

TEST_F(CaptureTest, C6_ADisabledStreamIsAGapWhileItIsRead) {
  stream_.add_shard("a");
  auto capture = make();
  ASSERT_TRUE(capture->begin(1).ok());
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stream_.disable();
  });
  Status status = run_until(*capture, [] { return false; });
  later.join();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), "capture.stream_disabled");
}

TEST_F(CaptureTest, ADisabledStreamCannotBeBegunWith) {
  stream_.add_shard("a");
  stream_.disable();
  Status status = make()->begin(1);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kConfig);
}

TEST_F(CaptureTest, FindsChildrenThatAreListedLate) {
  stream_.add_shard("a");
  stream_.write("a", 1);
  stream_.close("a");
  auto capture = make();
  ASSERT_TRUE(capture->begin(1).ok());
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    stream_.add_shard("b", "a");
    stream_.write("b", 2);
  });
  ASSERT_TRUE(run_until(*capture, [&] { return capture->counts().changes == 2; }).ok());
  later.join();
  EXPECT_THAT(captured(), ElementsAre("1", "2"));
}

TEST_F(CaptureTest, CountsDeletionsAndThoseByTtl) {
  stream_.add_shard("a");
  stream_.write("a", 1);
  stream_.remove_item("a", 2, /*by_ttl=*/false);
  stream_.remove_item("a", 3, /*by_ttl=*/true);
  auto capture = make();
  ASSERT_TRUE(capture->begin(1).ok());
  ASSERT_TRUE(run_until(*capture, [&] { return capture->counts().changes == 3; }).ok());
  EXPECT_EQ(capture->counts().deletions, 2u);
  EXPECT_EQ(capture->counts().ttl_deletions, 1u);
}

}  // namespace
}  // namespace offramp::migrate::capture
