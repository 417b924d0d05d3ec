// The spool through its interface: what was appended is read, in order, over segments, folds and
// processes.
#include "migrate/spool/spool.h"

#include <gtest/gtest.h>

#include "migrate/spool/spool_fixture_test.h"

namespace offramp::migrate::spool {
namespace {

TEST(Spool, HoldsNothingBeforeItIsBegun) {
  Folder folder;
  auto spool = folder.open();
  EXPECT_FALSE(spool->origin());
  EXPECT_EQ(spool->newest_batch(), 0u);
  EXPECT_EQ(spool->append({}, {}).error().code(), "spool.not_begun");
  model::ChangeBatch batch;
  Place after;
  EXPECT_FALSE(spool->read(batch, after, 10).value());
}

TEST(Spool, C5_ReadsWhatWasAppendedWithTheShardsThatCameWithIt) {
  Folder folder;
  model::ShardState shard{
      .id = "shard-1", .parent = "shard-0", .sequence = "49640000", .complete_until_ms = 77};
  {
    auto spool = folder.begun(1);
    TestChanges changes;
    changes.put(1, "a");
    changes.remove(2);
    EXPECT_EQ(spool->append(changes.span(), std::span(&shard, 1)).value(), 1u);
    shard.done = true;
    EXPECT_EQ(spool->append({}, std::span(&shard, 1)).value(), 2u);
  }
  auto spool = folder.open();
  ASSERT_TRUE(spool->origin());
  EXPECT_EQ(spool->origin()->stream, "arn:stream");
  EXPECT_EQ(spool->shards(), std::vector{shard});
  EXPECT_EQ(spool->newest_batch(), 2u);
  Read read = read_some(*spool, 100);
  ASSERT_EQ(read.changes.size(), 2u);
  EXPECT_EQ(read.changes[0], (Seen{1, "a"}));
  EXPECT_EQ(read.changes[1], (Seen{2, ""}));
  EXPECT_EQ(pack_place(read.after), "1 batch 2");
  EXPECT_FALSE(read_some(*spool, 100).any);
}

TEST(Spool, KeepsEveryFieldOfAChange) {
  Folder folder;
  auto spool = folder.begun(1);
  TestChanges changes;
  constexpr uint64_t kKey = 1000;  // not one that fill() changes
  changes.put(kKey, "image");
  changes.list[0].by_ttl = true;
  changes.list[0].created_s = -5;
  changes.list[0].sequence = "1234567890123456789012345678901234567890";
  changes.list[0].image_json = "";
  ASSERT_TRUE(spool->append(changes.span(), {}).ok());
  for (bool from_base : {false, true}) {
    if (from_base) {
      folder.fill(*spool);
      ASSERT_TRUE(spool->seek({}).ok());
      ASSERT_TRUE(spool->fold({}).value());
    }
    model::ChangeBatch batch;
    Place after;
    ASSERT_TRUE(spool->read(batch, after, 1'000'000).value());
    const model::Change* found = nullptr;
    for (const model::Change& change : batch.changes)
      if (change.key == digest_of(kKey)) found = &change;
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->by_ttl);
    EXPECT_EQ(found->created_s, -5);
    EXPECT_EQ(found->sequence, "1234567890123456789012345678901234567890");
    EXPECT_EQ(found->key_json, key_json(kKey));
    EXPECT_EQ(found->image_json, "");
  }
}

TEST(Spool, C3_ABaseHoldsTheNewestChangeOfEachKey) {
  Folder folder;
  auto spool = folder.begun(1);
  for (int round = 0; round < 50; ++round) {
    TestChanges changes;
    for (uint64_t key = 0; key < 20; ++key) changes.put(key, "round " + std::to_string(round));
    if (round == 49) changes.remove(3);
    ASSERT_TRUE(spool->append(changes.span(), {}).ok());
  }
  ASSERT_TRUE(spool->fold({}).value());
  uint64_t bytes = spool->size().bytes;
  EXPECT_EQ(spool->size().base_keys, 20u);
  Read read = read_some(*spool, 1000);
  EXPECT_EQ(read.changes.size(), 20u);
  EXPECT_LT(bytes, 20'000u + 8 * 4096);
  std::map<uint64_t, std::string> state = read.state();
  while ((read = read_some(*spool, 1000)).any) read.into(state);
  for (uint64_t key = 0; key < 20; ++key) EXPECT_EQ(state[key], key == 3 ? "" : "round 49");
}

TEST(Spool, ReadingGoesOnInsideABaseAfterARestart) {
  Folder folder;
  Place after;
  std::map<uint64_t, std::string> state;
  {
    auto spool = folder.begun(1);
    folder.fill(*spool);
    ASSERT_TRUE(spool->fold({}).value());
    Read read = read_some(*spool, 10);
    ASSERT_EQ(read.changes.size(), 10u);
    ASSERT_NE(read.after.base, 0u);
    read.into(state);
    after = unpack_place(pack_place(read.after)).value();
    EXPECT_EQ(after, read.after);
  }
  auto spool = folder.open();
  ASSERT_TRUE(spool->seek(after).ok());
  size_t count = state.size();
  for (Read read; (read = read_some(*spool, 10)).any;) {
    if (read.after.base != 0) count += read.changes.size();
    read.into(state);
  }
  EXPECT_EQ(state, folder.expected);
  EXPECT_LE(count, folder.expected.size());
}

TEST(Spool, ReleasedPiecesGoAwayAndAreAGapForWhoWantsThem) {
  Folder folder;
  auto spool = folder.begun(1);
  folder.fill(*spool);
  ASSERT_TRUE(spool->fold({}).value());
  Place first = read_some(*spool, 10).after, last = first;
  ASSERT_TRUE(spool->release(first).ok());
  EXPECT_TRUE(spool->seek(first).ok());
  for (Read read; (read = read_some(*spool, 1000)).any;) last = read.after;
  ASSERT_TRUE(spool->release(last).ok());
  EXPECT_EQ(spool->size().base_keys, 0u);
  EXPECT_EQ(spool->size().log_changes, 0u);
  EXPECT_EQ(spool->seek(first).error().kind(), ErrorKind::kGap);
  EXPECT_EQ(spool->seek({.generation = 1}).error().kind(), ErrorKind::kGap);
  EXPECT_EQ(spool->seek({}).error().kind(), ErrorKind::kGap);
  EXPECT_TRUE(spool->seek(last).ok());
  spool.reset();
  spool = folder.open();
  EXPECT_EQ(spool->seek(first).error().kind(), ErrorKind::kGap);
  EXPECT_TRUE(spool->seek(last).ok());
}

TEST(Spool, APlaceThatTheSpoolHasNotReachedIsAGap) {
  Folder folder;
  auto spool = folder.begun(2);
  EXPECT_EQ(spool->seek({.generation = 2, .batch = 1}).error().code(), "spool.went_back");
  EXPECT_EQ(spool->seek({.generation = 3}).error().code(), "spool.went_back");
  EXPECT_TRUE(spool->seek({.generation = 1, .batch = 100}).ok());
}

TEST(Spool, ANewGenerationForgetsTheOldOne) {
  Folder folder;
  auto spool = folder.begun(1);
  folder.fill(*spool);
  ASSERT_TRUE(spool->fold({}).value());
  model::ShardState shard{.id = "new"};
  ASSERT_TRUE(
      spool->begin({.generation = 2, .stream = "other", .began_ms = 9}, std::span(&shard, 1)).ok());
  EXPECT_FALSE(read_some(*spool, 10).any);
  EXPECT_EQ(spool->newest_batch(), 0u);
  EXPECT_EQ(spool->shards(), std::vector{shard});
  EXPECT_EQ(spool->begin({.generation = 2}, {}).error().code(), "spool.generation");
  TestChanges changes;
  changes.put(1, "x");
  EXPECT_EQ(spool->append(changes.span(), {}).value(), 1u);
  spool.reset();
  spool = folder.open();
  EXPECT_EQ(spool->origin()->stream, "other");
  EXPECT_EQ(read_some(*spool, 10).changes.size(), 1u);
  EXPECT_EQ(folder.names(""), std::vector<std::string>{"gen-00000000000000000002"});
}

TEST(Spool, FoldingLeavesWhatTheReaderHasBegun) {
  Folder folder;
  auto spool = folder.begun(1);
  folder.fill(*spool);
  // One batch of the first segment has been read: that segment stays before the base.
  Read read = read_some(*spool, 1);
  ASSERT_EQ(read.after.batch, 1u);
  std::map<uint64_t, std::string> state = read.state();
  ASSERT_TRUE(spool->fold({}).value());
  EXPECT_FALSE(spool->fold({}).value());
  bool seen_log = false, seen_base = false;
  Place before = read.after;
  for (; (read = read_some(*spool, 10)).any; before = read.after) {
    EXPECT_TRUE(place_before(before, read.after));
    seen_base |= read.after.base != 0;
    seen_log |= !seen_base && read.after.base == 0;
    read.into(state);
  }
  EXPECT_TRUE(seen_log);
  EXPECT_TRUE(seen_base);
  EXPECT_EQ(state, folder.expected);
}

TEST(Spool, WhatIsFoldedWhileABaseIsReadMakesASecondOne) {
  Folder folder;
  auto spool = folder.begun(1);
  folder.fill(*spool);
  ASSERT_TRUE(spool->fold({}).value());
  Read read = read_some(*spool, 5);
  ASSERT_NE(read.after.base, 0u);
  std::map<uint64_t, std::string> state = read.state();
  Place place = read.after;
  folder.fill(*spool);
  ASSERT_TRUE(spool->fold({}).value());
  ASSERT_TRUE(spool->release(place).ok());
  spool.reset();
  spool = folder.open();
  ASSERT_TRUE(spool->seek(place).ok());
  while ((read = read_some(*spool, 50)).any) {
    read.into(state);
    EXPECT_TRUE(place_before(place, read.after));
    place = read.after;
    ASSERT_TRUE(spool->release(place).ok());
  }
  EXPECT_EQ(state, folder.expected);
  EXPECT_EQ(spool->size().base_keys, 0u);
}

TEST(Spool, FoldingWaitsForEnoughAndStopsWhenAsked) {
  Folder folder;
  auto spool = folder.begun(1);
  TestChanges changes;
  changes.put(1, "x");
  ASSERT_TRUE(spool->append(changes.span(), {}).ok());
  EXPECT_FALSE(spool->fold({}).value());
  folder.fill(*spool);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(spool->fold(stop.get_token()).error().kind(), ErrorKind::kCancelled);
  for (const std::string& name : folder.names("gen-00000000000000000001"))
    EXPECT_TRUE(name.starts_with("log-")) << name;
  ASSERT_TRUE(spool->fold({}).value());
}

TEST(Spool, ForgottenShardsStayForgotten) {
  Folder folder;
  folder.options = {};
  auto spool = folder.begun(1);
  std::vector<model::ShardState> shards(6000);
  for (size_t i = 0; i < shards.size(); ++i) shards[i].id = "shard-" + std::to_string(i);
  ASSERT_TRUE(spool->append({}, shards).ok());
  uint64_t bytes = spool->size().bytes;
  ASSERT_TRUE(spool->append({}, std::span(shards).first(1)).ok());
  EXPECT_LT(spool->size().bytes - bytes, 200u);
  std::vector<std::string> ids{"shard-0", "shard-1"};
  ASSERT_TRUE(spool->forget_shards(ids).ok());
  EXPECT_EQ(spool->shards().size(), 5998u);
  spool.reset();
  spool = folder.open();
  EXPECT_EQ(spool->shards().size(), 5998u);
  EXPECT_EQ(spool->newest_batch(), 2u);
}

TEST(Spool, AnIdleSpoolIsSmall) {
  Folder folder;
  folder.options = {};
  auto spool = folder.begun(1);
  TestChanges changes;
  for (uint64_t i = 0; i < 20; ++i) changes.put(i, std::string(100'000, 'x'));
  ASSERT_TRUE(spool->append(changes.span(), {}).ok());
  EXPECT_EQ(spool->size().log_changes, 20u);
  Read read = read_some(*spool, 100);
  ASSERT_TRUE(spool->release(read.after).ok());
  EXPECT_LT(spool->size().bytes, 1000u);
  EXPECT_EQ(spool->size().log_changes, 0u);
  EXPECT_TRUE(spool->seek(read.after).ok());
  changes.list.resize(1);
  EXPECT_EQ(spool->append(changes.span(), {}).value(), 2u);
  EXPECT_EQ(read_some(*spool, 100).changes.size(), 1u);
}

TEST(Spool, AnotherProcessMayLook) {
  Folder folder;
  auto view = Spool::open(folder.path + "/none", Spool::Open::kReadOnly, {}).value();
  EXPECT_FALSE(view->origin());
  auto spool = folder.begun(4);
  model::ShardState shard{.id = "s"};
  folder.fill(*spool);
  ASSERT_TRUE(spool->fold({}).value());
  ASSERT_TRUE(spool->append({}, std::span(&shard, 1)).ok());
  view = Spool::open(folder.spool(), Spool::Open::kReadOnly, {}).value();
  EXPECT_EQ(view->origin(), spool->origin());
  EXPECT_EQ(view->newest_batch(), spool->newest_batch());
  EXPECT_EQ(view->shards(), spool->shards());
  EXPECT_EQ(view->size().log_changes, spool->size().log_changes);
  EXPECT_EQ(view->size().base_keys, spool->size().base_keys);
  EXPECT_FALSE(view->append({}, {}).ok());
}

TEST(Spool, WaitsForWhatIsNewer) {
  Folder folder;
  auto spool = folder.begun(1);
  EXPECT_FALSE(spool->wait_newer(0, std::chrono::milliseconds(0), {}));
  std::jthread appender([&] { EXPECT_TRUE(spool->append({}, {}).ok()); });
  EXPECT_TRUE(spool->wait_newer(0, std::chrono::minutes(1), {}));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(spool->wait_newer(1, std::chrono::minutes(1), stop.get_token()));
}

TEST(Spool, C12_FilesAreForTheirOwnerOnly) {
  Folder folder;
  auto spool = folder.begun(1);
  folder.fill(*spool);
  ASSERT_TRUE(spool->fold({}).value());
  using std::filesystem::perms;
  int files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.spool())) {
    if (entry.path().filename() == "LOCK" && entry.file_size() == 0) continue;
    EXPECT_EQ(entry.status().permissions(),
              entry.is_directory() ? perms::owner_all : perms::owner_read | perms::owner_write)
        << entry.path();
    ++files;
  }
  EXPECT_GT(files, 5);
}

TEST(Place, PacksAndUnpacks) {
  for (Place place :
       {Place{}, Place{.generation = 3, .batch = 17}, Place{.generation = 3, .base = 5},
        Place{.generation = ~0ull, .base = ~0ull, .key = {.low = ~0ull, .high = 1}}})
    EXPECT_EQ(unpack_place(pack_place(place)).value(), place) << pack_place(place);
  EXPECT_EQ(pack_place({.generation = 3, .base = 5, .key = {.low = 2, .high = 1}}),
            "3 base 5 00000000000000010000000000000002");
  EXPECT_EQ(unpack_place("").value(), Place());
  for (const char* text :
       {"1", "1 batch", "1 batch ", "1 batch x", "1 batch 1 ", "1  batch 1", "-1 batch 1",
        "01 batch 1", "1 base 0 00000000000000010000000000000002", "1 base 5 0001",
        "1 base 5 0000000000000001000000000000000G", "99999999999999999999999 batch 1",
        "1 base 5 000000000000000100000000000000020", "1 base 5 0000000000000001 000000000000002"})
    EXPECT_EQ(unpack_place(text).error().kind(), ErrorKind::kCorrupt) << text;
}

}  // namespace
}  // namespace offramp::migrate::spool
