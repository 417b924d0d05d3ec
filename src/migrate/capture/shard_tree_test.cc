// The lineage of shards, and what the clock proves about what is missing.
#include "migrate/capture/shard_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace offramp::migrate::capture {
namespace {

using source::Shard;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kHour = 3600 * 1000;
constexpr int64_t kStart = 1'000 * kHour;

Shard shard(std::string id, std::string parent = "", bool closed = false) {
  return {
      .id = std::move(id), .parent = std::move(parent), .starting_sequence = "1", .closed = closed};
}
model::ShardState at(const ShardTree& tree, const std::string& id, const std::string& sequence,
                     int64_t until, bool done) {
  model::ShardState state = tree.state(id);
  state.sequence = sequence;
  state.complete_until_ms = until;
  state.done = done;
  return state;
}
ShardTree tree_of(const std::vector<Shard>& listed) {
  return ShardTree(first_states(listed, kStart), {});
}

TEST(ShardTree, C4_ChildrenWaitForTheirParentsEnd) {
  ShardTree tree =
      tree_of({shard("p", "", true), shard("c1", "p"), shard("c2", "p"), shard("other")});
  EXPECT_THAT(tree.runnable(), ElementsAre("other", "p"));
  tree.update(at(tree, "p", "7", kStart + 5, true), kStart + 10);
  EXPECT_THAT(tree.runnable(), ElementsAre("c1", "c2", "other"));
}

TEST(ShardTree, AnExpiredParentIsNotWaitedFor) {
  ShardTree tree = tree_of({shard("c", "gone")});
  EXPECT_THAT(tree.runnable(), ElementsAre("c"));
}

TEST(ShardTree, NewChildrenBeginWhereTheirParentsMarkStands) {
  ShardTree tree = tree_of({shard("p")});
  tree.update(at(tree, "p", "7", kStart + 500, false), kStart + 600);
  auto changed =
      tree.discover({shard("p", "", true), shard("c", "p"), shard("g", "c")}, kStart + 1000);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->size(), 2u);
  EXPECT_EQ(tree.state("c").complete_until_ms, kStart + 500);
  EXPECT_EQ(tree.state("g").complete_until_ms, kStart + 500);
  EXPECT_THAT(tree.runnable(), ElementsAre("p"));
}

TEST(ShardTree, AShardWhoseParentIsNotListedYetIsPutOffWithItsDescendants) {
  ShardTree tree = tree_of({shard("a")});
  auto changed =
      tree.discover({shard("a", "", true), shard("g", "c"), shard("c", "p")}, kStart + 1000);
  ASSERT_TRUE(changed.ok());
  EXPECT_THAT(*changed, IsEmpty());
  EXPECT_TRUE(tree.awaits_parents());
  EXPECT_THAT(tree.runnable(), ElementsAre("a"));
  changed = tree.discover({shard("g", "c"), shard("c", "p"), shard("p", "a"), shard("a", "", true)},
                          kStart + 2000);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->size(), 3u);
  EXPECT_FALSE(tree.awaits_parents());
  EXPECT_THAT(tree.runnable(), ElementsAre("a"));
  tree.update(at(tree, "a", "7", kStart + 2000, true), kStart + 2500);
  EXPECT_THAT(tree.runnable(), ElementsAre("p"));
}

TEST(ShardTree, C6_AParentThatIsNeverListedIsAGap) {
  ShardTree tree = tree_of({shard("a")});
  ASSERT_TRUE(tree.discover({shard("a"), shard("c", "missed")}, kStart + 1000).ok());
  ASSERT_TRUE(tree.discover({shard("a"), shard("c", "missed")}, kStart + 200'000).ok());
  auto changed = tree.discover({shard("a"), shard("c", "missed")}, kStart + 400'000);
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().kind(), ErrorKind::kGap);
  EXPECT_EQ(changed.error().code(), "capture.generation_missed");
}

TEST(ShardTree, C6_AParentThatMayHaveExpiredUnseenIsAGapAtOnce) {
  ShardTree tree = tree_of({shard("a")});
  tree.update(at(tree, "a", "7", kStart, false), kStart);
  auto changed = tree.discover({shard("a"), shard("c", "missed")}, kStart + 25 * kHour);
  ASSERT_FALSE(changed.ok());
  EXPECT_EQ(changed.error().code(), "capture.generation_missed");
}

TEST(ShardTree, C4_AParentThatIsListedAfterItsChildWasReadIsAGap) {
  ShardTree tree = tree_of({shard("c", "late"), shard("d", "late2")});
  tree.update(at(tree, "c", "7", kStart + 10, false), kStart + 10);
  auto waits =
      tree.discover({shard("c", "late"), shard("d", "late2"), shard("late2")}, kStart + 1000);
  ASSERT_TRUE(waits.ok()) << "d was not begun, so it waits now";
  EXPECT_THAT(tree.runnable(), ElementsAre("c", "late2"));
  auto late = tree.discover(
      {shard("c", "late"), shard("d", "late2"), shard("late2"), shard("late")}, kStart + 2000);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), "capture.parent_late");
}

TEST(ShardTree, C6_AnUnreadShardExpiresWithTheRetention) {
  ShardTree tree = tree_of({shard("a")});
  EXPECT_TRUE(tree.discover({shard("a")}, kStart + 23 * kHour).ok());
  auto late = tree.discover({shard("a")}, kStart + 24 * kHour);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), "capture.expired");
}

TEST(ShardTree, ThePositionOfAReadShardIsTheServicesToJudge) {
  ShardTree tree = tree_of({shard("a")});
  tree.update(at(tree, "a", "7", kStart, false), kStart);
  EXPECT_TRUE(tree.discover({shard("a")}, kStart + 30 * kHour).ok());
  EXPECT_FALSE(tree.provably_unexpired(tree.state("a"), kStart + 24 * kHour));
}

TEST(ShardTree, AShardThatVanishedInTimeWasReadToItsEnd) {
  ShardTree tree = tree_of({shard("a"), shard("b")});
  tree.update(at(tree, "a", "7", kStart + 20 * kHour, false), kStart + 20 * kHour);
  tree.update(at(tree, "b", "8", kStart + 20 * kHour, false), kStart + 20 * kHour);
  ASSERT_TRUE(tree.discover({shard("b")}, kStart + 30 * kHour).ok());
  EXPECT_TRUE(tree.state("a").done);
  auto late = tree.discover({}, kStart + 45 * kHour);
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.error().code(), "capture.expired");
}

TEST(ShardTree, TheTableIsCompleteUpToItsSlowestLine) {
  ShardTree tree = tree_of({shard("p", "", true), shard("c", "p"), shard("b")});
  tree.update(at(tree, "b", "1", kStart + 900, false), kStart + 900);
  EXPECT_EQ(tree.complete_until_ms(kStart + 900), kStart);
  tree.update(at(tree, "p", "1", kStart + 400, false), kStart + 900);
  EXPECT_EQ(tree.complete_until_ms(kStart + 900), kStart + 400);
  tree.update(at(tree, "p", "2", kStart + 500, true), kStart + 950);
  EXPECT_EQ(tree.complete_until_ms(kStart + 950), kStart + 500)
      << "the child stands where its parent ended";
  tree.update(at(tree, "c", "3", kStart + 2000, false), kStart + 2000);
  EXPECT_EQ(tree.complete_until_ms(kStart + 2000), kStart + 900);
}

TEST(ShardTree, AFinishedShardHoldsTheMarkUntilItsChildrenAreListed) {
  ShardTree tree = tree_of({shard("p"), shard("b")});
  tree.update(at(tree, "p", "2", kStart + 500, true), kStart + 600);
  tree.update(at(tree, "b", "1", kStart + 60'000, false), kStart + 60'000);
  EXPECT_EQ(tree.complete_until_ms(kStart + 60'000), kStart + 500);
  EXPECT_EQ(tree.complete_until_ms(kStart + 600'000), kStart + 60'000) << "it has no children";
}

TEST(ShardTree, AReopenedTreeGivesMarksOfFinishedParentsToTheirChildren) {
  std::vector<model::ShardState> states = first_states({shard("p"), shard("c", "p")}, kStart);
  states[0].done = true;
  states[0].complete_until_ms = kStart + 20 * kHour;
  ShardTree tree(states, {});
  EXPECT_EQ(tree.state("c").complete_until_ms, kStart + 20 * kHour);
  EXPECT_TRUE(tree.discover({shard("c", "p")}, kStart + 30 * kHour).ok());
}

TEST(ShardTree, CountsDownToTheFirstExpiry) {
  ShardTree tree = tree_of({shard("a"), shard("b")});
  tree.update(at(tree, "a", "1", kStart + 3 * kHour, false), kStart + 3 * kHour);
  auto expiry = tree.next_expiry();
  ASSERT_TRUE(expiry);
  EXPECT_EQ(expiry->shard, "b");
  EXPECT_EQ(expiry->at_ms, kStart + 24 * kHour);
}

TEST(ShardTree, ForgetsShardsThatNoListingCanNameAgain) {
  ShardTree tree = tree_of({shard("p"), shard("c", "p")});
  tree.update(at(tree, "p", "2", kStart + 500, true), kStart + 600);
  EXPECT_THAT(tree.forgettable(kStart + 47 * kHour), IsEmpty());
  EXPECT_THAT(tree.forgettable(kStart + 49 * kHour), ElementsAre("p"));
  tree.forget({"p"});
  EXPECT_EQ(tree.size(), 1u);
  EXPECT_THAT(tree.runnable(), ElementsAre("c"));
}

TEST(SequenceNumbers, CompareAsNumbersOfAnyLength) {
  EXPECT_TRUE(model::sequence_less("999999999999999999999", "1000000000000000000000"));
  EXPECT_TRUE(model::sequence_less("0009", "10"));
  EXPECT_FALSE(model::sequence_less("10", "0010"));
  EXPECT_TRUE(model::sequence_less("9999999999999999999999999999999999999998",
                                   "9999999999999999999999999999999999999999"));
}

}  // namespace
}  // namespace offramp::migrate::capture
