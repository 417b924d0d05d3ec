// `offramp letters`: what was refused, whole, with its reason; retried or waived by a person.
#include "migrate/letters.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/signals.h"
#include "migrate/live/requests.h"
#include "migrate/migration.h"
#include "migrate/plan/plan_name.h"
#include "migrate/run/run.h"
#include "migrate/workspace.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string plan, because;
  std::vector<int64_t> ids;
  bool json = false, all = false;
};

// Letters live in the journal alone: no connection to the target is needed to look at them.
Result<std::unique_ptr<migrate::Journal>> open_journal(const Options& options) {
  auto journal = migrate::Journal::open(migrate::Workspace::folder_of(options.plan),
                                        migrate::Journal::Open::kExisting);
  if (journal.ok() || journal.error().code() != "journal.none") return journal;
  TRY(migrate::plan::read_plan(options.plan));  // a mistyped path or a broken plan is said first
  return Error(ErrorKind::kConfig, "journal.none",
               options.plan +
                   " has not been run yet, so it has no letters; start it with `offramp run " +
                   options.plan + "`");
}

Error unknown_letter(const Options& options, int64_t id) {
  return Error(ErrorKind::kConfig, "letters.unknown",
               fmt::format("there is no letter {}; `offramp letters {} list` shows their numbers",
                           id, options.plan));
}

// `move`: of one of several; else empty.
std::string letter_json(const migrate::Letter& letter, const std::string& move) {
  return fmt::format(
      "{{{}\"id\":{},\"state\":\"{}\",\"code\":{},\"reason\":{},\"partition\":{},\"record\":{},"
      "\"key\":{},"
      "\"waived_because\":{}}}",
      move.empty() ? "" : "\"table\":" + json_quoted(move) + ",", letter.id,
      migrate::letter_state_name(letter.state), json_quoted(letter.code),
      json_quoted(letter.reason), json_quoted(letter.partition), letter.ordinal,
      letter.key_json.empty() ? "null" : letter.key_json,
      letter.waived_because.empty() ? "null" : json_quoted(letter.waived_because));
}

// `move`: empty unless the plan has several.
Result<int> list_one(const Options& options, const std::string& move) {
  auto journal = TRY(open_journal(options));
  uint64_t open = 0;
  for (const migrate::Letter& letter : TRY(journal->letters(migrate::Journal::Bodies::kWithout))) {
    open += letter.state == migrate::LetterState::kOpen;
    if (options.json) {
      fmt::print("{}\n", letter_json(letter, move));
      continue;
    }
    fmt::print("{:>6}  {:<7}  {}  {}\n        {} [{}]\n", letter.id,
               migrate::letter_state_name(letter.state),
               letter.key_json.empty()
                   ? fmt::format("record {} of {}", letter.ordinal, letter.partition)
                   : letter.key_json,
               letter.waived_because.empty() ? "" : "waived: " + letter.waived_because,
               letter.reason, letter.code);
  }
  if (!options.json) fmt::print("{} open\n", with_commas(open));
  return open > 0 ? 1 : 0;
}

Result<int> list_command(const Options& options) {
  // Letters can be listed whatever has become of the plan.
  auto named = migrate::plan::plan_names(options.plan);
  const std::vector<std::string> plans =
      named.ok() ? std::move(named).value() : std::vector<std::string>{options.plan};
  int code = 0;
  for (const std::string& plan : plans) {
    Options one = options;
    one.plan = plan;
    const std::string move = migrate::plan::PlanName::parse(plan).table;
    if (plans.size() > 1 && !options.json) fmt::print("{}\n", plan);
    auto listed = list_one(one, move);
    // A move that was added later and has not been run yet has none.
    if (!listed.ok() && listed.error().code() == "journal.none" && plans.size() > 1) {
      if (!options.json) fmt::print("not run yet\n");
      continue;
    }
    code = std::max(code, TRY(std::move(listed)));
  }
  return code;
}

Result<int> show_command(const Options& options) {
  auto journal = TRY(open_journal(options));
  for (int64_t id : options.ids) {
    auto letter = TRY(journal->letter(id));
    if (!letter) return unknown_letter(options, id);
    std::fwrite(letter->body.data(), 1, letter->body.size(), stdout);
    std::fputc('\n', stdout);
  }
  return 0;
}

int print_retried(uint64_t applied,
                  const std::vector<std::pair<std::string, std::string>>& refused) {
  fmt::print("{} applied, {} still refused\n", with_commas(applied), with_commas(refused.size()));
  for (const auto& [which, why] : refused) fmt::print("{:>6}  {}\n", which, why);
  return refused.empty() ? 0 : 1;
}

// The process that follows the table owns the order of each key's changes, so it retries.
Result<int> ask_to_retry(const Options& options, std::stop_token stop) {
  auto journal = TRY(open_journal(options));
  nlohmann::json arguments = {{"ids", options.ids}};
  std::string answer =
      TRY(migrate::live::ask_running(*journal, "retry", arguments.dump(), stop,
                                     [&] { return migrate::Workspace::is_held(options.plan); }));
  auto json = nlohmann::json::parse(answer, nullptr, /*allow_exceptions=*/false);
  std::vector<std::pair<std::string, std::string>> refused;
  for (const auto& one : json["still_refused"]) refused.emplace_back(one["key"], one["why"]);
  return print_retried(json["applied"], refused);
}

Result<int> retry_command(const Options& options) {
  StopOnSignal signals;
  auto opened = migrate::open_migration(options.plan, migrate::Purpose::kWork);
  if (!opened.ok() && opened.error().code() == "workspace.busy") {
    auto plan = TRY(migrate::plan::read_plan(options.plan));
    if (plan.source.capture != "none") return ask_to_retry(options, signals.token());
  }
  auto migration = TRY(std::move(opened));
  if (migration->plan.source.capture == "none") {
    auto outcome = TRY(migrate::retry_letters(*migration, options.ids));
    std::vector<std::pair<std::string, std::string>> refused;
    for (const auto& [id, why] : outcome.still_refused)
      refused.emplace_back(std::to_string(id), why);
    return print_retried(outcome.applied, refused);
  }
  // Nobody follows the table: catch up, retry, stop.
  migrate::follow::RefreshOutcome outcome;
  migrate::Progress progress(migrate::Progress::detect());
  migrate::RunOptions run_options;
  run_options.until = migrate::Until::kCaughtUp;
  run_options.stop = signals.token();
  run_options.when_caught_up = [&](migrate::live::Live& live) -> Status {
    outcome = TRY(live.retry_letters(options.ids));
    return {};
  };
  TRY(migrate::run(*migration, progress, run_options));
  return print_retried(outcome.applied, outcome.refused);
}

Result<int> waive_command(const Options& options) {
  TRY(open_journal(options));  // before a folder is made for a plan that was never run
  auto journal = TRY(open_journal(options));
  auto workspace = migrate::Workspace::open_exclusive(options.plan);
  bool running = !workspace.ok() && workspace.error().code() == "workspace.busy";
  if (running && TRY(migrate::plan::read_plan(options.plan)).source.capture == "none")
    return std::move(workspace).error();
  if (!workspace.ok() && !running) return std::move(workspace).error();
  if (!options.all && options.ids.empty())
    return Error(ErrorKind::kConfig, "letters.none_named",
                 "name the letters to waive by their numbers, or all of them by --all");
  if (options.because.empty())
    return Error(ErrorKind::kConfig, "letters.no_reason",
                 "--because is empty; say why these records may stay behind");
  std::vector<int64_t> ids = options.ids;
  if (options.all)
    for (const migrate::Letter& letter : TRY(journal->letters(migrate::Journal::Bodies::kWithout)))
      if (letter.state == migrate::LetterState::kOpen) ids.push_back(letter.id);
  for (int64_t id : ids) {
    auto letter = TRY(journal->letter(id));
    if (!letter) return unknown_letter(options, id);
    if (letter->state == migrate::LetterState::kApplied)
      return Error(
          ErrorKind::kConfig, "letters.applied",
          fmt::format("letter {} has been applied already, so there is nothing to waive", id));
  }
  for (int64_t id : ids) {
    TRY(journal->set_letter_state(id, migrate::LetterState::kWaived, options.because));
  }
  if (running) {
    StopOnSignal signals;
    TRY(migrate::live::ask_running(*journal, "reload", "{}", signals.token(),
                                   [&] { return migrate::Workspace::is_held(options.plan); }));
  }
  fmt::print("{} waived\n", with_commas(ids.size()));
  return 0;
}

}  // namespace

void add_letters(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("letters", "Items that the target could not take, kept whole");
  command->footer(
      "A plan's letters count as differences until they are applied or waived.\n"
      "Example:\n  offramp letters plan.yaml list\n  offramp letters plan.yaml show 3\n"
      "  offramp letters plan.yaml retry\n  offramp letters plan.yaml waive 3 --because \"test "
      "data\"");
  command->require_subcommand(1);
  auto options = std::make_shared<Options>();
  command->add_option("plan", options->plan, kPlanHelp)->required();

  CLI::App* list =
      command->add_subcommand("list", "One letter after the other; exit 1 while one is open");
  list->add_flag("--json", options->json, "one JSON line a letter");
  list->callback([options, &action] { action = [options] { return list_command(*options); }; });

  CLI::App* show = command->add_subcommand("show", "The refused records themselves (item content)");
  show->add_option("ids", options->ids, "letters")->required();
  show->callback([options, &action] { action = [options] { return show_command(*options); }; });

  CLI::App* retry = command->add_subcommand(
      "retry", "Put the items through the mapping again (default: all open ones but duplicates)");
  retry->add_option("ids", options->ids, "letters");
  retry->callback([options, &action] { action = [options] { return retry_command(*options); }; });

  CLI::App* waive = command->add_subcommand("waive", "Say that these records may stay behind");
  auto* ids = waive->add_option("ids", options->ids, "letters");
  waive->add_flag("--all", options->all, "all open letters")->excludes(ids);
  waive->add_option("--because", options->because, "the reason, kept with the letter")->required();
  waive->callback([options, &action] { action = [options] { return waive_command(*options); }; });
}

}  // namespace offramp::cli
