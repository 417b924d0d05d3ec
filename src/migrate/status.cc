// Reading a migration's state, and saying it.
#include "migrate/status.h"

#include <fmt/format.h>

#include <chrono>

#include "ddb/wire_json.h"
#include "io/wall_ms.h"
#include "migrate/progress.h"

namespace offramp::migrate {
namespace {

constexpr int64_t kSilenceMs = 10'000;    // a process says where it stands every second
constexpr int64_t kInSyncLagMs = 60'000;  // more than this is catching up

Phase phase_of(const MigrationStatus& status, bool loaded) {
  if (!status.gap.empty()) return Phase::kGap;
  if (status.captures && loaded) {
    // A verdict is of a moment; what a person wants to know is whether the target keeps up.
    // A process that is gone, or that says nothing, keeps up with nothing.
    bool in_sync = status.running && status.live &&
                   io::wall_ms(io::system_clock()) - status.live->at_ms < kSilenceMs &&
                   status.live->lag_ms().value_or(INT64_MAX) < kInSyncLagMs &&
                   (status.live->phase == "in sync" || status.live->phase == "verifying");
    return in_sync ? Phase::kInSync : Phase::kCatchingUp;
  }
  if (status.captures && status.partitions.empty()) return Phase::kCapturing;
  if (status.verified.starts_with("equal")) return Phase::kVerified;
  if (!status.verified.empty()) return Phase::kDiffers;
  if (loaded) return Phase::kLoaded;
  bool all = !status.partitions.empty() && status.partitions_done == status.partitions.size();
  return all ? Phase::kFinishing : Phase::kLoading;
}

void say_loading(MigrationStatus& status) {
  uint64_t begun = 0, untouched = 0;
  std::string continued;
  for (const PartitionStatus& partition : status.partitions) {
    if (partition.done) continue;
    if (partition.records == 0) {
      ++untouched;
      continue;
    }
    ++begun;
    if (begun <= 3)
      continued += fmt::format("{}{} after record {}", continued.empty() ? "" : ", ", partition.id,
                               with_commas(partition.records));
  }
  if (status.partitions_done)
    status.resume.push_back(fmt::format("{} finished partition{} will not be read again.",
                                        status.partitions_done,
                                        status.partitions_done == 1 ? "" : "s"));
  if (begun)
    status.resume.push_back(fmt::format(
        "{} partition{} will be continued at the newest checkpoint ({}{}); records behind it "
        "that were read but not committed will be redone.",
        begun, begun == 1 ? "" : "s", continued, begun > 3 ? ", …" : ""));
  if (untouched)
    status.resume.push_back(fmt::format("{} partition{} will be read from the start.", untouched,
                                        untouched == 1 ? "" : "s"));
  status.resume.push_back(
      "This is safe: a checkpoint is committed in the same transaction as its rows, so rows behind "
      "the newest "
      "checkpoint were rolled back and none before it is written twice.");
}

void say_resume(MigrationStatus& status) {
  if (status.captures && status.phase != Phase::kGap)
    status.resume.push_back(
        "Capture goes on behind the newest change in the spool; the table's stream keeps what was "
        "written "
        "since then for its retention.");
  switch (status.phase) {
    case Phase::kCapturing:
      status.resume.push_back(
          "Nothing has been loaded yet; the load begins once the capture stands.");
      break;
    case Phase::kCatchingUp:
    case Phase::kInSync:
      status.resume.push_back(
          "The load is complete and will not be repeated. Changes go on behind the position that "
          "the "
          "target holds; it was committed with the changes it speaks of, so none is lost, and one "
          "that "
          "is applied again changes nothing.");
      break;
    case Phase::kGap:
      status.resume.push_back(status.repairing
                                  ? "A repair was begun; `run --repair-gap` goes on with it."
                                  : "`run` refuses to go on; `run --repair-gap` captures anew, "
                                    "compares both sides and makes "
                                    "the target equal, deletions included.");
      break;
    case Phase::kNotStarted:
      break;
    case Phase::kLoading:
      say_loading(status);
      break;
    case Phase::kFinishing:
      status.resume.push_back(
          "All items are loaded and will not be read again; making keys unique and building "
          "indexes "
          "will be redone where it had not finished.");
      status.resume.push_back(
          "This is safe: each step looks at what is there first, and changes nothing twice.");
      break;
    case Phase::kLoaded:
    case Phase::kVerified:
    case Phase::kDiffers:
      status.resume.push_back(
          "The load is complete and will not be repeated; `run` would only verify again.");
      break;
  }
}

}  // namespace

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::kNotStarted:
      return "not started";
    case Phase::kCapturing:
      return "capturing";
    case Phase::kCatchingUp:
      return "catching up";
    case Phase::kInSync:
      return "in sync";
    case Phase::kGap:
      return "gap";
    case Phase::kLoading:
      return "loading";
    case Phase::kFinishing:
      return "finishing";
    case Phase::kLoaded:
      return "loaded";
    case Phase::kVerified:
      return "verified";
    case Phase::kDiffers:
      return "differs";
  }
  return "not started";
}

Result<MigrationStatus> read_status(const std::string& plan_path) {
  MigrationStatus status;
  auto opened = open_for_status(plan_path, status.target_unreachable);
  if (!opened.ok() && opened.error().code() == "journal.none") {
    TRY(plan::read_plan(plan_path));  // a broken plan is said first
    status.running = Workspace::is_held(plan_path);
    status.resume.push_back("Nothing has been loaded; `offramp run` starts from the beginning.");
    return status;
  }
  if (!opened.ok()) return std::move(opened).error();
  Migration& migration = **opened;
  status.running = Workspace::is_held(plan_path);
  if (migration.target) status.target = migration.target->description();

  std::map<std::string, model::Position> positions;
  if (migration.target && migration.prepared) {
    auto read = migration.target->positions();
    if (read.ok())
      positions = std::move(read).value();
    else
      status.target_unreachable = read.error().message();
  }
  status.records_total = 0;
  for (const source::Partition& partition : TRY(migration.journal->partitions())) {
    PartitionStatus one{partition.id, partition.items, 0, false};
    if (auto found = positions.find(partition.id); found != positions.end()) {
      one.records = found->second.records;
      one.done = found->second.done;
      status.counts += TRY(unpack_token(found->second.token)).counts;
    }
    status.records += one.records;
    status.partitions_done += one.done;
    if (status.records_total && partition.items) *status.records_total += *partition.items;
    if (!partition.items) status.records_total.reset();
    status.partitions.push_back(std::move(one));
  }
  status.letters = TRY(migration.journal->letter_counts());
  if (auto verified = TRY(migration.journal->fact("verified"))) status.verified = *verified;
  if (auto gap = TRY(migration.journal->fact("gap"))) status.gap = *gap;
  status.repairing = TRY(migration.journal->fact("gap_repair")).has_value();
  status.captures = migration.plan.source.capture != "none";
  status.retention_ms = migration.plan.source.retention_s * 1000;
  if (status.captures) status.live = read_live_state(migration.folder);
  status.phase = phase_of(status, TRY(migration.journal->fact("loaded")).has_value());
  if (status.target_unreachable.empty())
    say_resume(status);
  else
    status.resume.push_back("The target cannot be reached, so its checkpoints cannot be read: " +
                            status.target_unreachable);
  return status;
}

std::string expiry_text(const MigrationStatus& status, int64_t now_ms) {
  if (!status.live || status.live->expires_at_ms == 0) return {};
  // While everything is read as it comes, what could expire is as far away as the retention itself.
  int64_t left = status.live->expires_at_ms - now_ms;
  if (status.running && left > status.retention_ms - 60'000) return {};
  std::string shard = "shard " + status.live->expiring_shard + ": ";
  if (left <= 0) return shard + "records that were not read may have expired already";
  int64_t minutes = left / 60'000;
  if (minutes < 60) return shard + fmt::format("oldest unread record expires in {} min", minutes);
  return shard +
         fmt::format("oldest unread record expires in {} h {:02} min", minutes / 60, minutes % 60);
}

std::string status_json(const MigrationStatus& status, const std::string& plan_path) {
  std::string partitions, resume;
  for (const PartitionStatus& partition : status.partitions)
    partitions += fmt::format(
        "{}{{\"id\":{},\"records\":{},\"items\":{},\"done\":{}}}", partitions.empty() ? "" : ",",
        ddb::json_quoted(partition.id), partition.records,
        partition.items ? std::to_string(*partition.items) : "null", partition.done);
  for (const std::string& sentence : status.resume)
    resume += (resume.empty() ? "" : ",") + ddb::json_quoted(sentence);
  return fmt::format(
      "{{\"plan\":{},\"phase\":{},\"running\":{},\"target\":{},\"target_unreachable\":{},"
      "\"partitions_total\":{},"
      "\"partitions_done\":{},\"records\":{},\"records_total\":{},\"stored\":{},\"overflow\":{},"
      "\"skipped\":{},"
      "\"refused\":{},\"letters\":{{\"open\":{},\"waived\":{},\"applied\":{}}},\"verified\":{},"
      "\"gap\":{},\"live\":{},"
      "\"resume\":[{}],\"partitions\":[{}]}}",
      ddb::json_quoted(plan_path), ddb::json_quoted(phase_name(status.phase)), status.running,
      ddb::json_quoted(status.target),
      status.target_unreachable.empty() ? "null" : ddb::json_quoted(status.target_unreachable),
      status.partitions.size(), status.partitions_done, status.records,
      status.records_total ? std::to_string(*status.records_total) : "null", status.counts.stored,
      status.counts.overflow, status.counts.skipped, status.counts.refused, status.letters.open,
      status.letters.waived, status.letters.applied,
      status.verified.empty() ? "null" : ddb::json_quoted(status.verified),
      status.gap.empty() ? "null" : ddb::json_quoted(status.gap),
      status.live ? live_state_json(*status.live) : "null", resume, partitions);
}

}  // namespace offramp::migrate
