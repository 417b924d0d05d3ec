// `offramp run`: what happened, in numbers that a person can check.
#include "migrate/run/run.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/fidelity_table.h"
#include "cli/signals.h"
#include "cli/verdict.h"
#include "migrate/live_state.h"
#include "migrate/metrics/endpoint.h"
#include "migrate/plan/plan_name.h"
#include "migrate/run/run_moves.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string plan;
  std::string until;
  std::string metrics;  // empty: not served
  int jobs = 0;
  size_t loads = migrate::kLoadsAtOnce;
  bool json = false;
  bool quiet = false;
  bool enable_stream = false;
  bool repair_gap = false;
};

// `table`: of one of several moves; else empty.
void print_json(const migrate::RunOutcome& outcome, const migrate::Migration& migration,
                const std::string& table = {}) {
  const migrate::LoadCounts& counts = outcome.load.counts;
  std::string rows;
  for (const auto& [table, count] : outcome.rows)
    rows += fmt::format("{}{}:{}", rows.empty() ? "" : ",", json_quoted(table), count);
  fmt::print(
      "{{{}\"already_loaded\":{},\"records\":{},\"stored\":{},\"overflow\":{},\"skipped\":{},"
      "\"refused\":{},"
      "\"identical_copies_removed\":{},\"rows\":{{{}}},\"letters_open\":{},\"letters_waived\":{},"
      "\"seconds\":{:.3f}{}{}}}\n",
      table.empty() ? "" : "\"table\":" + json_quoted(table) + ",", outcome.already_loaded,
      outcome.load.records, counts.stored, counts.overflow, counts.skipped, counts.refused,
      outcome.identical_copies_removed, rows, outcome.letters.open, outcome.letters.waived,
      outcome.seconds, outcome.live ? ",\"live\":" + migrate::live_state_json(*outcome.live) : "",
      outcome.verified
          ? ",\"verified\":" + migrate::verify::report_json(*outcome.verified, migration)
          : "");
}

void print_live(const migrate::LiveState& live, const migrate::RunOutcome& outcome,
                const std::string& plan) {
  fmt::print("changes: {} captured ({} deletions, {} of them by TTL), {} applied in this run\n",
             with_commas(live.captured), with_commas(live.deletions),
             with_commas(live.ttl_deletions), with_commas(live.applied));
  if (auto lag = live.lag_ms(); lag && !outcome.stopped)
    fmt::print("lag: {:.1f} s\n", static_cast<double>(*lag) / 1000);
  if (outcome.stopped)
    fmt::print(
        "stopped by a signal; everything is kept. Go on with `offramp run {}` before the stream's "
        "records expire\n",
        plan);
}

void print_text(const migrate::RunOutcome& outcome, const migrate::Migration& migration,
                const Options& options) {
  const std::string plan = migration.plan.name();
  for (const std::string& remark : outcome.remarks) fmt::print("note: {}\n", remark);
  fmt::print("target: {}\n", migration.target->description());
  if (outcome.already_loaded) {
    fmt::print("load: had already finished; nothing was loaded again\n");
  } else {
    const migrate::LoadCounts& counts = outcome.load.counts;
    fmt::print("load: {} records read, {} items stored", with_commas(outcome.load.records),
               with_commas(counts.stored));
    if (counts.overflow)
      fmt::print(" ({} whole in the overflow table: their keys do not fit an index)",
                 with_commas(counts.overflow));
    if (counts.skipped) fmt::print(", {} skipped as planned", with_commas(counts.skipped));
    if (counts.refused) fmt::print(", {} refused (dead letters)", with_commas(counts.refused));
    if (outcome.identical_copies_removed)
      fmt::print(", {} identical copies of a key removed",
                 with_commas(outcome.identical_copies_removed));
    fmt::print("\n");
  }
  size_t width = 0;
  for (const auto& [table, count] : outcome.rows) width = std::max(width, table.size());
  for (const auto& [table, count] : outcome.rows)
    fmt::print("  {:<{}}  {:>12} rows\n", table, width, with_commas(count));
  print_extra_share(outcome.load.fates);
  if (outcome.letters.open)
    fmt::print("dead letters: {} open; look with `offramp letters {} list`\n",
               with_commas(outcome.letters.open), plan);
  if (outcome.gap_repaired)
    fmt::print("gap: repaired, {} keys made equal\n", with_commas(outcome.gap_repaired));
  if (outcome.live) print_live(*outcome.live, outcome, options.plan);
  if (outcome.verified) print_verdict(*outcome.verified, migration.folder);
  fmt::print("done in {:.1f} s\n", outcome.seconds);
}

int exit_code_of(const migrate::RunOutcome& outcome) {
  bool differs = outcome.verified && !outcome.verified->equal;
  return differs || outcome.letters.open > 0 ? 1 : 0;
}

void print_failure(const Error& error, const std::string& table, const Options& options) {
  print_error(Error(error).with_context(table));
  if (options.json)
    fmt::print("{{\"table\":{},\"error\":{{\"kind\":\"{}\",\"code\":{},\"message\":{}}}}}\n",
               json_quoted(table), base::error_kind_name(error.kind()), json_quoted(error.code()),
               json_quoted(error.message()));
}

// The moves of a plan, side by side. What became of each is told at the end, in the order of the
// plan.
Result<int> run_several(const migrate::plan::PlanFile& file, const migrate::RunOptions& run_options,
                        StopOnSignal& signals, const Options& options) {
  std::vector<migrate::MoveResult> results;
  {
    migrate::ProgressBoard board(options.quiet ? migrate::Progress::Mode::kQuiet
                                               : migrate::Progress::detect());
    StopOnSignal::Listener said(signals,
                                [&](const std::string& sentence) { board.say("", sentence); });
    results = TRY(migrate::run_moves(file, board, run_options, options.loads,
                                     [](const migrate::MoveResult&) {}));
  }
  int code = 0;
  for (const migrate::MoveResult& move : results) {
    if (!move.outcome.ok()) {
      code = std::max(code, base::exit_code(move.outcome.error().kind()));
      print_failure(move.outcome.error(), move.table, options);
      continue;
    }
    code = std::max(code, exit_code_of(*move.outcome));
    if (options.json) {
      print_json(*move.outcome, *move.migration, move.table);
    } else {
      fmt::print("{}{}\n", &move == results.data() ? "" : "\n", move.table);
      print_text(*move.outcome, *move.migration, options);
    }
  }
  return code;
}

// The table has no stream: a person at a terminal is asked whether to switch it on. Without one, or
// without a yes, no.
bool is_to_enable_stream(const Error& error, std::stop_token stop) {
  if (error.code() != "streams.none" || !::isatty(0) || !::isatty(2)) return false;
  std::fprintf(
      stderr,
      "%s\nSwitch it on now (NEW_AND_OLD_IMAGES)? It is a change of the table's settings. [y/N] ",
      error.message().c_str());
  pollfd input{.fd = 0, .events = POLLIN, .revents = 0};
  while (!stop.stop_requested()) {
    if (::poll(&input, 1, 200) == 0) continue;
    char answer = 0;
    if (::read(0, &answer, 1) != 1) return false;
    return answer == 'y' || answer == 'Y';
  }
  return false;
}

Result<int> run_command(const Options& options) {
  StopOnSignal signals;
  const auto name = migrate::plan::PlanName::parse(options.plan);
  const auto file = TRY(migrate::plan::read_plan_file(name.path));
  TRY(migrate::check_names_of_moves(file));
  migrate::RunOptions run_options;
  migrate::metrics::Metrics metrics;
  std::unique_ptr<migrate::metrics::Endpoint> endpoint;
  if (!options.metrics.empty()) {
    endpoint = TRY(migrate::metrics::Endpoint::open(options.metrics, metrics));
    if (!options.quiet)
      migrate::Progress(migrate::Progress::detect())
          .say("metrics: " + endpoint->url() + "/metrics");
    run_options.metrics = &metrics;
  }
  run_options.until = options.until == "loaded"      ? migrate::Until::kLoaded
                      : options.until == "caught-up" ? migrate::Until::kCaughtUp
                      : options.until == "verified"  ? migrate::Until::kVerified
                                                     : migrate::Until::kStopped;
  run_options.enable_stream = options.enable_stream;
  run_options.repair_gap = options.repair_gap;
  run_options.loaders = options.jobs;
  run_options.stop = signals.token();
  if (file.several && name.table.empty()) return run_several(file, run_options, signals, options);
  auto migration = TRY(migrate::open_migration(options.plan, migrate::Purpose::kRun));
  migrate::Progress progress(options.quiet ? migrate::Progress::Mode::kQuiet
                                           : migrate::Progress::detect());
  auto ended = migrate::run(*migration, progress, run_options);
  if (!ended.ok() && is_to_enable_stream(ended.error(), run_options.stop)) {
    run_options.enable_stream = true;
    ended = migrate::run(*migration, progress, run_options);
  }
  auto outcome = TRY(std::move(ended));
  if (options.json)
    print_json(outcome, *migration);
  else
    print_text(outcome, *migration, options);
  return exit_code_of(outcome);
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("run", "Capture, load, follow, verify; resumable by the same command");
  command->footer(
      "Run it again after any interruption: it goes on at the newest checkpoint, and the result is "
      "the same.\n"
      "With `capture: streams` it captures changes from before the load on, and then follows the "
      "table until a signal\n"
      "comes (SIGINT, SIGTERM: exit 0). Without it it loads and verifies.\n"
      "The moves of a plan with `moves` run side by side; one that fails does not stop the "
      "others.\n"
      "Example:\n  offramp run plan.yaml\n  offramp run plan.yaml --until loaded\n"
      "  offramp run plan.yaml --until verified --enable-stream\n"
      "  offramp run plan.yaml::Orders");
  command->add_option("plan", options->plan, kPlanHelp)->required();
  command
      ->add_option("--until", options->until,
                   "stop after this phase (default: never while there are changes to follow)")
      ->check(CLI::IsMember({"loaded", "caught-up", "verified"}));
  command->add_flag("--enable-stream", options->enable_stream,
                    "switch the table's stream on when it has none (at a terminal it asks)");
  command->add_flag("--repair-gap", options->repair_gap,
                    "after a gap: capture anew, compare both sides, make the target equal, go on");
  command->add_option(
      "--metrics", options->metrics,
      "serve /metrics (Prometheus) and /healthz at this address and port; a port alone: 127.0.0.1");
  command
      ->add_option("-j,--jobs", options->jobs, "parallel loaders (default: what suits the target)")
      ->check(CLI::Range(1, 64));
  command
      ->add_option("--loads", options->loads,
                   "of a plan's moves, so many load at the same time; the others wait, captured")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--json", options->json, "print the result as JSON, one line per move");
  command->add_flag("-q,--quiet", options->quiet, "no progress on stderr");
  command->callback([options, &action] { action = [options] { return run_command(*options); }; });
}

}  // namespace offramp::cli
