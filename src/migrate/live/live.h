// Live: the moving part of a migration: capture, spool and follower, with the threads that drive
// and watch them.
//
// capture() comes before the first item is read (C2), follow() after the load is durable (C3). A
// failure of any thread ends the others and is what finish() returns; a gap (C6) is also a fact of
// the journal, so that every later run refuses until it has been repaired. While it lives it
// answers the requests of other processes (verify, letters), since only the process that holds the
// plan may write to the target.
//
// Threads: open(), capture(), follow(), finish() are the owner's; the rest may be called from any
// thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "io/clock.h"
#include "migrate/capture/capture.h"
#include "migrate/follow/follow.h"
#include "migrate/live_state.h"
#include "migrate/migration.h"
#include "migrate/progress.h"
#include "migrate/spool/spool.h"
#include "migrate/verify/verify.h"
#include "source/change_source.h"
#include "source/scan/item_lookup.h"

namespace offramp::migrate::live {

struct LiveOptions {
  bool enable_stream = false;
  bool repair_gap = false;
  std::stop_token stop;
  std::shared_ptr<source::scan::ReadBudget>
      budget;  // of comparisons, shared with others; empty: the plan's limits
  io::Clock* clock = &io::system_clock();
};

// An export must be of a time at least this long after the capture began (C2).
constexpr int64_t kExportMarginMs = 5 * 60 * 1000;

class Live : public verify::MovingTarget {
 public:
  // Opens stream and spool and begins the capture, or takes up what was begun. kGap when the
  // journal knows of a gap (or the spool is damaged or gone) and repair_gap is not set.
  static Result<std::unique_ptr<Live>> open(Migration& migration, const LiveOptions& options);
  ~Live() override;

  // Starts reading the stream. Every shard's position is durable when this returns.
  Status capture();
  // True when a gap is being repaired: after the load the sides must be compared and made equal
  // before follow().
  bool repairing() const { return repairing_; }
  // The repair is complete.
  Status end_repair();
  // Starts applying what was captured. The load must be durable and nobody else may write to the
  // target.
  Status follow();
  // Waits until the follower is less than `lag` behind, and past everything that was written before
  // the load ended.
  Status wait_caught_up(std::chrono::milliseconds lag);
  // Waits for a stop or a failure.
  void wait();
  // Ends the threads; the first failure, if any.
  Status finish();

  // Requested by the owner's stop or by a failure.
  std::stop_token token() const { return all_.get_token(); }
  void set_phase(const std::string& phase);
  LiveState state();
  int64_t began_ms() const { return began_ms_; }
  follow::Follow* follower() { return following_ ? follow_.get() : nullptr; }
  const capture::CaptureCounts& capture_counts() const { return capture_->counts(); }
  // Makes the keys of letters (empty: all open ones) what the source says now, and settles their
  // letters.
  Result<follow::RefreshOutcome> retry_letters(const std::vector<int64_t>& ids);
  // The table itself, whatever the load came from: what is compared with while it moves.
  // `read_units_per_second` 0: the plan's limit.
  Result<std::unique_ptr<source::ItemSource>> open_table(double read_units_per_second);
  // Compares both sides while they move; one verification at a time.
  Result<verify::Report> verify(Progress& progress, verify::Options options,
                                double read_units_per_second);

  // verify::MovingTarget
  int64_t now_ms() override;
  int64_t applied_until_ms() override;
  Status wait_applied(int64_t until_ms) override;
  void watch(std::span<const ddb::Digest> keys) override { follow_->watch().watch(keys); }
  bool changed(const ddb::Digest& key) override { return follow_->watch().changed(key); }
  Status lookup(std::span<const std::string_view> keys_json, ddb::ItemBatch& batch) override;
  Result<uint64_t> refresh(const std::vector<std::string>& keys_json) override;

 private:
  Live(Migration& migration, const LiveOptions& options);
  Status open_stream();
  Status open_spool();
  Status begin_generation();
  void fail(Error error);
  void start(const char* what, std::function<Status(std::stop_token)> work);
  Status tend(std::stop_token stop);
  Status answer_requests(std::stop_token stop);
  Result<std::string> answer(const Request& request);

  Migration& migration_;
  const LiveOptions options_;
  std::stop_source all_;
  std::optional<std::stop_callback<std::function<void()>>> forward_;
  std::unique_ptr<source::ChangeSource> source_;
  std::shared_ptr<source::scan::ReadBudget> budget_;  // of comparisons
  std::unique_ptr<source::scan::ItemLookup> lookup_;
  std::unique_ptr<spool::Spool> spool_;
  std::unique_ptr<capture::Capture> capture_;
  std::unique_ptr<follow::Follow> follow_;
  bool repairing_ = false;
  int64_t began_ms_ = 0;
  std::atomic<bool> following_{false};
  std::mutex verify_mutex_;  // held during verify()
  std::mutex fold_mutex_;  // held while folding before follow(): the follower is the one that reads
                           // and folds then

  std::mutex mutex_;
  std::optional<Error> failure_;     // guarded by mutex_
  std::string phase_ = "capturing";  // guarded by mutex_
  std::string source_waiting_;       // guarded by mutex_
  std::vector<std::jthread> threads_;
};

}  // namespace offramp::migrate::live
