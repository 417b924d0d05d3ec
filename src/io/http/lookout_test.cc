#include "io/http/lookout.h"

#include <gtest/gtest.h>

namespace offramp::io::http {
namespace {

using std::chrono::microseconds;

class LookoutTest : public testing::Test {
 protected:
  void wait(microseconds length) {
    lookout_.begin(now_);
    now_ += length;
    lookout_.woken(now_);
  }
  // Whoever looks in vain sleeps on.
  void look_in_vain() {
    lookout_.begin(now_);
    ASSERT_TRUE(lookout_.worth_it());
    EXPECT_TRUE(lookout_.goes_on(now_ + Lookout::kLength - microseconds(1)));
    EXPECT_FALSE(lookout_.goes_on(now_ + Lookout::kLength));
    lookout_.missed();
    now_ += std::chrono::milliseconds(5);
    lookout_.woken(now_);
  }
  Lookout lookout_;
  Lookout::Time now_{};
};

TEST_F(LookoutTest, SleepsAtFirst) { EXPECT_FALSE(lookout_.worth_it()); }

TEST_F(LookoutTest, LooksWhileWaitsAreShort) {
  for (int i = 0; i < 20; ++i) wait(microseconds(30));
  EXPECT_TRUE(lookout_.worth_it());
  wait(microseconds(3000));
  EXPECT_TRUE(lookout_.worth_it()) << "one long wait is no change";
}

TEST_F(LookoutTest, StopsAfterAFewLooksInVain) {
  for (int i = 0; i < 1000; ++i) wait(microseconds(30));
  int looks = 0;
  for (; lookout_.worth_it(); ++looks) look_in_vain();
  EXPECT_LE(looks, 2);
}

TEST_F(LookoutTest, WaitsThatAreLongAsOftenAsShortAreNotLookedFor) {
  for (int i = 0; i < 100; ++i) {
    wait(microseconds(30));
    wait(microseconds(300));
    EXPECT_FALSE(lookout_.worth_it());
  }
}

// Several events of one wait are one.
TEST_F(LookoutTest, OnlyTheFirstEventEndsAWait) {
  lookout_.begin(now_);
  for (int i = 0; i < 20; ++i) lookout_.woken(now_ + microseconds(30));
  EXPECT_FALSE(lookout_.worth_it());
}

}  // namespace
}  // namespace offramp::io::http
