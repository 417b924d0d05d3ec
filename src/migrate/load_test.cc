// The load: counts, letters and positions are exact whatever interrupts it.
#include "migrate/load.h"

#include <cstring>
#include <map>
#include <mutex>
#include <new>

#include "ddb/wire_json.h"
#include "migrate/migration_fixture_test.h"

namespace offramp::migrate {
namespace {

// Items made up by number: partition p has items p.0 … p.(count-1); it can fail or be stopped at a
// record.
class MadeUpSource : public source::ItemSource {
 public:
  uint64_t count = 100;
  int partitions_count = 3;
  uint64_t fail_at = UINT64_MAX;  // record of partition 1 before which a read fails
  bool fail_by_exception = false;
  uint64_t stop_at =
      UINT64_MAX;  // record of partition 1 before which the stop is asked for and obeyed
  std::stop_source stop;
  uint64_t refuse_every = 0, bad_every = 0;
  std::map<std::string, uint64_t> opened_at;  // guarded by mutex
  std::mutex mutex;

  Result<model::TableSpec> describe() override { return model::TableSpec{}; }
  Result<std::vector<source::Partition>> partitions() override {
    std::vector<source::Partition> out;
    for (int i = 0; i < partitions_count; ++i)
      out.push_back({std::to_string(i), count, std::nullopt});
    return out;
  }
  Result<std::string> fingerprint() override { return std::string("made up"); }
  Result<std::unique_ptr<source::ItemReader>> open(const source::Partition& partition,
                                                   const model::Position& resume) override {
    std::lock_guard lock(mutex);
    opened_at[partition.id] = resume.records;
    return std::unique_ptr<source::ItemReader>(new Reader(*this, partition.id, resume));
  }

 private:
  class Reader : public source::ItemReader {
   public:
    Reader(MadeUpSource& source, std::string id, model::Position at)
        : source_(source), id_(std::move(id)), at_(at) {
      EXPECT_EQ(at.token, at.records ? "at " + std::to_string(at.records) : "");
    }
    Result<bool> next(ddb::ItemBatch& batch, model::Position& after) override {
      batch.reset();
      if (id_ == "1" && at_.records >= source_.fail_at) {
        if (source_.fail_by_exception) throw std::bad_alloc();
        return Error(ErrorKind::kUnavailable, "made_up.lost", "the source is lost");
      }
      if (id_ == "1" && at_.records >= source_.stop_at) {
        source_.stop.request_stop();
        return Error(ErrorKind::kCancelled, "made_up.cancelled", "a wait was cut short");
      }
      for (int i = 0; i < 10 && at_.records < source_.count; ++i, ++at_.records) {
        uint64_t n = at_.records;
        if (source_.bad_every && n % source_.bad_every == 1) {
          batch.bad.push_back({n, "not an item " + std::to_string(n),
                               Error(ErrorKind::kBadItem, "made_up.bad", "no item")});
          continue;
        }
        bool keyless = source_.refuse_every && n % source_.refuse_every == 0;
        std::string text = std::string(R"({"pk":{"S":")") + id_ + R"("},)" +
                           (keyless ? "\"sj\"" : "\"sk\"") + R"(:{"N":")" + std::to_string(n) +
                           "\"}}";
        char* bytes = batch.arena.allocate(text.size() + ddb::kJsonPadding);
        std::memcpy(bytes, text.data(), text.size());
        std::memset(bytes + text.size(), 0, ddb::kJsonPadding);
        batch.add_root(
            TRY(decoder_.decode_item({bytes, text.size()}, {}, ddb::JsonForm::kTyped, batch)), n);
      }
      at_.token = "at " + std::to_string(at_.records);
      at_.done = at_.records >= source_.count && batch.empty();
      after = at_;
      return !at_.done;
    }

   private:
    MadeUpSource& source_;
    const std::string id_;
    model::Position at_;
    ddb::JsonDecoder decoder_;
  };
};

class LoadTest : public MigrationTest {
 protected:
  LoadTest() {
    write_plan();
    start(target::Target::Start::kFirst);
  }
  void start(target::Target::Start how) {
    migration_.reset();
    migration_ = open(Purpose::kRun);
    EXPECT_TRUE(migration_->target->prepare(migration_->mapping, "m", how).ok());
  }
  // What an error leaves behind is closed, as when the process ends, and opened again.
  void start_again() { start(target::Target::Start::kResuming); }
  Result<LoadOutcome> load_it(MadeUpSource& source, int loaders = 2) {
    auto partitions = source.partitions().value();
    LoadOptions options;
    options.loaders = loaders;
    options.stop = source.stop.get_token();
    return load(source, partitions, *migration_->target, migration_->mapping, *migration_->journal,
                progress_, options);
  }
  std::unique_ptr<Migration> migration_;
};

TEST_F(LoadTest, EverythingOnce) {
  MadeUpSource source;
  auto outcome = load_it(source);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->counts.stored, 300u);
  EXPECT_EQ(outcome->records, 300u);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 300);
  auto positions = migration_->target->positions().value();
  for (auto& [id, position] : positions) EXPECT_TRUE(position.done) << id;
}

TEST_F(LoadTest, C5_C9_AfterALostSourceItGoesOnAtThePositionsAndTheSumsAreExact) {
  MadeUpSource source;
  source.refuse_every = 25;
  source.fail_at = 50;
  auto lost = load_it(source, 1);
  ASSERT_FALSE(lost.ok());
  EXPECT_EQ(lost.error().code(), "made_up.lost");
  start_again();
  auto positions = migration_->target->positions().value();
  // Rows and positions agree: what is there is exactly what the positions speak of.
  uint64_t stored = 0;
  for (auto& [id, position] : positions)
    stored += unpack_token(position.token).value().counts.stored;
  EXPECT_EQ(static_cast<uint64_t>(target_int("SELECT count(*) FROM things")), stored);

  source.fail_at = UINT64_MAX;
  auto outcome = load_it(source, 2);
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(source.opened_at["1"], positions["1"].records);
  EXPECT_EQ(outcome->counts.stored, 288u);
  EXPECT_EQ(outcome->counts.refused, 12u);
  EXPECT_EQ(outcome->records, 300u);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 288);
  EXPECT_EQ(target_int("SELECT count(DISTINCT pk || '.' || sk) FROM things"), 288);
  EXPECT_EQ(migration_->journal->letter_counts().value().open, 12u);

  auto again = load_it(source, 2);  // all done: nothing is read, the sums stay
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->counts.stored, 288u);
}

TEST_F(LoadTest, AStopDuringAWaitKeepsWhatIsWhole) {
  MadeUpSource source;
  source.stop_at = 50;
  auto stopped = load_it(source, 1);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().kind(), ErrorKind::kCancelled);
  EXPECT_EQ(stopped.error().code(), "load.stopped");
  EXPECT_EQ(migration_->target->positions().value()["1"].records, 50u);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 150);
}

TEST_F(LoadTest, AnExceptionInAWorkerIsAnError) {
  MadeUpSource source;
  source.fail_at = 50;
  source.fail_by_exception = true;
  auto outcome = load_it(source);
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), "process.memory");
  start_again();
  source.fail_at = UINT64_MAX;
  EXPECT_TRUE(load_it(source).ok());
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 300);
}

TEST_F(LoadTest, C7_WhatIsNoItemIsALetterWithItsBytes) {
  MadeUpSource source;
  source.partitions_count = 1;
  source.bad_every = 50;
  auto outcome = load_it(source);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->counts.refused, 2u);
  EXPECT_EQ(outcome->counts.stored, 98u);
  auto letters = migration_->journal->letters(Journal::Bodies::kWith).value();
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0].body, "not an item 1");
  EXPECT_FALSE(letters[0].body_is_item);
  EXPECT_EQ(letters[0].key_digest, "");
  EXPECT_EQ(letters[1].ordinal, 51u);
}

TEST_F(LoadTest, AnEmptySourceLoads) {
  MadeUpSource source;
  source.count = 0;
  auto outcome = load_it(source);
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->records, 0u);
  EXPECT_EQ(migration_->target->positions().value().size(), 3u);
}

}  // namespace
}  // namespace offramp::migrate
