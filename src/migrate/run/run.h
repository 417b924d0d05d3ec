// `offramp run`: capture, load, finish, follow, verify; resumable at any instant by the same
// command (C9).
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/live/live.h"
#include "migrate/live_state.h"
#include "migrate/load.h"
#include "migrate/metrics/metrics.h"
#include "migrate/migration.h"
#include "migrate/progress.h"
#include "migrate/run/load_gate.h"
#include "migrate/verify/verify.h"

namespace offramp::migrate {

// kStopped: follows until a signal comes (with `capture: streams`; without it there is nothing to
// follow).
enum class Until { kLoaded, kCaughtUp, kVerified, kStopped };

struct RunOptions {
  Until until = Until::kVerified;
  int loaders = 0;  // 0: what the target says
  std::stop_token stop;
  bool enable_stream = false;
  bool repair_gap = false;
  // Of several moves that run side by side (run_moves.h); empty: this one is alone.
  LoadGate::Ticket* ticket = nullptr;
  std::shared_ptr<source::scan::ReadBudget> load_budget, compare_budget;
  // Called once the follower has caught up, before a verification (with `capture: streams`).
  std::function<Status(live::Live&)> when_caught_up;
  metrics::Metrics* metrics = nullptr;  // told of this table while it runs
};

struct RunOutcome {
  bool already_loaded = false;  // an earlier run had finished the load
  LoadOutcome load;
  uint64_t identical_copies_removed = 0;
  uint64_t keys_in_two_tables = 0;  // of which one image stayed, the others are dead letters
  std::vector<std::pair<std::string, uint64_t>> rows;  // per table
  Journal::LetterCounts letters;
  std::optional<verify::Report> verified;
  std::optional<LiveState>
      live;              // with `capture: streams`: where capture and follower stood at the end
  bool stopped = false;  // a signal ended it
  uint64_t gap_repaired = 0;  // keys that were made equal
  std::vector<std::string> remarks;
  double seconds = 0;
};

Result<RunOutcome> run(Migration& migration, Progress& progress, const RunOptions& options);

}  // namespace offramp::migrate
