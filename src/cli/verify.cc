// `offramp verify`: both sides compared; exit 1 when they differ.
#include "migrate/verify/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/signals.h"
#include "cli/verdict.h"
#include "io/clock.h"
#include "migrate/live/requests.h"
#include "migrate/migration.h"
#include "migrate/run/run.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string plan;
  uint64_t sample = 0;
  bool repair = false, json = false, quiet = false, continuous = false;
  int jobs = 0, pause_s = 10;
  double read_units = 0;  // 0: the plan's limit
};

int print_report(const migrate::verify::Report& report, const std::string& folder,
                 const Options& options) {
  print_verdict(report, folder);
  if (report.letters_open)
    fmt::print("dead letters: {} open; look with `offramp letters {} list`\n",
               with_commas(report.letters_open), options.plan);
  return report.equal && report.letters_open == 0 ? 0 : 1;
}

// The process that runs the migration compares, since changes go on while it does.
Result<int> ask_running_process(const Options& options, std::stop_token stop) {
  std::string folder = migrate::Workspace::folder_of(options.plan);
  auto journal = TRY(migrate::Journal::open(folder, migrate::Journal::Open::kExisting));
  nlohmann::json arguments = {{"threads", options.jobs > 0 ? options.jobs : 1},
                              {"sample", options.sample},
                              {"repair", options.repair},
                              {"read_units_per_second", options.read_units}};
  std::string answer =
      TRY(migrate::live::ask_running(*journal, "verify", arguments.dump(), stop,
                                     [&] { return migrate::Workspace::is_held(options.plan); }));
  auto report = TRY(migrate::verify::parse_report(answer));
  if (!options.json) return print_report(report, folder, options);
  fmt::print("{}\n", answer);
  return report.equal && report.letters_open == 0 ? 0 : 1;
}

Result<int> verify_once(const Options& options, std::stop_token stop) {
  auto opened = migrate::open_migration(options.plan, migrate::Purpose::kWork);
  if (!opened.ok() && opened.error().code() == "workspace.busy") {
    auto plan = TRY(migrate::plan::read_plan(options.plan));
    if (plan.source.capture != "none") return ask_running_process(options, stop);
  }
  auto migration = TRY(std::move(opened));
  migrate::Progress progress(options.quiet ? migrate::Progress::Mode::kQuiet
                                           : migrate::Progress::detect());
  migrate::verify::Options verify_options;
  verify_options.threads =
      options.jobs > 0 ? options.jobs : migration->target->capabilities().loaders_default;
  if (options.sample) verify_options.sample = options.sample;
  verify_options.repair = options.repair;
  verify_options.stop = stop;
  std::optional<migrate::verify::Report> report;
  if (migration->plan.source.capture == "none") {
    report = TRY(migrate::verify::verify(*migration, progress, verify_options));
  } else {
    // Nobody follows the table: catch up first, and go on following while it is compared.
    if (!TRY(migration->journal->fact("loaded")))
      return Error(ErrorKind::kConfig, "verify.not_loaded",
                   "the load has not finished; finish it with `offramp run " + options.plan + "`");
    migrate::RunOptions run_options;
    run_options.until = migrate::Until::kCaughtUp;
    run_options.stop = stop;
    run_options.when_caught_up = [&](migrate::live::Live& live) -> Status {
      live.set_phase("verifying");
      report = TRY(live.verify(progress, verify_options, options.read_units));
      return {};
    };
    TRY(migrate::run(*migration, progress, run_options));
    if (!report)
      return Error(ErrorKind::kCancelled, "verify.stopped",
                   "stopped by a signal before there was a verdict");
  }
  if (!options.json) return print_report(*report, migration->folder, options);
  fmt::print("{}\n", migrate::verify::report_json(*report, *migration));
  return report->equal && report->letters_open == 0 ? 0 : 1;
}

// Each move of a plan, one after the other; one that cannot be compared does not keep the others
// from it.
Result<int> verify_all(const Options& options, const std::vector<std::string>& plans,
                       std::stop_token stop) {
  if (plans.size() == 1) {
    Options one = options;
    one.plan = plans[0];
    return verify_once(one, stop);
  }
  int code = 0;
  for (const std::string& plan : plans) {
    if (stop.stop_requested()) break;
    Options one = options;
    one.plan = plan;
    if (!options.json) fmt::print("{}{}\n", plan == plans.front() ? "" : "\n", plan);
    auto verified = verify_once(one, stop);
    if (!verified.ok()) print_error(Error(verified.error()).with_context(plan));
    code = std::max(code, verified.ok() ? *verified : base::exit_code(verified.error().kind()));
    std::fflush(stdout);
  }
  return code;
}

Result<int> verify_command(const Options& options) {
  StopOnSignal signals;
  const auto plans = TRY(migrate::plan::plan_names(options.plan));
  int code = TRY(verify_all(options, plans, signals.token()));
  auto one_is_held = [&] {
    return std::any_of(plans.begin(), plans.end(), migrate::Workspace::is_held);
  };
  while (options.continuous && one_is_held() && !signals.token().stop_requested()) {
    std::fflush(stdout);
    if (!io::system_clock().sleep(std::chrono::seconds(options.pause_s), signals.token())) break;
    code = std::max(code, TRY(verify_all(options, plans, signals.token())));
  }
  return code;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("verify", "Compare both sides in full, in both directions");
  command->footer(
      "Exit code 0: equal; 1: differences (see PLAN.offramp/verify-report.md) or open dead "
      "letters.\n"
      "While `offramp run` follows the table, that process compares: a difference counts only when "
      "it outlives\n"
      "every change that could explain it.\n"
      "Example:\n  offramp verify plan.yaml\n  offramp verify plan.yaml --sample 10000\n"
      "  offramp verify plan.yaml --repair");
  command->add_option("plan", options->plan, kPlanHelp)->required();
  auto* sample =
      command
          ->add_option(
              "--sample", options->sample,
              "look up only about N items of the source at the target (finds no extra items)")
          ->check(CLI::Range(1, 1'000'000'000));
  command
      ->add_flag("--repair", options->repair,
                 "make differing keys at the target what the source says, then compare again")
      ->excludes(sample);
  command->add_flag("--continuous", options->continuous,
                    "again and again while `offramp run` follows the table");
  command
      ->add_option("--pause", options->pause_s,
                   "with --continuous: seconds between two comparisons")
      ->check(CLI::Range(0, 86'400))
      ->capture_default_str();
  command
      ->add_option(
          "--read-units", options->read_units,
          "read units a second that comparing a live table may take (default: the plan's limit)")
      ->check(CLI::Range(1.0, 1e9));
  command->add_option("-j,--jobs", options->jobs, "threads (default: what suits the target)")
      ->check(CLI::Range(1, 64));
  command->add_flag("--json", options->json, "print the report as JSON");
  command->add_flag("-q,--quiet", options->quiet, "no progress on stderr");
  command->callback(
      [options, &action] { action = [options] { return verify_command(*options); }; });
}

}  // namespace offramp::cli
