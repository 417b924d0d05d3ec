// Capture: reads every shard of a change stream, parents before children, into the spool, for as
// long as it is let.
//
// C2: begin() has made the position of every shard durable when it returns. C5: a position is in
// the spool's record of the changes it speaks of. C6: what may be missing ends run() with kGap;
// nothing restarts at the horizon unless the clock proves that nothing can have expired
// (shard_tree.h).
//
// Threads: run() drives a pool; everything they share is guarded by mutex_. The rest may be called
// from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "io/clock.h"
#include "migrate/capture/shard_tree.h"
#include "migrate/spool/spool.h"
#include "source/change_source.h"

namespace offramp::migrate::capture {

struct CaptureOptions {
  TreeOptions tree;
  int threads = 8;
  std::chrono::milliseconds busy_poll{
      200};  // a shard with news is asked at most this often (AWS: 5 a second)
  std::chrono::milliseconds idle_poll_max{1000};
  std::chrono::milliseconds discovery{30'000};
  std::chrono::milliseconds heartbeat{10'000};  // how stale the marks of idle shards on disk may be
  io::Clock* clock = &io::system_clock();
};

// Since the process began, for status and metrics.
struct CaptureCounts {
  std::atomic<uint64_t> changes{0}, deletions{0}, ttl_deletions{0}, bytes{0}, answers{0};
};

class Capture {
 public:
  Capture(source::ChangeSource& source, spool::Spool& spool, const CaptureOptions& options);

  // A new generation from the trim horizon of every shard of the table's stream.
  Status begin(uint64_t generation);
  // Goes on where the spool stands: the stream must be the one it was begun with (kGap
  // "capture.stream_changed"). Returns at a stop (ok) or with the first error.
  Status run(std::stop_token stop);

  // The newest time up to which every change is in the spool's batches 1 … `batch`. 0: none known.
  int64_t complete_until_ms(uint64_t batch);
  // Up to which every change is in the spool.
  int64_t captured_until_ms() const { return captured_until_ms_; }

  struct View {
    size_t shards = 0, open_shards = 0;
    std::optional<ShardTree::Expiry> next_expiry;
  };
  View view();
  const CaptureCounts& counts() const { return counts_; }

 private:
  struct Task {
    std::unique_ptr<source::ShardReader> reader;
    bool busy = false;
    io::Clock::Steady due;
    std::chrono::milliseconds pause{0};
  };

  Result<std::vector<source::Shard>> list_settled(const std::string& stream);
  Status discover();
  Status work(std::stop_token stop);
  // Picks the shard that is due first and waits for it; empty at a stop.
  std::optional<std::string> next_task(std::stop_token stop);
  Status poll(const std::string& id, model::ChangeBatch& batch, std::stop_token stop);
  // The position has been trimmed or the shard is gone: harmless when the clock proves it, else the
  // gap.
  Status judge_loss(const std::string& id, model::ShardState state, Error error);
  Status heartbeat();
  void start_runnable();
  void mark();
  int64_t wall_ms() const;

  source::ChangeSource& source_;
  spool::Spool& spool_;
  const CaptureOptions options_;
  CaptureCounts counts_;
  std::string stream_;  // constant while run() runs

  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::optional<ShardTree> tree_;  // guarded by mutex_
  std::map<std::string, Task>
      tasks_;  // guarded by mutex_; a busy task's reader belongs to its worker
  std::map<std::string, model::ShardState>
      unsaved_;  // guarded by mutex_; marks that are not in the spool yet
  struct Mark {
    uint64_t batch;
    int64_t until_ms;
  };
  std::deque<Mark> marks_;      // guarded by mutex_; both members rise
  bool discover_soon_ = false;  // guarded by mutex_
  std::atomic<int64_t> captured_until_ms_{0};
};

}  // namespace offramp::migrate::capture
