// `offramp verify`: both sides compared; exit 1 when they differ.
#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/signals.h"
#include "cli/verdict.h"
#include "migrate/migration.h"
#include "migrate/verify/verify.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string plan;
  uint64_t sample = 0;
  bool repair = false, json = false, quiet = false;
  int jobs = 0;
};

Result<int> verify_command(const Options& options) {
  StopOnSignal signals;
  auto migration = TRY(migrate::open_migration(options.plan, migrate::Purpose::kWork));
  migrate::Progress progress(options.quiet ? migrate::Progress::Mode::kQuiet : migrate::Progress::detect());
  migrate::verify::Options verify_options;
  verify_options.threads = options.jobs > 0 ? options.jobs : migration->target->capabilities().loaders_default;
  if (options.sample) verify_options.sample = options.sample;
  verify_options.repair = options.repair;
  verify_options.stop = signals.token();
  auto report = TRY(migrate::verify::verify(*migration, progress, verify_options));
  if (options.json)
    fmt::print("{}\n", migrate::verify::report_json(report, *migration));
  else
    print_verdict(report, migration->folder);
  if (!options.json && report.letters_open)
    fmt::print("dead letters: {} open; look with `offramp letters {} list`\n", with_commas(report.letters_open), options.plan);
  return report.equal && report.letters_open == 0 ? 0 : 1;
}

}  // namespace

void add_verify(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("verify", "Compare both sides in full, in both directions");
  command->footer("Exit code 0: equal; 1: differences (see PLAN.offramp/verify-report.md) or open dead letters.\n"
                  "Example:\n  offramp verify plan.yaml\n  offramp verify plan.yaml --sample 10000\n"
                  "  offramp verify plan.yaml --repair");
  command->add_option("plan", options->plan, "the plan file")->required();
  auto* sample = command->add_option("--sample", options->sample,
                                     "look up only about N items of the source at the target (finds no extra items)")
                     ->check(CLI::Range(1, 1'000'000'000));
  command->add_flag("--repair", options->repair, "make differing keys at the target what the source says, then compare again")
      ->excludes(sample);
  command->add_option("-j,--jobs", options->jobs, "threads (default: what suits the target)")->check(CLI::Range(1, 64));
  command->add_flag("--json", options->json, "print the report as JSON");
  command->add_flag("-q,--quiet", options->quiet, "no progress on stderr");
  command->callback([options, &action] { action = [options] { return verify_command(*options); }; });
}

}  // namespace offramp::cli
