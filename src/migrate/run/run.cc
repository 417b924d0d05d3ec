// The phases of a run. Facts in the journal say which of them are behind us:
//   migration → prepare_begun → prepared → loaded → verified
// Each fact is written after what it speaks of is durable, so a kill between the two repeats an idempotent step.
#include "migrate/run/run.h"

#include <algorithm>
#include <chrono>
#include <random>

#include <fmt/format.h>

#include "ddb/digest.h"
#include "ddb/wire_json.h"
#include "migrate/run/cross_table.h"

namespace offramp::migrate {
namespace {

std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}{:08x}", device(), device(), device());
}

// The source must be the one that the load began with: mixing two would lose or double items.
Status check_source(Migration& migration, const std::vector<source::Partition>& partitions) {
  std::string fingerprint = TRY(migration.source->fingerprint());
  auto before = TRY(migration.journal->fact("source_fingerprint"));
  if (!before) {
    TRY(migration.journal->set_partitions(partitions));
    return migration.journal->set_fact("source_fingerprint", fingerprint);
  }
  if (*before != fingerprint)
    return Error(ErrorKind::kGap, "source.changed",
                 "the source is not the one this load began with (it was " + *before + ", now it is " + fingerprint +
                     "); bring the old one back, or start over with a new plan");
  auto old = TRY(migration.journal->partitions());
  for (size_t i = 0; i < std::max(old.size(), partitions.size()); ++i)
    if (i >= old.size() || i >= partitions.size() || old[i].id != partitions[i].id)
      return Error(ErrorKind::kGap, "source.partitions_changed",
                   "the source's partitions are not the ones this load began with (" + std::to_string(old.size()) +
                       " then, " + std::to_string(partitions.size()) + " now); start over with a new plan");
  return {};
}

Status prepare(Migration& migration) {
  Journal& journal = *migration.journal;
  if (migration.id.empty()) {
    migration.id = random_id();
    TRY(journal.set_fact("plan_fingerprint", plan_fingerprint(migration.plan)));
    TRY(journal.set_fact("migration", migration.id));
  }
  bool resuming = TRY(journal.fact("prepared")).has_value();
  TRY(migration.target->prepare(migration.mapping, migration.id,
                                resuming ? target::Target::Start::kResuming : target::Target::Start::kFirst));
  if (!resuming) TRY(journal.set_fact("prepared", migration.target->description()));
  return {};
}

// A copy of a key that had to leave the table becomes a letter, named by its content, so that seeing it again
// after a kill changes nothing.
Status file_duplicate(Migration& migration, ddb::JsonDecoder& decoder, const target::Duplicate& duplicate) {
  ddb::ItemBatch batch;
  std::string text = duplicate.item_json;
  size_t size = text.size();
  text.append(ddb::kJsonPadding, '\0');
  uint32_t root = TRY(decoder.decode_item({text.data(), size}, {}, ddb::JsonForm::kTyped, batch));
  batch.add_root(root, 0);
  return file_duplicate_letter(migration, batch.item(0), duplicate.table, duplicate.table);
}

Status finish(Migration& migration, Progress& progress, const LoadOptions& options, RunOutcome& outcome) {
  progress.begin("finish", std::nullopt);
  ddb::JsonDecoder decoder;
  auto finished = TRY(migration.target->finish_load(
      [&](const target::Duplicate& duplicate) { return file_duplicate(migration, decoder, duplicate); },
      [&](const std::string& step) { progress.say(step); }));
  if (migration.source->may_repeat_keys())
    outcome.keys_in_two_tables = TRY(separate_tables(migration, progress, options.loaders, options.stop));
  progress.end();
  outcome.identical_copies_removed = finished.identical_copies_removed;
  return migration.journal->set_fact(
      "loaded", fmt::format("{} items, {} skipped, {} refused", outcome.load.counts.stored, outcome.load.counts.skipped,
                            outcome.load.counts.refused));
}

Result<RunOutcome> run_phases(Migration& migration, Progress& progress, const RunOptions& options) {
  auto begun = std::chrono::steady_clock::now();
  RunOutcome outcome;
  if (migration.plan.source.capture != "none")
    return Error(ErrorKind::kUnsupported, "run.capture",
                 "this version loads and verifies; it does not capture changes yet. Set `capture: none` in the plan, and "
                 "stop writers of the table while it moves");
  migration.source = TRY(open_source(migration.plan, migration.folder, options.stop));
  auto partitions = TRY(migration.source->partitions());
  outcome.remarks = migration.source->remarks();
  TRY(check_source(migration, partitions));
  TRY(prepare(migration));

  LoadOptions load_options;
  load_options.loaders = options.loaders > 0 ? options.loaders : migration.target->capabilities().loaders_default;
  load_options.stop = options.stop;
  outcome.already_loaded = TRY(migration.journal->fact("loaded")).has_value();
  if (!outcome.already_loaded) {
    outcome.load = TRY(load(*migration.source, partitions, *migration.target, migration.mapping, *migration.journal,
                            progress, load_options));
    TRY(finish(migration, progress, load_options, outcome));
  }
  outcome.rows = TRY(migration.target->row_counts());
  if (options.until == Until::kVerified) {
    verify::Options verify_options;
    verify_options.threads = load_options.loaders;
    verify_options.stop = options.stop;
    outcome.verified = TRY(verify::verify(migration, progress, verify_options));
  }
  outcome.letters = TRY(migration.journal->letter_counts());
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return outcome;
}

}  // namespace

Result<RunOutcome> run(Migration& migration, Progress& progress, const RunOptions& options) {
  auto outcome = run_phases(migration, progress, options);
  // Whatever was waited for when the signal came, one sentence says how to go on.
  if (!outcome.ok() && outcome.error().kind() == ErrorKind::kCancelled && options.stop.stop_requested())
    return Error(ErrorKind::kCancelled, "run.stopped",
                 "stopped by a signal; everything up to the newest checkpoint is kept. Go on with `offramp run " +
                     migration.plan.path + "`");
  return outcome;
}

}  // namespace offramp::migrate
