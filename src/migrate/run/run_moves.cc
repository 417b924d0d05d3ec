#include "migrate/run/run_moves.h"

#include <fmt/format.h>

#include <map>
#include <thread>

#include "base/ascii.h"
#include "migrate/workers.h"

namespace offramp::migrate {
namespace {

// What all moves share.
class Moves {
 public:
  Moves(const plan::PlanFile& file, ProgressBoard& board, const RunOptions& options,
        size_t loads_at_once, const std::function<void(const MoveResult&)>& ended)
      : file_(file),
        board_(board),
        options_(options),
        gate_(file.moves.size(), loads_at_once),
        ended_(ended) {}

  Status open_budgets();
  std::vector<MoveResult> run();

 private:
  void run_one(size_t place, Progress& progress, MoveResult& result);
  Result<RunOutcome> run_phases(size_t place, Progress& progress, MoveResult& result);

  const plan::PlanFile& file_;
  ProgressBoard& board_;
  RunOptions options_;  // constant once the moves run
  LoadGate gate_;
  const std::function<void(const MoveResult&)>& ended_;
  std::mutex mutex_;  // held while ended_ is called
};

Status Moves::open_budgets() {
  if (file_.limits == plan::LimitsSpec{}) return {};
  source::scan::ScanOptions limits = scan_options(file_.moves[0]);
  options_.load_budget = TRY(source::scan::open_read_budget(limits));
  // Comparing keeps to the limits, but not to the hours of the load.
  limits.window.clear();
  options_.compare_budget = TRY(source::scan::open_read_budget(limits));
  return {};
}

Result<RunOutcome> Moves::run_phases(size_t place, Progress& progress, MoveResult& result) {
  LoadGate::Ticket ticket(gate_, place);
  result.migration = TRY(open_migration(file_.moves[place].name(), Purpose::kRun));
  RunOptions options = options_;
  options.ticket = &ticket;
  return migrate::run(*result.migration, progress, options);
}

void Moves::run_one(size_t place, Progress& progress, MoveResult& result) {
  try {
    result.outcome = run_phases(place, progress, result);
  } catch (...) {
    result.outcome = error_of(std::current_exception());
  }
  progress.end();
  if (result.outcome.ok()) {
    result.migration->workspace.reset();
    progress.rest("done");
  } else {
    const Error& error = result.outcome.error();
    // So that this one can be repaired while the others go on.
    result.migration.reset();
    progress.say(fmt::format("error: {} [{}]", error.message(), error.code()));
    progress.rest("failed: " + error.code());
    // Also what failed before there was anything to measure.
    if (options_.metrics) options_.metrics->add_failed(result.table, error.message());
  }
  std::lock_guard lock(mutex_);
  ended_(result);
}

std::vector<MoveResult> Moves::run() {
  std::vector<MoveResult> results(file_.moves.size());
  std::vector<std::unique_ptr<Progress>>
      lines;  // on the board in the plan's order, until all have ended
  for (size_t place = 0; place < results.size(); ++place) {
    results[place].table = file_.moves[place].move;
    lines.push_back(std::make_unique<Progress>(board_, results[place].table));
  }
  std::vector<std::jthread> threads;
  for (size_t place = 0; place < results.size(); ++place)
    threads.emplace_back(
        [this, place, &lines, &results] { run_one(place, *lines[place], results[place]); });
  threads.clear();  // joins
  return results;
}

}  // namespace

Status check_names_of_moves(const plan::PlanFile& file) {
  if (!file.several) return {};
  const target::Entry* entry = TRY(target::find_entry(plan::resolve_target(file.moves[0])));
  std::map<std::string, const plan::Plan*> owners;
  for (const plan::Plan& move : file.moves) {
    auto mapping = mapping::CompiledMapping::compile(move.tables, move.source.key,
                                                     entry->capabilities().limits, move.move);
    if (!mapping.ok()) continue;
    auto claim = [&](const std::string& what, const std::string& name) -> Status {
      auto [other, fresh] = owners.emplace(base::lowered(name), &move);
      if (fresh || other->second == &move) return {};
      return Error(ErrorKind::kConfig, "plan.names",
                   fmt::format("{}: the moves of {} and {} both make {} '{}' at the target; name "
                               "it otherwise in one of them",
                               file.path, other->second->move, move.move, what, name));
    };
    for (const mapping::Table& table : (*mapping)->tables()) {
      TRY(claim("a table", table.name));
      for (const mapping::Index& index : table.indexes) TRY(claim("an index", index.name));
    }
  }
  return {};
}

Result<std::vector<MoveResult>> run_moves(const plan::PlanFile& file, ProgressBoard& board,
                                          const RunOptions& options, size_t loads_at_once,
                                          const std::function<void(const MoveResult&)>& ended) {
  TRY(check_names_of_moves(file));
  const target::Entry* entry = TRY(target::find_entry(plan::resolve_target(file.moves[0])));
  Moves moves(file, board, options, entry->capabilities().one_writer ? 1 : loads_at_once, ended);
  TRY(moves.open_budgets());
  return moves.run();
}

}  // namespace offramp::migrate
