// Comparing while both sides move: what a change explains is no difference, what nothing explains
// is one.
#include "migrate/verify/settle.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "ddb/wire_json.h"
#include "migrate/item_key.h"
#include "migrate/load.h"
#include "migrate/migration_fixture_test.h"

namespace offramp::migrate::verify {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A source in memory whose changes arrive at the target when the test says so. Time passes by
// waiting.
class FakeMoving : public MovingTarget {
 public:
  int64_t now_ms() override { return now_; }
  int64_t applied_until_ms() override { return now_; }
  Status wait_applied(int64_t until_ms) override {
    now_ = std::max(now_, until_ms);
    if (on_wait) on_wait();
    return {};
  }
  void watch(std::span<const ddb::Digest> keys) override {
    changed_.clear();
    watched = keys.size();
  }
  bool changed(const ddb::Digest& key) override {
    return always_changing.contains(key) || changed_.contains(key);
  }
  Status lookup(std::span<const std::string_view> keys, ddb::ItemBatch& batch) override {
    ++lookups;
    ddb::JsonDecoder decoder;
    for (std::string_view key : keys)
      if (auto found = source.find(std::string(key)); found != source.end()) {
        char* text = batch.arena.allocate(found->second.size() + ddb::kJsonPadding);
        found->second.copy(text, found->second.size());
        batch.add_root(TRY(decoder.decode_item({text, found->second.size()}, {},
                                               ddb::JsonForm::kTyped, batch)),
                       0);
      }
    return {};
  }
  Result<uint64_t> refresh(const std::vector<std::string>& keys) override {
    refreshed.insert(refreshed.end(), keys.begin(), keys.end());
    return keys.size();
  }
  void note_change(const ddb::Digest& key) { changed_.insert(key); }

  std::map<std::string, std::string> source;  // key JSON → item
  std::set<ddb::Digest> always_changing;
  std::function<void()> on_wait;
  std::vector<std::string> refreshed;
  int lookups = 0;
  size_t watched = 0;

 private:
  int64_t now_ = 1'000'000;
  std::set<ddb::Digest> changed_;
};

class SettleTest : public MigrationTest {
 protected:
  static std::string key(const std::string& pk) {
    return R"({"pk":{"S":")" + pk + R"("},"sk":{"N":"1"}})";
  }
  static ddb::Digest digest(const std::string& pk) {
    ddb::ItemBatch batch;
    ddb::JsonDecoder decoder;
    std::string text = key(pk);
    size_t size = text.size();
    text.append(ddb::kJsonPadding, '\0');
    return ddb::digest(ddb::ItemView(&batch.nodes()[*decoder.decode_item(
        {text.data(), size}, {}, ddb::JsonForm::kTyped, batch)]));
  }
  void load(const std::vector<std::string>& items) {
    write_dump(items);
    write_plan();
    migration_ = open(Purpose::kRun);
    migration_->id = "m";
    ASSERT_TRUE(
        migration_->target->prepare(migration_->mapping, "m", target::Target::Start::kFirst).ok());
    migration_->source = open_source(migration_->plan, migration_->folder).value();
    auto partitions = migration_->source->partitions().value();
    ASSERT_TRUE(migrate::load(*migration_->source, partitions, *migration_->target,
                              migration_->mapping, *migration_->journal, progress_, LoadOptions())
                    .ok());
    ASSERT_TRUE(migration_->target
                    ->finish_load([](const target::Duplicate&) { return Status(); },
                                  [](const std::string&) {})
                    .ok());
    scratch_ = std::move(*Scratch::create(folder_ + "/scratch.sqlite"));
  }
  void suspect(const std::string& pk) {
    ASSERT_TRUE(scratch_->remember(Finding::kSuspect, digest_bytes(digest(pk)), key(pk)).ok());
  }
  uint64_t settle_all() {
    auto unsettled =
        settle(*migration_, moving_, *scratch_, progress_,
               [&](Finding finding, const std::string&, const std::string& key_json) -> Status {
                 found_.push_back(std::string(finding_name(finding)) + " " + key_json);
                 return {};
               },
               {});
    if (!unsettled.ok()) ADD_FAILURE() << unsettled.error().message();
    return unsettled.ok() ? *unsettled : 0;
  }

  std::unique_ptr<Migration> migration_;
  std::unique_ptr<Scratch> scratch_;
  FakeMoving moving_;
  std::vector<std::string> found_;
};

TEST_F(SettleTest, WhatIsEqualByNowWasNoDifference) {
  load({thing("a", 1, "x")});
  moving_.source[key("a")] = thing("a", 1, "x");
  suspect("a");
  suspect("gone on both sides");
  EXPECT_EQ(settle_all(), 0u);
  EXPECT_THAT(found_, IsEmpty());
  EXPECT_EQ(moving_.watched, 0u) << "nothing is watched for ever";
}

TEST_F(SettleTest, WhatNothingExplainsIsFoundAndNamed) {
  load({thing("a", 1, "old"), thing("b", 1, "extra")});
  moving_.source[key("a")] = thing("a", 1, "new");
  moving_.source[key("c")] = thing("c", 1, "missing");
  for (const char* pk : {"a", "b", "c"}) suspect(pk);
  EXPECT_EQ(settle_all(), 0u);
  EXPECT_THAT(found_, testing::UnorderedElementsAre("different " + key("a"), "extra " + key("b"),
                                                    "missing " + key("c")));
}

TEST_F(SettleTest, AChangeOnItsWayExplainsADifference) {
  load({thing("a", 1, "old")});
  moving_.source[key("a")] = thing("a", 1, "new");
  int waits = 0;
  moving_.on_wait = [&] {
    if (++waits == 2) moving_.note_change(digest("a"));  // seen by the follower …
    if (waits == 3) target_sql("UPDATE things SET name = 'new' WHERE pk = 'a'");  // … and applied
  };
  suspect("a");
  EXPECT_EQ(settle_all(), 0u);
  EXPECT_THAT(found_, IsEmpty());
}

TEST_F(SettleTest, AThereAndBackAtTheSourceIsNoDifference) {
  load({thing("a", 1, "old")});
  moving_.source[key("a")] = thing("a", 1, "new");
  moving_.always_changing.insert(
      digest("a"));  // the source's item reads the same each time, but changed in between
  suspect("a");
  EXPECT_EQ(settle_all(), 1u) << "nothing can be said of it";
  EXPECT_THAT(found_, IsEmpty());
  EXPECT_EQ(moving_.lookups, 2 * kRoundsMax);
}

TEST_F(SettleTest, ManySuspectsAreLookedUpInPieces) {
  std::vector<std::string> items;
  for (int i = 0; i < 250; ++i) {
    std::string pk = "k" + std::to_string(i);
    items.push_back(thing(pk, 1, "x"));
    moving_.source[key(pk)] = items.back();
  }
  load(items);
  for (int i = 0; i < 250; ++i) suspect("k" + std::to_string(i));
  EXPECT_EQ(settle_all(), 0u);
  EXPECT_EQ(moving_.lookups, 3);
}

}  // namespace
}  // namespace offramp::migrate::verify
