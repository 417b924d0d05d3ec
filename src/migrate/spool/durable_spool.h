// DurableSpool: the spool over its files. Appending is in appending.cc, reading and releasing in
// reading.cc, folding in folding.cc.
//
// What can be read is a row of pieces without a hole, in the order of their batches: segments and
// bases. A base takes the place of the segments that were folded into it. Mostly that is one base
// and then the log; segments stand before a base when the reader had begun them, and a second base
// comes into being when there is much to fold while the reader is inside the first.
//
// Threads: mutex_ guards what all threads ask for, reading_mutex_ (taken first) what the reading
// thread works with. One appending thread at a time leads: it writes for all that wait, and it
// alone touches active_ and group_. An I/O error while writing is kept in failed_ and given to
// every later call that would write; reading goes on.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "migrate/spool/base.h"
#include "migrate/spool/recover.h"
#include "migrate/spool/spool.h"

namespace offramp::migrate::spool {

class DurableSpool final : public Spool {
 public:
  static Result<std::unique_ptr<Spool>> open(const std::string& folder, const Options& options);

  std::optional<Origin> origin() const override;
  Status begin(const Origin& origin, std::span<const model::ShardState> shards) override;
  Result<uint64_t> append(std::span<const model::Change> changes,
                          std::span<const model::ShardState> shards) override;
  std::vector<model::ShardState> shards() const override;
  Status forget_shards(std::span<const std::string> ids) override;
  uint64_t newest_batch() const override;
  bool wait_newer(uint64_t batch, std::chrono::milliseconds timeout, std::stop_token stop) override;
  Status seek(const Place& place) override;
  Result<bool> read(model::ChangeBatch& batch, Place& after, size_t changes_max) override;
  Status release(const Place& place) override;
  Result<bool> fold(std::stop_token stop) override;
  Size size() const override;

 private:
  // What one caller waits for.
  struct Entry {
    FrameKind kind;
    std::string_view payload;
    uint64_t hash = 0;
    std::span<const model::ShardState> shards;
    std::span<const std::string> forgotten;
    uint64_t changes = 0;
    uint64_t number = 0;         // given by the leader
    bool done = false;           // guarded by mutex_
    std::optional<Error> error;  // likewise
  };
  using Lock = std::unique_lock<std::mutex>;

  DurableSpool(std::string folder, const Options& options)
      : folder_(std::move(folder)), options_(options) {}
  Status take(Recovered recovered);

  // Appending. Those that take a Lock hold it when they return.
  Status commit(Entry& entry);
  void lead(Lock& lock);
  Status write_group(const Segment& active, uint64_t newest, uint64_t changes);
  Status roll(Lock& lock);
  void wait_to_lead(Lock& lock);
  void stop_leading();
  Status usable() const;

  // Reading; reading_mutex_ is held.
  uint64_t end_of(
      size_t segment) const;  // the last batch that the segment can hold; mutex_ is held
  Status enter(uint64_t next);
  Status enter_base(const BaseNote& note, const ddb::Digest* after);
  BaseNote base_of(uint64_t last) const;  // the base that is being read
  Status skip_to(uint64_t next);
  Result<Base*> open_base(uint64_t first);
  void leave();
  Result<bool> read_base(model::ChangeBatch& batch, size_t changes_max);
  Result<bool> read_log(model::ChangeBatch& batch, size_t changes_max);
  Result<bool> read_frame(model::ChangeBatch& batch, size_t changes_max, bool first,
                          uint64_t limit);
  Status remove_base(const BaseNote& note);

  // Folding; reading_mutex_ is held.
  Status fold_into(BaseNote note, const std::vector<Segment>& segments, uint64_t last,
                   std::stop_token stop);
  Status add_segment(Base& base, const Segment& segment, std::stop_token stop);
  Status settle(const BaseNote& note);

  const std::string folder_;
  const Options options_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Origin> origin_;  // guarded by mutex_, as all that follows
  std::string generation_folder_;
  std::vector<Segment> segments_;  // rising; the last one is written to
  std::vector<BaseNote> bases_;
  Shards shards_;
  uint64_t newest_ = 0;
  uint64_t changes_ = 0;
  uint64_t released_changes_ = 0;
  std::optional<Error> failed_;
  std::vector<Entry*> queue_;
  bool leading_ = false;

  // The leader's.
  File active_;
  std::vector<Entry*> group_;

  std::mutex reading_mutex_;
  Place at_;                           // guarded by reading_mutex_, as all that follows
  std::optional<FrameCursor> cursor_;  // in the segment cursor_first_, when reading is in the log
  uint64_t cursor_first_ = 0;
  Base* base_ = nullptr;  // when reading is in a base
  uint64_t base_last_ = 0;
  std::map<uint64_t, std::unique_ptr<Base>> open_bases_;  // by first batch
  uint64_t read_changes_ = 0;                             // of all batches up to at_.batch
  struct Mark {
    uint64_t batch, changes;
  };
  std::deque<Mark> marks_;  // where reads ended that are not released
};

}  // namespace offramp::migrate::spool
