// The phases of a run. Facts in the journal say which of them are behind us:
//   migration → prepared → (capture) → loaded → (caught_up) → verified
// Each fact is written after what it speaks of is durable, so a kill between the two repeats an
// idempotent step.
#include "migrate/run/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "ddb/digest.h"
#include "ddb/wire_json.h"
#include "migrate/live/live.h"
#include "migrate/run/cross_table.h"
#include "migrate/run/run_meter.h"

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
                 "the source is not the one this load began with (it was " + *before +
                     ", now it is " + fingerprint +
                     "); bring the old one back, or start over with a new plan");
  auto old = TRY(migration.journal->partitions());
  for (size_t i = 0; i < std::max(old.size(), partitions.size()); ++i)
    if (i >= old.size() || i >= partitions.size() || old[i].id != partitions[i].id)
      return Error(ErrorKind::kGap, "source.partitions_changed",
                   "the source's partitions are not the ones this load began with (" +
                       std::to_string(old.size()) + " then, " + std::to_string(partitions.size()) +
                       " now); start over with a new plan");
  return {};
}

// Another writer in the way (a single file that somebody else loads into) is waited for.
Status prepare_target(Migration& migration, target::Target::Start start, std::stop_token stop) {
  for (;;) {
    Status prepared = migration.target->prepare(migration.mapping, migration.id, start);
    if (prepared.ok() || prepared.error().kind() != ErrorKind::kRetry) return prepared;
    if (!io::system_clock().sleep(std::chrono::seconds(1), stop)) return prepared;
  }
}

Status prepare(Migration& migration, const RunOptions& options, std::stop_token stop) {
  std::unique_lock<std::mutex> alone;
  if (options.ticket) alone = std::unique_lock(options.ticket->preparing());
  Journal& journal = *migration.journal;
  if (migration.id.empty()) {
    migration.id = random_id();
    TRY(journal.set_fact("plan_fingerprint", plan_fingerprint(migration.plan)));
    TRY(journal.set_fact("migration", migration.id));
  }
  bool resuming = TRY(journal.fact("prepared")).has_value();
  TRY(prepare_target(migration,
                     resuming ? target::Target::Start::kResuming : target::Target::Start::kFirst,
                     std::move(stop)));
  if (!resuming) TRY(journal.set_fact("prepared", migration.target->description()));
  migration.prepared = true;
  return {};
}

// A copy of a key that had to leave the table becomes a letter, named by its content, so that
// seeing it again after a kill changes nothing.
Status file_duplicate(Migration& migration, ddb::JsonDecoder& decoder,
                      const target::Duplicate& duplicate) {
  ddb::ItemBatch batch;
  std::string text = duplicate.item_json;
  size_t size = text.size();
  text.append(ddb::kJsonPadding, '\0');
  uint32_t root = TRY(decoder.decode_item({text.data(), size}, {}, ddb::JsonForm::kTyped, batch));
  batch.add_root(root, 0);
  return file_duplicate_letter(migration, batch.item(0), duplicate.table, duplicate.table);
}

Status finish(Migration& migration, Progress& progress, const LoadOptions& options,
              RunOutcome& outcome) {
  progress.begin("finish", std::nullopt);
  ddb::JsonDecoder decoder;
  auto finished = TRY(migration.target->finish_load(
      [&](const target::Duplicate& duplicate) {
        return file_duplicate(migration, decoder, duplicate);
      },
      [&](const std::string& step) { progress.say(step); }));
  if (migration.source->may_repeat_keys())
    outcome.keys_in_two_tables =
        TRY(separate_tables(migration, progress, options.loaders, options.stop));
  progress.end();
  outcome.identical_copies_removed = finished.identical_copies_removed;
  return migration.journal->set_fact(
      "loaded", fmt::format("{} items, {} skipped, {} refused", outcome.load.counts.stored,
                            outcome.load.counts.skipped, outcome.load.counts.refused));
}

Status load_all(Migration& migration, Progress& progress,
                const std::vector<source::Partition>& partitions, const LoadOptions& options,
                RunOutcome& outcome) {
  outcome.already_loaded = TRY(migration.journal->fact("loaded")).has_value();
  if (outcome.already_loaded) return {};
  outcome.load = TRY(load(*migration.source, partitions, *migration.target, migration.mapping,
                          *migration.journal, progress, options));
  options.meter->finishing = true;
  TRY(finish(migration, progress, options, outcome));
  options.meter->finishing = false;
  return {};
}

// C2: an export must show the table as it was well after the capture began.
Status check_export_time(Migration& migration, const live::Live& live) {
  using From = plan::LoadSpec::From;
  const plan::LoadSpec& load = migration.plan.source.load;
  if (load.from == From::kScan) return {};
  auto as_of = TRY(migration.source->as_of_s());
  if (!as_of)
    return Error(ErrorKind::kConfig, "run.capture_dump",
                 "a dump does not say when it was taken, so changes between it and the capture "
                 "could be missing; load "
                 "with `from: scan` or from an export, or set `capture: none`");
  if (*as_of * 1000 >= live.began_ms() + live::kExportMarginMs) return {};
  return Error(
      ErrorKind::kConfig, "run.export_too_old",
      fmt::format("the export {} shows the table as of {}, but changes are captured since {}: what "
                  "was written in "
                  "between could be missing. Nothing was loaded. Make an export with an ExportTime "
                  "of {} or later "
                  "(aws dynamodb export-table-to-point-in-time), name it as `path` in the plan, "
                  "and run it again "
                  "before the stream's records expire: what was captured stays",
                  load.path, verify::utc_text(*as_of), verify::utc_text(live.began_ms() / 1000),
                  verify::utc_text((live.began_ms() + live::kExportMarginMs) / 1000 + 1)));
}

void show_live(Progress& progress, live::Live& live, const std::string& step) {
  progress.begin(step, std::nullopt);
  auto shown = std::make_shared<uint64_t>(live.state().applied);
  progress.show(
      [&progress, &live, shown] {
        LiveState state = live.state();
        progress.add(state.applied - *shown, 0);
        *shown = state.applied;
        Progress::Detail detail;
        auto lag = state.lag_ms();
        detail.text =
            (lag ? fmt::format("  lag {:.1f} s", static_cast<double>(*lag) / 1000)
                 : std::string("  lag not known yet")) +
            fmt::format("  spool {:.1f} MB", static_cast<double>(state.spool_bytes) / 1e6) +
            (state.waiting.empty() ? "" : "  waiting: " + state.waiting);
        detail.json = fmt::format("\"lag_ms\":{},\"spool_bytes\":{},\"waiting\":{}",
                                  lag ? std::to_string(*lag) : "null", state.spool_bytes,
                                  state.waiting.empty() ? "false" : "true");
        return detail;
      },
      "changes");
}

constexpr std::chrono::milliseconds kCaughtUpLag{10'000};

// From the durable load to where `until` says, while the table is being written.
Status follow_phases(Migration& migration, Progress& progress, live::Live& live,
                     const RunOptions& options, int threads, RunOutcome& outcome) {
  migration.source = TRY(live.open_table(0));
  if (live.repairing()) {
    progress.say(
        "a gap is being repaired: both sides are compared, and made equal where they differ");
    live.set_phase("repairing");
    verify::Options repair;
    repair.threads = threads;
    repair.repair = repair.only_repair = true;
    repair.stop = live.token();
    outcome.gap_repaired = TRY(verify::verify(migration, progress, repair)).repaired;
    TRY(live.end_repair());
  }
  if (options.until == Until::kLoaded) return {};
  TRY(live.follow());
  live.set_phase("catching up");
  show_live(progress, live, "catching up");
  TRY(live.wait_caught_up(kCaughtUpLag));
  progress.end();
  if (!TRY(migration.journal->fact("caught_up")))
    TRY(migration.journal->set_fact("caught_up", verify::utc_text(live.applied_until_ms() / 1000)));
  if (options.when_caught_up) TRY(options.when_caught_up(live));
  if (options.until == Until::kVerified) {
    live.set_phase("verifying");
    verify::Options verify_options;
    verify_options.threads = threads;
    outcome.verified = TRY(live.verify(progress, verify_options, 0));
  }
  if (options.until == Until::kStopped) {
    live.set_phase("in sync");
    show_live(progress, live, "in sync");
    live.wait();
    progress.end();
  }
  return {};
}

// Opens what is loaded and prepares the target; nothing is read yet.
Result<std::vector<source::Partition>> prepare_load(Migration& migration, const RunOptions& options,
                                                    std::stop_token stop, RunOutcome& outcome) {
  migration.source = TRY(open_source(migration.plan, migration.folder, std::move(stop),
                                     options.load_budget, migration.source_calls));
  auto partitions = TRY(migration.source->partitions());
  outcome.remarks = migration.source->remarks();
  return partitions;
}

// Of several moves not all load at once. `live`: null without capture.
Status wait_for_turn(Migration& migration, Progress& progress, live::Live* live,
                     const RunOptions& options, std::stop_token stop, RunMeter& meter) {
  if (!options.ticket || TRY(migration.journal->fact("loaded"))) return {};
  Status turn = options.ticket->begin_load(std::move(stop), [&] {
    meter.set_phase("waiting");
    if (live) {
      live->set_phase("waiting");
      show_live(progress, *live, "waiting");
    } else {
      progress.rest("waits for its turn to load");
    }
  });
  progress.end();
  return turn;
}

Status run_live(Migration& migration, Progress& progress, LoadOptions load_options,
                const RunOptions& options, RunMeter& meter, RunOutcome& outcome) {
  if (migration.plan.source.load.from == plan::LoadSpec::From::kDump)
    return Error(ErrorKind::kConfig, "run.capture_dump",
                 "a dump does not say when it was taken, so changes between it and the capture "
                 "could be missing; load "
                 "with `from: scan` or from an export, or set `capture: none`");
  live::LiveOptions live_options;
  live_options.enable_stream = options.enable_stream;
  live_options.repair_gap = options.repair_gap;
  live_options.stop = options.stop;
  live_options.budget = options.compare_budget;
  // A signal is no failure of something that is to run until one comes; what is durable stays.
  auto signalled = [&](const Error& error) {
    return error.kind() == ErrorKind::kCancelled && options.stop.stop_requested();
  };
  auto opened = live::Live::open(migration, live_options);
  if (!opened.ok()) {
    outcome.stopped = signalled(opened.error());
    return outcome.stopped ? Status() : std::move(opened).error();
  }
  auto live = std::move(opened).value();
  RunMeter::Attached attached(meter, *live);
  TRY(live->capture());
  if (options.ticket) options.ticket->captured();
  Status done = [&]() -> Status {
    // What has been loaded need not be there any more.
    std::vector<source::Partition> partitions;
    if (!TRY(migration.journal->fact("loaded"))) {
      partitions = TRY(prepare_load(migration, options, live->token(), outcome));
      TRY(check_export_time(migration, *live));
      TRY(check_source(migration, partitions));
    }
    TRY(prepare(migration, options, live->token()));
    TRY(wait_for_turn(migration, progress, live.get(), options, live->token(), meter));
    live->set_phase("loading");
    load_options.stop = live->token();
    TRY(load_all(migration, progress, partitions, load_options, outcome));
    if (options.ticket) options.ticket->end_load();
    return follow_phases(migration, progress, *live, options, load_options.loaders, outcome);
  }();
  progress.end();
  Status ended = live->finish();
  outcome.live = live->state();
  TRY(std::move(ended));  // why the threads ended says more than that the rest was cancelled
  if (!done.ok() && signalled(done.error())) done = Status();
  outcome.stopped = options.stop.stop_requested();
  return done;
}

Result<RunOutcome> run_phases(Migration& migration, Progress& progress, const RunOptions& options,
                              RunMeter& meter) {
  auto begun = std::chrono::steady_clock::now();
  RunOutcome outcome;
  LoadOptions load_options;
  load_options.loaders =
      options.loaders > 0 ? options.loaders : migration.target->capabilities().loaders_default;
  load_options.stop = options.stop;
  load_options.meter = &meter.load();
  if (migration.plan.source.capture != "none") {
    TRY(run_live(migration, progress, load_options, options, meter, outcome));
  } else {
    if (options.ticket) options.ticket->captured();
    auto partitions = TRY(prepare_load(migration, options, options.stop, outcome));
    TRY(check_source(migration, partitions));
    TRY(prepare(migration, options, options.stop));
    TRY(wait_for_turn(migration, progress, nullptr, options, options.stop, meter));
    meter.set_phase("loading");
    TRY(load_all(migration, progress, partitions, load_options, outcome));
    if (options.ticket) options.ticket->end_load();
    if (options.until != Until::kLoaded) {
      meter.set_phase("verifying");
      verify::Options verify_options;
      verify_options.threads = load_options.loaders;
      verify_options.stop = options.stop;
      outcome.verified = TRY(verify::verify(migration, progress, verify_options));
    }
  }
  if (migration.prepared) {  // a signal may have come before the target was asked for anything
    auto rows = migration.target->row_counts();
    if (!rows.ok() && !outcome.stopped) return std::move(rows).error();
    if (rows.ok()) outcome.rows = std::move(rows).value();
  }
  outcome.letters = TRY(migration.journal->letter_counts());
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return outcome;
}

}  // namespace

Result<RunOutcome> run(Migration& migration, Progress& progress, const RunOptions& options) {
  RunMeter meter(migration, progress);
  std::unique_ptr<metrics::Metrics::Entry> measured;
  if (options.metrics)
    measured =
        options.metrics->add(migration.plan.source.table, [&meter] { return meter.sample(); });
  auto outcome = run_phases(migration, progress, options, meter);
  // The other moves go on, and the process with them: this one must not just vanish from the
  // metrics.
  if (measured && !outcome.ok() && outcome.error().kind() != ErrorKind::kCancelled)
    options.metrics->add_failed(migration.plan.source.table, outcome.error().message());
  // Whatever was waited for when the signal came, one sentence says how to go on.
  if (!outcome.ok() && outcome.error().kind() == ErrorKind::kCancelled &&
      options.stop.stop_requested())
    return Error(ErrorKind::kCancelled, "run.stopped",
                 "stopped by a signal; everything up to the newest checkpoint is kept. Go on with "
                 "`offramp run " +
                     migration.plan.name() + "`");
  return outcome;
}

}  // namespace offramp::migrate
