// The moves of one plan, side by side in one process.
//
// Every capture begins at once; loads wait until all of them stand, and then for their turn
// (load_gate.h). All loads share one read budget, and all comparisons another, where the plan has
// limits of its own. A move that fails is said at once, lets go of its lock, and does not stop the
// others.
//
// Threads: one per move, besides those of its own; `ended` is called by one of them at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/migration.h"
#include "migrate/plan/plan.h"
#include "migrate/progress_board.h"
#include "migrate/run/run.h"

namespace offramp::migrate {

constexpr size_t kLoadsAtOnce = 2;

struct MoveResult {
  std::string table;
  std::unique_ptr<Migration> migration;  // empty after a failure; without its lock
  Result<RunOutcome> outcome = Error(ErrorKind::kCancelled, "run.not_begun", "it was not begun");
};

// `options`: for each of them alike. `ended`: as soon as a move has ended. Gives them in the order
// of the plan.
Result<std::vector<MoveResult>> run_moves(const plan::PlanFile& file, ProgressBoard& board,
                                          const RunOptions& options, size_t loads_at_once,
                                          const std::function<void(const MoveResult&)>& ended);

// Tables and indexes of different moves that would have the same name at the target (kConfig).
// Moves that do not compile are passed over: they are refused by themselves.
Status check_names_of_moves(const plan::PlanFile& file);

}  // namespace offramp::migrate
