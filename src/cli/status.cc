// `offramp status`: where a migration stands, once or every second.
#include "migrate/status.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "io/wall_ms.h"

namespace offramp::cli {
namespace {

struct Options {
  std::string plan;
  bool json = false, watch = false;
};

std::string seconds_text(int64_t ms) {
  return fmt::format("{:.1f} s", static_cast<double>(ms) / 1000);
}

void print_live(const migrate::MigrationStatus& status) {
  if (!status.gap.empty()) fmt::print("gap      {}\n", status.gap);
  if (!status.live) return;
  const migrate::LiveState& live = *status.live;
  int64_t now = io::wall_ms(io::system_clock());
  if (!status.running) {
    fmt::print("capture  stopped {} ago\n", seconds_text(now - live.at_ms));
  } else if (now - live.at_ms > 10'000) {
    fmt::print("capture  the process says nothing since {}: look at it\n",
               seconds_text(now - live.at_ms));
  } else {
    auto lag = live.lag_ms();
    fmt::print("lag      {}\n", lag ? seconds_text(*lag) : "not known yet");
  }
  fmt::print("changes  {} captured ({} deletions, {} by TTL), {} applied since the process began\n",
             with_commas(live.captured), with_commas(live.deletions),
             with_commas(live.ttl_deletions), with_commas(live.applied));
  fmt::print("spool    {:.1f} MB, {} changes in the log, about {} keys folded\n",
             static_cast<double>(live.spool_bytes) / 1e6, with_commas(live.spool_changes),
             with_commas(live.spool_keys));
  fmt::print("shards   {} known, {} open\n", live.shards, live.shards_open);
  if (std::string expiry = migrate::expiry_text(status, now); !expiry.empty())
    fmt::print("expiry   {}\n", expiry);
  if (!live.waiting.empty()) fmt::print("waiting  {}\n", live.waiting);
}

void print_text(const migrate::MigrationStatus& status, const std::string& plan) {
  fmt::print("plan     {}\n", plan);
  if (!status.target.empty()) fmt::print("target   {}\n", status.target);
  fmt::print("phase    {}{}\n", migrate::phase_name(status.phase),
             status.running ? " (a process is at work)" : "");
  if (!status.partitions.empty()) {
    fmt::print("records  {}", with_commas(status.records));
    if (status.records_total) {
      fmt::print(" of {}", with_commas(*status.records_total));
      if (*status.records_total)
        fmt::print(" ({:.0f} %)", 100.0 * static_cast<double>(status.records) /
                                      static_cast<double>(*status.records_total));
    }
    fmt::print(" in {} of {} partitions done\n", status.partitions_done, status.partitions.size());
    fmt::print("items    {} stored, {} skipped, {} refused\n", with_commas(status.counts.stored),
               with_commas(status.counts.skipped), with_commas(status.counts.refused));
  }
  if (status.captures) print_live(status);
  if (status.letters.open + status.letters.waived + status.letters.applied)
    fmt::print("letters  {} open, {} waived, {} applied\n", with_commas(status.letters.open),
               with_commas(status.letters.waived), with_commas(status.letters.applied));
  if (!status.verified.empty()) fmt::print("verified {}\n", status.verified);
  fmt::print("resume   ");
  for (size_t i = 0; i < status.resume.size(); ++i)
    fmt::print("{}{}\n", i ? "         " : "", status.resume[i]);
}

// How far a plan was at the last look.
struct Before {
  uint64_t records = 0;
  std::chrono::steady_clock::time_point at;
};

void print_rate(const migrate::MigrationStatus& status, const Before& before) {
  if (status.records <= before.records) return;
  double rate = static_cast<double>(status.records - before.records) /
                std::chrono::duration<double>(std::chrono::steady_clock::now() - before.at).count();
  fmt::print("rate     {} records/s", with_commas(static_cast<uint64_t>(rate)));
  if (status.records_total && *status.records_total > status.records)
    fmt::print(", about {:.0f} s left",
               static_cast<double>(*status.records_total - status.records) / rate);
  fmt::print("\n");
}

// What is known of one plan; true while a look in a second may find something else.
Result<bool> print_one(const std::string& plan, const Options& options,
                       std::map<std::string, Before>& before) {
  auto status = TRY(migrate::read_status(plan));
  if (options.json) {
    fmt::print("{}\n", migrate::status_json(status, plan));
  } else {
    print_text(status, plan);
    if (auto last = before.find(plan); last != before.end()) print_rate(status, last->second);
    before[plan] = {status.records, std::chrono::steady_clock::now()};
  }
  bool ended =
      status.phase == migrate::Phase::kVerified || status.phase == migrate::Phase::kDiffers;
  return !ended || status.running;
}

Result<int> status_command(const Options& options) {
  std::map<std::string, Before> before;
  for (;;) {
    // Read each time: moves may be added while others run.
    const auto plans = TRY(migrate::plan::plan_names(options.plan));
    bool changing = false;
    int code = 0;
    if (!options.json && options.watch && ::isatty(1)) fmt::print("\033[H\033[2J");
    for (const std::string& plan : plans) {
      if (!options.json && plan != plans.front()) fmt::print("\n");
      auto one = print_one(plan, options, before);
      if (!one.ok() && plans.size() == 1) return std::move(one).error();
      if (!one.ok()) print_error(Error(one.error()).with_context(plan));
      if (!one.ok()) code = std::max(code, base::exit_code(one.error().kind()));
      changing = changing || !one.ok() || *one;
    }
    std::fflush(stdout);
    if (!options.watch || !changing) return code;
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

}  // namespace

void add_status(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("status", "Phase, progress, dead letters, and what a resume would redo");
  command->footer(
      "Example:\n  offramp status plan.yaml\n  offramp status plan.yaml::Orders\n  offramp status "
      "plan.yaml --watch\n  offramp status plan.yaml --json");
  command->add_option("plan", options->plan, kPlanHelp)->required();
  command->add_flag("--watch", options->watch,
                    "again every second until the migration is verified");
  command->add_flag("--json", options->json, "one JSON line per move");
  command->callback(
      [options, &action] { action = [options] { return status_command(*options); }; });
}

}  // namespace offramp::cli
