#include "migrate/metrics/health.h"

#include <gtest/gtest.h>

#include "io/fake_clock_test.h"

namespace offramp::migrate::metrics {
namespace {

using std::chrono::seconds;

class HealthTest : public testing::Test {
 protected:
  // Time passes, seen every second, while `change` happens once a second.
  template <class Change>
  std::string pass(int for_seconds, Change change) {
    for (int i = 0; i < for_seconds; ++i) {
      clock_.pass(seconds(1));
      change(sample_);
      health_.observe(sample_, clock_.now());
    }
    return health_.complaint(clock_.now());
  }
  static void nothing(Sample&) {}
  static void answer(Sample& sample) { ++sample.stream_answers; }
  static void idle_table(Sample& sample) {
    ++sample.stream_answers, sample.live->applied_until_ms += 1000;
  }
  void follow() {
    sample_.phase = "in sync";
    sample_.live.emplace();
    sample_.following = true;
    health_.observe(sample_, clock_.now());
  }
  void load() {
    sample_.phase = "loading";
    health_.observe(sample_, clock_.now());
  }

  io::FakeClock clock_;
  Health health_{seconds(60)};
  Sample sample_;
};

TEST_F(HealthTest, ALoadThatStandsStillIsSaidAndOneThatGoesOnIsNot) {
  load();
  EXPECT_EQ(pass(300, [](Sample& sample) { sample.records += 1000; }), "");
  EXPECT_EQ(pass(60, nothing), "");
  EXPECT_EQ(pass(1, nothing), "nothing has been loaded for 61 s");
  EXPECT_EQ(pass(1, [](Sample& sample) { ++sample.records; }), "");
}

TEST_F(HealthTest, OutsideThePlansHoursNothingIsAskedOfALoad) {
  load();
  sample_.window_closed = true;
  EXPECT_EQ(pass(10'000, nothing), "");
  sample_.window_closed = false;
  EXPECT_EQ(pass(60, nothing), "");
  EXPECT_EQ(pass(2, nothing), "nothing has been loaded for 61 s");
}

TEST_F(HealthTest, OutsideThePlansHoursTheStreamMustStillAnswer) {
  load();
  sample_.live.emplace();
  sample_.window_closed = true;
  EXPECT_EQ(pass(1000, answer), "");
  EXPECT_EQ(pass(61, nothing), "the stream has not answered for 61 s");
}

TEST_F(HealthTest, AnIdleTableIsProgress) {
  follow();
  EXPECT_EQ(pass(10'000, idle_table), "");
}

TEST_F(HealthTest, ATargetThatIsAwayIsSaidWithTheReason) {
  follow();
  EXPECT_EQ(pass(100, idle_table), "");
  sample_.target_waiting = "connection refused";
  EXPECT_EQ(pass(60, answer), "");
  EXPECT_EQ(pass(36, answer), "the target has been away for 95 s: connection refused");
  sample_.target_waiting.clear();
  EXPECT_EQ(pass(1, idle_table), "");
}

TEST_F(HealthTest, AStreamThatDoesNotAnswerIsSaidWithTheReason) {
  follow();
  EXPECT_EQ(pass(10, idle_table), "");
  sample_.live->waiting = "timed out";
  EXPECT_EQ(pass(70, [](Sample& sample) { ++sample.live->applied; }),
            "the stream has not answered for 70 s: timed out");
  EXPECT_EQ(pass(1, answer), "");
}

TEST_F(HealthTest, AnsweringIsNotEnoughWhenNothingIsApplied) {
  follow();
  EXPECT_EQ(pass(61, answer), "nothing has been applied for 61 s");
}

TEST_F(HealthTest, AStepThatCannotBeSeenIsGivenItsTimeAndTheNextTheLimit) {
  load();
  sample_.phase = "finishing";
  EXPECT_EQ(pass(7200, nothing), "");
  sample_.phase = "verifying";
  EXPECT_EQ(pass(60, nothing), "");
  EXPECT_EQ(pass(2, nothing), "nothing has been compared for 61 s");
  EXPECT_EQ(pass(1, [](Sample& sample) { ++sample.steps; }), "");
}

TEST_F(HealthTest, NobodyHavingLookedForLongDoesNotHideThatNothingMoved) {
  load();
  clock_.pass(seconds(3600));
  EXPECT_EQ(health_.complaint(clock_.now()), "nothing has been loaded for 3600 s");
}

}  // namespace
}  // namespace offramp::migrate::metrics
