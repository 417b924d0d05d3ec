// Follow: reads the spool in its order and hands each key's newest changes to the lane that owns
// the key.
//
// C3: it is begun when the load is durable. C4: a key has one lane, a lane applies one batch after
// the other. C5: lanes keep their positions with the data; the spool forgets what every lane's
// stored position has passed, never more.
//
// Threads: run() drives one thread per lane and itself reads and prepares. The rest may be called
// from any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/follow/key_watch.h"
#include "migrate/follow/lane.h"
#include "migrate/spool/spool.h"

namespace offramp::migrate::follow {

struct FollowOptions {
  int lanes = 1;
  size_t chunk_changes = 8000;  // read from the spool at once
  io::Clock* clock = &io::system_clock();
};

// Since the process began.
struct FollowCounts {
  uint64_t captured = 0, applied = 0, letters = 0, retries = 0;
};

class Follow {
 public:
  Follow(target::Target& target, std::shared_ptr<const mapping::CompiledMapping> mapping,
         Journal& journal, spool::Spool& spool, const FollowOptions& options);

  // Takes the stored positions and finds the place to go on (kGap when the target or the spool was
  // set back).
  Status begin();
  // Until a stop: what has been handed out is then applied first. The first error of a lane ends
  // all.
  Status run(std::stop_token stop);

  // Every change of the spool's batches up to this one is at the target, or in a letter.
  uint64_t applied_batch();
  // Makes keys what the source says now; waits for it. Only while run() runs.
  Result<RefreshOutcome> refresh(const std::vector<std::string>& keys_json,
                                 const ItemLookup& lookup);
  void reload_letters();
  KeyWatch& watch() { return watch_; }
  FollowCounts counts();
  // Why a lane waits; empty when none does.
  std::string waiting();

 private:
  Status read_and_dispatch(std::stop_token stop);
  Status dispatch(const model::ChangeBatch& changes, const spool::Place& after,
                  std::stop_token stop);
  // Lanes without changes of their own store the place too, so that the spool can forget.
  Status touch(std::stop_token stop);
  Status push(Lane& lane, std::unique_ptr<LaneBatch> batch, std::stop_token stop);
  Status release();
  bool reached(const Lane& lane, const spool::Place& after) const;

  target::Target& target_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  Journal& journal_;
  spool::Spool& spool_;
  const FollowOptions options_;
  KeyWatch watch_;
  std::vector<std::unique_ptr<Lane>> lanes_;  // constant after begin()
  std::vector<spool::Place> resumed_;         // per lane: what was stored when we began
  Preparer preparer_;                         // of run()'s own thread
  io::Clock::Steady last_touch_;
  std::mutex mutex_;
  spool::Place dispatched_;  // guarded by mutex_; all before it has been handed to the lanes
};

}  // namespace offramp::migrate::follow
