// Random work on a spool against a model that keeps every batch: whatever is appended, folded,
// read, sought, released and reopened, a target that applies what it reads ends up with the newest
// image of every key.
//
// OFFRAMP_SEED=N repeats one run, OFFRAMP_SPOOL_RUNS=N makes more of them.
#include <cstdlib>
#include <random>

#include "migrate/spool/spool_fixture_test.h"

namespace offramp::migrate::spool {
namespace {

using State = std::map<uint64_t, std::string>;

class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    folder_.options = {.segment_bytes = 300 + random_() % 3000,
                       .fold_bytes = 500 + random_() % 5000};
    spool_ = folder_.begun(1);
    stored_ = at_ = {.generation = 1};
  }
  void run(int steps) {
    for (int i = 0; i < steps && !::testing::Test::HasFailure(); ++i) step();
    restart();
    while (read()) {
    }
    EXPECT_EQ(at_, (Place{.generation = 1, .batch = batches_.size()}));
    EXPECT_EQ(target_, newest(batches_.size()));
    EXPECT_EQ(folds_ > 0 || batches_.size() < 200, true) << "nothing was folded";
  }
  int folds() const { return folds_; }

 private:
  void step() {
    switch (random_() % 16) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return append();
      case 5:
      case 6:
      case 7:
        read();
        return;
      case 8:
        stored_ = at_;
        return;  // The target keeps where it stands.
      case 9:
      case 10:
        return release();
      case 11:
      case 12:
      case 13:
        return fold();
      case 14:
        return random_() % 4 == 0 ? restart() : append();
      case 15:
        return random_() % 4 == 0 ? seek_back() : fold();
    }
  }
  void append() {
    TestChanges changes;
    std::vector<Seen> batch;
    for (uint64_t i = random_() % 7; i > 0; --i) {
      uint64_t key = random_() % 40;
      std::string image =
          random_() % 5 == 0 ? "" : std::to_string(random_()) + std::string(random_() % 100, 'x');
      changes.put(key, image);
      batch.push_back({key, image});
    }
    model::ShardState shard{.id = "s" + std::to_string(random_() % 5),
                            .sequence = std::to_string(batches_.size())};
    if (random_() % 2) shards_[shard.id] = shard;
    bool with_shard = shards_.contains(shard.id) && shards_[shard.id] == shard;
    auto number = spool_->append(changes.span(), std::span(&shard, with_shard ? 1u : 0u));
    ASSERT_TRUE(number.ok()) << number.error().message();
    batches_.push_back(batch);
    EXPECT_EQ(*number, batches_.size());
    EXPECT_EQ(spool_->newest_batch(), batches_.size());
  }
  bool read() {
    Read read = read_some(*spool_, 1 + random_() % 30);
    if (!read.any) {
      EXPECT_EQ(at_, (Place{.generation = 1, .batch = batches_.size()})) << pack_place(at_);
      return false;
    }
    EXPECT_TRUE(place_before(at_, read.after)) << pack_place(at_) << " " << pack_place(read.after);
    EXPECT_EQ(unpack_place(pack_place(read.after)).value(), read.after);
    check(read);
    read.into(target_);
    at_ = read.after;
    return true;
  }
  // A read is either whole batches of the log in order, or newest changes of keys up to a base's
  // batch.
  void check(const Read& read) {
    std::vector<Seen> log;
    if (at_.base == 0 && read.after.base == 0)
      for (uint64_t i = at_.batch; i < read.after.batch; ++i)
        log.insert(log.end(), batches_[i].begin(), batches_[i].end());
    if (at_.base == 0 && read.after.base == 0 && read.changes == log) return;
    uint64_t base = read.after.base != 0 ? read.after.base : read.after.batch;
    State state = newest(base);
    for (size_t i = 0; i < read.changes.size(); ++i) {
      EXPECT_EQ(read.changes[i].image, state[read.changes[i].key]) << pack_place(read.after);
      for (size_t j = 0; j < i; ++j) EXPECT_NE(read.changes[i].key, read.changes[j].key);
    }
  }
  void release() {
    ASSERT_TRUE(spool_->release(stored_).ok());
    released_ = stored_;
  }
  void fold() {
    auto folded = spool_->fold({});
    ASSERT_TRUE(folded.ok()) << folded.error().message();
    folds_ += *folded;
  }
  // As after a kill: reading begins where the target stands; what it had applied beyond that stays
  // applied.
  void seek_back() {
    auto sought = spool_->seek(stored_);
    ASSERT_TRUE(sought.ok()) << sought.error().message();
    // A base that grew meanwhile is read from its beginning, which stands before the place.
    at_ = stored_;
    if (stored_.base != 0 || stored_.batch > 0) at_ = {.generation = 1, .base = 0, .batch = 0};
    Read read = read_some(*spool_, 1);
    if (!read.any) {
      at_ = stored_;
      return;
    }
    read.into(target_);
    at_ = read.after;
  }
  void restart() {
    Origin origin = spool_->origin().value();
    Size size = spool_->size();
    spool_.reset();
    auto view = Spool::open(folder_.spool(), Spool::Open::kReadOnly, {});
    ASSERT_TRUE(view.ok()) << view.error().message();
    EXPECT_EQ((*view)->newest_batch(), batches_.size());
    spool_ = folder_.open();
    EXPECT_EQ(spool_->origin(), origin);
    EXPECT_EQ(spool_->newest_batch(), batches_.size());
    EXPECT_EQ(spool_->size().base_keys, size.base_keys);
    EXPECT_GE(spool_->size().log_changes, size.log_changes);
    State shards, expected;
    for (const auto& shard : spool_->shards())
      shards[std::stoull(shard.id.substr(1))] = shard.sequence;
    for (const auto& [id, shard] : shards_) expected[std::stoull(id.substr(1))] = shard.sequence;
    EXPECT_EQ(shards, expected);
    seek_back();
  }
  State newest(uint64_t batch) const {
    State state;
    for (uint64_t i = 0; i < batch; ++i)
      for (const Seen& seen : batches_[i]) state[seen.key] = seen.image;
    return state;
  }

  std::mt19937_64 random_;
  Folder folder_;
  std::unique_ptr<Spool> spool_;
  std::vector<std::vector<Seen>> batches_;
  std::map<std::string, model::ShardState> shards_;
  State target_;
  Place at_, stored_, released_;
  int folds_ = 0;
};

TEST(SpoolProperty, C3_C5_TheTargetEndsWithTheNewestOfEveryKey) {
  const char* wanted = std::getenv("OFFRAMP_SEED");
  const char* runs = std::getenv("OFFRAMP_SPOOL_RUNS");
  int count = wanted ? 1 : runs ? std::atoi(runs) : 40;
  uint64_t seed = wanted ? std::stoull(wanted) : std::random_device()();
  int folds = 0;
  for (int run = 0; run < count && !HasFailure(); ++run, ++seed) {
    SCOPED_TRACE("OFFRAMP_SEED=" + std::to_string(seed));
    Model model(seed);
    model.run(300);
    folds += model.folds();
  }
  EXPECT_GT(folds, 0);
}

}  // namespace
}  // namespace offramp::migrate::spool
