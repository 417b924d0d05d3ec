#include "target/postgres/serve/log_horizons.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace offramp::target::postgres {
namespace {

TEST(LogHorizons, NothingUnderWayMakesAllComplete) {
  LogHorizons horizons;
  EXPECT_EQ(horizons.known("a").number, 0u);
  EXPECT_EQ(horizons.looked("a", {.last = 7, .oldest = 100, .next_transaction = 100}).number, 7u);
  EXPECT_EQ(horizons.known("a").number, 7u);
  EXPECT_EQ(horizons.known("b").number, 0u);
  horizons.forget("a");
  EXPECT_EQ(horizons.known("a").number, 0u);
}

TEST(LogHorizons, AnOlderTransactionHoldsItBack) {
  LogHorizons horizons;
  EXPECT_EQ(horizons.looked("a", {.last = 7, .oldest = 100, .next_transaction = 101}).number, 0u);
  EXPECT_EQ(horizons.looked("a", {.last = 9, .oldest = 100, .next_transaction = 105}).number, 0u);
  EXPECT_EQ(horizons.looked("a", {.last = 12, .oldest = 101, .next_transaction = 109}).number, 7u);
  EXPECT_EQ(horizons.looked("a", {.last = 12, .oldest = 108, .next_transaction = 120}).number, 9u);
  EXPECT_EQ(horizons.looked("a", {.last = 12, .oldest = 109, .next_transaction = 120}).number, 12u);
}

TEST(LogHorizons, ManyNotesKeepTheFirstAndTheLast) {
  LogHorizons horizons;
  for (uint32_t i = 1; i <= 1000; ++i)
    EXPECT_EQ(horizons.looked("a", {.last = i, .oldest = 5, .next_transaction = 5 + i}).number, 0u);
  EXPECT_EQ(horizons.looked("a", {.last = 1000, .oldest = 6, .next_transaction = 1005}).number, 1u);
  EXPECT_EQ(horizons.looked("a", {.last = 1000, .oldest = 1005, .next_transaction = 1005}).number,
            1000u);
}

TEST(LogHorizons, TransactionNumbersGoOnBehind32Bits) {
  LogHorizons horizons;
  uint64_t oldest = (uint64_t{3} << 32) - 2;
  EXPECT_EQ(horizons.looked("a", {.last = 7, .oldest = oldest, .next_transaction = 5}).number, 0u);
  EXPECT_EQ(horizons.looked("a", {.last = 7, .oldest = oldest + 6, .next_transaction = 5}).number,
            0u);
  EXPECT_EQ(horizons.looked("a", {.last = 7, .oldest = oldest + 7, .next_transaction = 5}).number,
            7u);
}

TEST(LogHorizons, ALogThatLostItsEndIsLookedAtAnew) {
  LogHorizons horizons;
  horizons.looked("a", {.last = 50, .oldest = 100, .next_transaction = 100});
  EXPECT_EQ(horizons.looked("a", {.last = 40, .oldest = 90, .next_transaction = 95}).number, 0u);
  EXPECT_EQ(horizons.looked("a", {.last = 41, .oldest = 96, .next_transaction = 97}).number, 40u);
}

TEST(LogHorizons, TheMomentIsThatOfTheLookWhoseNumberIsKnown) {
  LogHorizons horizons;
  auto at = [](int ms) { return LogHorizons::Time(std::chrono::milliseconds(ms)); };
  EXPECT_EQ(horizons.known("a").at, LogHorizons::Time::min()) << "nothing is known";
  EXPECT_EQ(horizons.looked("a", {7, 100, 101, at(10)}).at, LogHorizons::Time::min());
  EXPECT_EQ(horizons.looked("a", {9, 100, 105, at(20)}).at, LogHorizons::Time::min());
  EXPECT_EQ(horizons.looked("a", {9, 101, 106, at(30)}).at, at(10)) << "those up to 7 are known";
  // No number was given out between 20 and 30.
  EXPECT_EQ(horizons.looked("a", {12, 105, 109, at(40)}).at, at(30));
  EXPECT_EQ(horizons.looked("a", {12, 109, 109, at(50)}).at, at(50));
  EXPECT_EQ(horizons.looked("a", {12, 109, 120, at(60)}).at, at(60)) << "nothing can be missing";
  EXPECT_EQ(horizons.looked("a", {12, 109, 120, at(55)}).at, at(60)) << "a look told late";
  EXPECT_EQ(horizons.known("a").at, at(60));
}

// A server in small: transactions begin, take numbers and end in any order; looks of two threads
// are told in another order than they were made. No number is complete while one below it can
// appear.
TEST(LogHorizons, NeverCompleteTooEarly) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    LogHorizons horizons;
    uint64_t next = 1000, last = 0;
    std::map<uint64_t, std::vector<uint64_t>> open;  // numbers by transaction
    std::vector<LogHorizons::Look> looks;
    for (int step = 0; step < 400; ++step) {
      switch (random() % 4) {
        case 0:
          open[next++];
          break;
        case 1:
        case 2:
          if (open.empty()) break;
          if (auto at = std::next(open.begin(), static_cast<long>(random() % open.size()));
              random() % 2)
            at->second.push_back(++last);
          else
            open.erase(at);
          break;
        default:
          looks.push_back(
              {last, open.empty() ? next : open.begin()->first, static_cast<uint32_t>(next)});
      }
      if (looks.empty() || (looks.size() < 3 && random() % 2)) continue;
      size_t told = random() % looks.size();
      uint64_t complete = horizons.looked("a", looks[told]).number;
      looks.erase(looks.begin() + static_cast<long>(told));
      for (const auto& [transaction, numbers] : open)
        for (uint64_t number : numbers) ASSERT_GT(number, complete) << "seed " << seed;
    }
    uint64_t complete =
        horizons
            .looked("a",
                    {.last = last, .oldest = next, .next_transaction = static_cast<uint32_t>(next)})
            .number;
    EXPECT_EQ(complete, last);
  }
}

}  // namespace
}  // namespace offramp::target::postgres
