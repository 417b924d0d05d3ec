#include "io/backoff.h"

#include <gtest/gtest.h>

#include "io/fake_clock_test.h"

namespace offramp::io {
namespace {

using std::chrono::milliseconds;

TEST(Backoff, WaitsAreBoundedByTheDoublingAndTheCap) {
  FakeClock clock;
  for (uint64_t seed = 1; seed < 200; ++seed) {
    Backoff backoff(
        {.tries_max = 12, .base = milliseconds(50), .cap = milliseconds(2000), .seed = seed},
        clock);
    int64_t bound = 50;
    for (int i = 0; i < 11; ++i, bound = std::min<int64_t>(2000, bound * 2)) {
      auto wait = backoff.next();
      ASSERT_TRUE(wait) << "seed " << seed;
      EXPECT_GE(wait->count(), 0);
      EXPECT_LE(wait->count(), bound) << "seed " << seed << " wait " << i;
    }
    EXPECT_FALSE(backoff.next()) << "the twelfth try was the last";
  }
}

TEST(Backoff, JitterDiffersBetweenSeedsAndRepeatsForOne) {
  FakeClock clock;
  BackoffOptions one{
      .tries_max = 40, .base = milliseconds(10'000), .cap = milliseconds(10'000), .seed = 7};
  BackoffOptions other = one;
  other.seed = 8;
  Backoff a(one, clock), b(one, clock), c(other, clock);
  bool differs = false;
  for (int i = 0; i < 20; ++i) {
    auto first = a.next();
    EXPECT_EQ(first, b.next());
    differs = differs || first != c.next();
  }
  EXPECT_TRUE(differs);
}

TEST(Backoff, RetryAfterIsTheLeastAndIsBounded) {
  FakeClock clock;
  BackoffOptions options{.tries_max = 5,
                         .base = milliseconds(1),
                         .cap = milliseconds(1),
                         .retry_after_max = milliseconds(9000)};
  Backoff backoff(options, clock);
  EXPECT_EQ(backoff.next(milliseconds(3000)), milliseconds(3000));
  EXPECT_EQ(backoff.next(milliseconds(86'400'000)), milliseconds(9000));
}

TEST(Backoff, WaitSleepsOnTheClockAndHeedsStop) {
  FakeClock clock;
  Backoff backoff({.tries_max = 3, .base = milliseconds(10), .seed = 1}, clock);
  EXPECT_TRUE(backoff.wait({}, milliseconds(500)));
  EXPECT_EQ(clock.passed(), milliseconds(500));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(backoff.wait(stop.get_token()));
  EXPECT_FALSE(backoff.wait({}));
  backoff.reset();
  EXPECT_TRUE(backoff.wait({}));
}

TEST(Backoff, ReadsRetryAfter) {
  EXPECT_EQ(parse_retry_after("3"), milliseconds(3000));
  EXPECT_FALSE(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT"));
  EXPECT_FALSE(parse_retry_after("-1"));
  EXPECT_FALSE(parse_retry_after(""));
}

TEST(SystemClock, AStopEndsTheSleep) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(system_clock().sleep(std::chrono::hours(1), stop.get_token()));
  EXPECT_TRUE(system_clock().sleep(milliseconds(1), {}));
}

}  // namespace
}  // namespace offramp::io
