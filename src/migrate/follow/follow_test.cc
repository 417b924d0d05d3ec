// Follow from a real spool into the memory target: order, letters, resumes, and keys made what the
// source says.
#include "migrate/follow/follow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <thread>

#include "target/registry.h"

namespace offramp::migrate::follow {
namespace {

using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string key_json(const std::string& pk) { return R"({"pk":{"S":")" + pk + R"("}})"; }
// Items whose kind is "bad" are taken by no table.
std::string image(const std::string& pk, int value, const std::string& kind = "good") {
  return R"({"pk":{"S":")" + pk + R"("},"kind":{"S":")" + kind + R"("},"value":{"N":")" +
         std::to_string(value) + R"("}})";
}

class FollowTest : public testing::Test {
 protected:
  FollowTest() {
    char name[] = "/tmp/offramp-follow-XXXXXX";
    folder_ = ::mkdtemp(name);
    auto column = [](std::string name, model::ColumnType type) {
      return model::ColumnSpec{.name = name, .from = {name}, .type = type};
    };
    model::TableMapping small, large;
    small.match = "kind = 'good' AND value_is_small = 'yes'";
    small.into = "small";
    small.columns = {column("value", model::ColumnType::kNumeric)};
    large.match = "kind <> 'bad'";
    large.into = "large";
    large.columns = {column("value", model::ColumnType::kNumeric)};
    model::KeySchema key{.partition = {"pk", ddb::Type::kS}};
    const target::Entry* entry = *target::find_entry("memory:");
    auto mapping =
        mapping::CompiledMapping::compile({small, large}, key, entry->capabilities().limits);
    EXPECT_TRUE(mapping.ok()) << mapping.error().message();
    mapping_ = *mapping;
    target_ = std::move(*entry->open("memory:"));
    ready(target_->prepare(mapping_, "m", target::Target::Start::kFirst));
    ready(target_->finish_load([](const target::Duplicate&) { return Status(); },
                               [](const std::string&) {}));
    journal_ = std::move(*Journal::open(folder_, Journal::Open::kCreate));
    spool_ = std::move(*spool::Spool::open(folder_ + "/spool", spool::Spool::Open::kCreate, {}));
    ready(spool_->begin({.generation = 1, .stream = "s", .began_ms = 1}, {}));
  }
  ~FollowTest() override {
    spool_.reset();
    std::filesystem::remove_all(folder_);
  }
  template <class T>
  static void ready(const T& result) {
    ASSERT_TRUE(result.ok()) << result.error().message();
  }

  struct Write {
    std::string pk, image;  // image empty: deleted
  };
  void capture(const std::vector<Write>& writes) {
    ddb::ItemBatch keys;
    Preparer preparer(mapping_);
    std::vector<std::string> texts;
    std::vector<model::Change> changes;
    texts.reserve(writes.size() * 2);
    for (const Write& write : writes) {
      model::Change change;
      texts.push_back(key_json(write.pk));
      change.key_json = texts.back();
      change.key = ddb::digest(*preparer.decode_key(change.key_json, keys));
      texts.push_back(std::to_string(++sequence_));
      change.sequence = texts.back();
      change.image_json = write.image;
      changes.push_back(change);
    }
    ready(spool_->append(changes, {}));
  }
  // Follows until everything captured is at the target; `meanwhile` runs beside it.
  void follow(int lanes = 2, const std::function<void(Follow&)>& meanwhile = {}) {
    FollowOptions options;
    options.lanes = lanes;
    Follow follow(*target_, mapping_, *journal_, *spool_, options);
    ready(follow.begin());
    std::stop_source stop;
    Status ended;
    std::thread runner([&] { ended = follow.run(stop.get_token()); });
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    auto all_applied = [&] { return follow.applied_batch() >= spool_->newest_batch(); };
    while (!all_applied() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(all_applied());
    if (meanwhile) meanwhile(follow);
    while (!all_applied() && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stop.request_stop();
    runner.join();
    ready(ended);
  }
  // pk → value, over all tables.
  std::map<std::string, std::string> target_items() {
    std::map<std::string, std::string> out;
    auto parts = target_->read_partitions(1);
    for (const target::ReadPartition& part : *parts) {
      auto reader = std::move(*target_->read(part));
      ddb::ItemBatch batch;
      while (*reader->next(batch))
        for (size_t i = 0; i < batch.size(); ++i) {
          std::string pk(batch.item(i).find("pk").bytes());
          EXPECT_FALSE(out.contains(pk)) << pk << " is there twice";
          out[pk] = batch.item(i).find("value").bytes();
        }
    }
    return out;
  }
  std::vector<std::string> open_letters() {
    std::vector<std::string> out;
    auto letters = journal_->letters(Journal::Bodies::kWithout);
    for (const Letter& letter : *letters)
      if (letter.state == LetterState::kOpen) out.push_back(letter.code + " " + letter.key_json);
    return out;
  }
  // A lookup in `source`.
  static ItemLookup lookup_in(const std::map<std::string, std::string>& source) {
    return [&source](std::span<const std::string_view> keys, ddb::ItemBatch& batch) -> Status {
      batch.reset();
      ddb::JsonDecoder decoder;
      for (std::string_view key : keys)
        for (const auto& [pk, item] : source) {
          if (key != key_json(pk)) continue;
          char* text = batch.arena.allocate(item.size() + ddb::kJsonPadding);
          item.copy(text, item.size());
          batch.add_root(
              TRY(decoder.decode_item({text, item.size()}, {}, ddb::JsonForm::kTyped, batch)), 0);
        }
      return {};
    };
  }

  std::string folder_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_;
  std::unique_ptr<target::Target> target_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<spool::Spool> spool_;
  uint64_t sequence_ = 0;
};

using Items = std::map<std::string, std::string>;

TEST_F(FollowTest, C4_TheNewestImageOfEachKeyStays) {
  capture({{"a", image("a", 1)}, {"b", image("b", 1)}, {"a", image("a", 2)}});
  capture({{"b", ""}, {"c", image("c", 1)}, {"a", image("a", 3)}});
  follow();
  EXPECT_EQ(target_items(), (Items{{"a", "3"}, {"c", "1"}}));
  EXPECT_EQ(spool_->size().log_changes, 0u) << "what the target has is forgotten";
}

TEST_F(FollowTest, C4_RandomWorkOverManyRunsEndsAsTheSourceDid) {
  unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  Items truth;
  for (int run = 0; run < 12; ++run) {
    for (int batch = 0; batch < 20; ++batch) {
      std::vector<Write> writes;
      for (int i = 0; i < 15; ++i) {
        std::string pk = "k" + std::to_string(random() % 40);
        if (random() % 4 == 0) {
          writes.push_back({pk, ""});
          truth.erase(pk);
        } else {
          int value = static_cast<int>(random() % 1000);
          writes.push_back({pk, image(pk, value)});
          truth[pk] = std::to_string(value);
        }
      }
      capture(writes);
    }
    follow(3);
    ASSERT_EQ(target_items(), truth);
  }
}

TEST_F(FollowTest, C7_ARefusedChangeFreezesItsKeyAndLaterOnesWait) {
  capture({{"a", image("a", 1)}, {"b", image("b", 1)}});
  follow();
  capture({{"a", image("a", 2, "bad")}, {"b", image("b", 2)}});
  follow();
  EXPECT_EQ(target_items(), (Items{{"a", "1"}, {"b", "2"}}));
  capture({{"a", image("a", 3)}});
  capture({{"a", image("a", 4)}, {"b", ""}});
  follow();
  EXPECT_EQ(target_items(), (Items{{"a", "1"}})) << "a waits behind its letter";
  EXPECT_THAT(open_letters(), UnorderedElementsAre("item.refused " + key_json("a"),
                                                   "change.waiting " + key_json("a")));
}

TEST_F(FollowTest, C7_AKeyIsMadeWhatTheSourceSaysAndGoesOn) {
  capture({{"a", image("a", 2, "bad")}});
  follow();
  Items source = {{"a", image("a", 7)}};
  follow(2, [&](Follow& follow) {
    auto outcome = follow.refresh({key_json("a"), key_json("nothing")}, lookup_in(source));
    ready(outcome);
    EXPECT_EQ(outcome->applied, 2u);
    EXPECT_THAT(outcome->refused, IsEmpty());
    capture({{"a", image("a", 8)}});
  });
  EXPECT_EQ(target_items(), (Items{{"a", "8"}}));
  EXPECT_THAT(open_letters(), IsEmpty());
}

TEST_F(FollowTest, C7_AKeyThatIsStillRefusedStaysFrozen) {
  capture({{"a", image("a", 2, "bad")}});
  Items source = {{"a", image("a", 3, "bad")}};
  follow(2, [&](Follow& follow) {
    auto outcome = follow.refresh({key_json("a")}, lookup_in(source));
    ready(outcome);
    EXPECT_EQ(outcome->refused.size(), 1u);
    capture({{"a", image("a", 4)}});
  });
  EXPECT_EQ(target_items(), Items{});
  EXPECT_EQ(open_letters().size(), 2u);
}

TEST_F(FollowTest, AWaivedLetterLetsItsKeyGoOn) {
  capture({{"a", image("a", 1, "bad")}});
  follow(2, [&](Follow& follow) {
    auto letters = journal_->letters(Journal::Bodies::kWithout);
    for (const Letter& letter : *letters)
      ready(journal_->set_letter_state(letter.id, LetterState::kWaived, "test data"));
    follow.reload_letters();
    capture({{"a", image("a", 2)}});
  });
  EXPECT_EQ(target_items(), (Items{{"a", "2"}}));
}

TEST_F(FollowTest, C5_ASecondRunBeginsBehindTheStoredPositions) {
  capture({{"a", image("a", 1)}});
  follow();
  auto positions = *target_->positions();
  EXPECT_TRUE(positions.contains("changes 1/2") && positions.contains("changes 2/2"))
      << "a lane without changes stores the place too";
  follow(2, [&](Follow& follow) { EXPECT_EQ(follow.counts().captured, 0u); });
}

TEST_F(FollowTest, C6_ATargetThatWasSetBackIsAGap) {
  // More than the spool keeps of what the target has.
  for (int i = 0; i < 40; ++i) capture({{"a", image("a", i) + std::string(100'000, ' ')}});
  follow();
  target_ = std::move(*(*target::find_entry("memory:"))->open("memory:"));  // emptied
  ready(target_->prepare(mapping_, "m", target::Target::Start::kFirst));
  FollowOptions options;
  options.lanes = 2;
  Follow follow(*target_, mapping_, *journal_, *spool_, options);
  Status begun = follow.begin();
  ASSERT_FALSE(begun.ok());
  EXPECT_EQ(begun.error().kind(), ErrorKind::kGap);
}

TEST_F(FollowTest, WatchedKeysThatChangeAreNoted) {
  follow(2, [&](Follow& follow) {
    ddb::ItemBatch keys;
    Preparer preparer(mapping_);
    ddb::Digest a = ddb::digest(*preparer.decode_key(key_json("a"), keys));
    ddb::Digest b = ddb::digest(*preparer.decode_key(key_json("b"), keys));
    std::vector<ddb::Digest> watched = {a, b};
    follow.watch().watch(watched);
    capture({{"a", image("a", 1)}});
    while (follow.applied_batch() < spool_->newest_batch())
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(follow.watch().changed(a));
    EXPECT_FALSE(follow.watch().changed(b));
  });
}

}  // namespace
}  // namespace offramp::migrate::follow
