// The order of the steps is the proof: positions durable, then the load, then the replay.
#include "migrate/live/live.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/kill_point.h"
#include "io/wall_ms.h"
#include "migrate/workers.h"
#include "source/streams/streams_source.h"

namespace offramp::migrate::live {
namespace {

constexpr std::chrono::milliseconds kTick{1000};
constexpr std::chrono::milliseconds kPoll{100};

source::streams::StreamsOptions stream_options(const plan::SourceSpec& spec,
                                               const LiveOptions& options, std::stop_token stop) {
  source::streams::StreamsOptions out;
  out.table = spec.table;
  out.region = spec.region;
  out.endpoint = spec.endpoint;
  out.stop = std::move(stop);
  out.clock = options.clock;
  return out;
}

}  // namespace

Live::Live(Migration& migration, const LiveOptions& options)
    : migration_(migration), options_(options) {
  forward_.emplace(options_.stop, [this] { all_.request_stop(); });
}

Live::~Live() { (void)finish(); }

Result<std::unique_ptr<Live>> Live::open(Migration& migration, const LiveOptions& options) {
  std::unique_ptr<Live> live(new Live(migration, options));
  Journal& journal = *migration.journal;
  if (auto gap = TRY(journal.fact("gap")); gap && !options.repair_gap)
    return Error(ErrorKind::kGap, "run.gap",
                 "a gap was found and has not been repaired: " + *gap +
                     " Repair it with `offramp run " + migration.plan.name() + " --repair-gap`");
  TRY(journal.fail_abandoned_requests());
  TRY(live->open_stream());
  TRY(live->open_spool());
  TRY(live->begin_generation());
  TRY(write_live_state(migration.folder,
                       live->state()));  // what an earlier process said no longer holds
  return live;
}

Status Live::open_stream() {
  const plan::SourceSpec& spec = migration_.plan.source;
  auto options = stream_options(spec, options_, all_.get_token());
  options.on_wait = [this](const Error* why) {
    std::lock_guard lock(mutex_);
    source_waiting_ = why ? why->message() : "";
  };
  options.counts = migration_.source_calls;
  source_ = TRY(source::streams::open_streams(options));
  auto stream = source_->describe();
  bool off = stream.ok() ? !stream->enabled : stream.error().code() == "streams.none";
  if (off && options_.enable_stream) {
    TRY(source::streams::enable_stream(options));
    stream = source_->describe();
  }
  if (!stream.ok()) return std::move(stream).error();
  if (stream->key != spec.key)
    return Error(
        ErrorKind::kConfig, "run.key",
        "the plan's `key` is not the key of table " + spec.table + "; correct it in the plan");
  // Reading for comparisons keeps to the plan's limits, but not to the hours of the load.
  source::scan::ScanOptions scan = scan_options(migration_.plan, all_.get_token());
  scan.window.clear();
  scan.clock = options_.clock;
  scan.counts = migration_.source_calls;
  scan.budget = budget_ =
      options_.budget ? options_.budget : TRY(source::scan::open_read_budget(scan));
  lookup_ = TRY(source::scan::open_item_lookup(std::move(scan)));
  return {};
}

Status Live::open_spool() {
  std::string folder = migration_.folder + "/spool";
  auto opened = spool::Spool::open(folder, spool::Spool::Open::kCreate, {});
  if (!opened.ok() && opened.error().kind() == ErrorKind::kCorrupt) {
    TRY(migration_.journal->set_fact("gap", "the spool is damaged: " + opened.error().message()));
    if (options_.repair_gap) {
      std::filesystem::remove_all(folder);
      opened = spool::Spool::open(folder, spool::Spool::Open::kCreate, {});
    }
  }
  spool_ = TRY(std::move(opened));
  capture::CaptureOptions options;
  options.tree.retention_ms = migration_.plan.source.retention_s * 1000;
  options.clock = options_.clock;
  capture_ = std::make_unique<capture::Capture>(*source_, *spool_, options);
  return {};
}

// The journal knows which generation of the capture is ours; the spool must be of it.
Status Live::begin_generation() {
  Journal& journal = *migration_.journal;
  auto begun = TRY(journal.fact("capture"));
  uint64_t generation = begun ? std::stoull(*begun) : 0;
  auto origin = spool_->origin();
  bool gap = TRY(journal.fact("gap")).has_value();
  if (begun && !gap && (!origin || origin->generation != generation)) {
    // A kill between the spool's beginning and the journal's word for it leaves a spool that is one
    // ahead.
    std::string what =
        "the spool " + migration_.folder + "/spool is gone or not the one that was captured into.";
    TRY(journal.set_fact("gap", what));
    gap = true;
    if (!options_.repair_gap)
      return Error(ErrorKind::kGap, "run.spool_gone",
                   what + " Put it back, or repair the gap with `offramp run " +
                       migration_.plan.name() + " --repair-gap`");
  }
  auto repair = TRY(journal.fact("gap_repair"));
  if (gap) {
    uint64_t wanted = generation + 1;
    if (repair && origin && origin->generation == std::stoull(*repair)) {
      wanted = origin->generation;  // a repair that was killed goes on
    } else {
      TRY(journal.set_fact("gap_repair", std::to_string(wanted)));
      TRY(capture_->begin(wanted));
    }
    TRY(journal.set_fact("capture", std::to_string(wanted)));
    repairing_ = true;
  } else if (!begun) {
    if (!origin) TRY(capture_->begin(1));
    base::kill_point("live.begun");
    TRY(journal.set_fact("capture", std::to_string(spool_->origin()->generation)));
  }
  began_ms_ = spool_->origin()->began_ms;
  return {};
}

void Live::fail(Error error) {
  std::lock_guard lock(mutex_);
  if (!failure_) {
    if (error.kind() == ErrorKind::kGap) {
      (void)migration_.journal->set_fact("gap", error.message()).ok();
      // What was captured for a repair has a gap itself: the next repair begins anew.
      (void)migration_.journal->clear_fact("gap_repair").ok();
    }
    failure_ = std::move(error);
  }
  all_.request_stop();
}

void Live::start(const char* what, std::function<Status(std::stop_token)> work) {
  threads_.emplace_back([this, what, work = std::move(work)] {
    Status status;
    try {
      status = work(all_.get_token());
    } catch (...) {
      status = error_of(std::current_exception()).with_context(what);
    }
    bool stopped =
        !status.ok() && status.error().kind() == ErrorKind::kCancelled && all_.stop_requested();
    if (!status.ok() && !stopped) fail(std::move(status).error());
  });
}

Status Live::capture() {
  start("capture", [this](std::stop_token stop) { return capture_->run(stop); });
  start("tending", [this](std::stop_token stop) { return tend(stop); });
  start("requests", [this](std::stop_token stop) { return answer_requests(stop); });
  return {};
}

Status Live::end_repair() {
  // The gap goes last: a kill before repeats the repair, which changes nothing twice.
  TRY(migration_.journal->clear_fact("gap"));
  TRY(migration_.journal->clear_fact("gap_repair"));
  repairing_ = false;
  return {};
}

Status Live::follow() {
  ASSERT(!repairing_);
  follow::FollowOptions options;
  options.clock = options_.clock;
  // The number of lanes is part of the stored positions.
  Journal& journal = *migration_.journal;
  if (auto lanes = TRY(journal.fact("lanes"))) {
    options.lanes = std::stoi(*lanes);
  } else {
    options.lanes = migration_.target->capabilities().appliers_default;
    TRY(journal.set_fact("lanes", std::to_string(options.lanes)));
  }
  std::lock_guard lock(fold_mutex_);
  follow_ = std::make_unique<follow::Follow>(*migration_.target, migration_.mapping, journal,
                                             *spool_, options);
  Status begun = follow_->begin();
  if (!begun.ok()) {
    fail(begun.error());
    return begun;
  }
  following_ = true;
  start("following", [this](std::stop_token stop) { return follow_->run(stop); });
  return {};
}

int64_t Live::now_ms() { return io::wall_ms(*options_.clock); }

int64_t Live::applied_until_ms() {
  if (!following_) return 0;
  return capture_->complete_until_ms(follow_->applied_batch());
}

Status Live::wait_applied(int64_t until_ms) {
  while (applied_until_ms() < until_ms)
    if (!options_.clock->sleep(kPoll, all_.get_token()))
      return Error(ErrorKind::kCancelled, "live.stopped",
                   "stopped before the changes were applied");
  return {};
}

Status Live::wait_caught_up(std::chrono::milliseconds lag) {
  // Until the replay has passed the end of the load the target may step back in time (C3).
  TRY(wait_applied(now_ms()));
  for (;;) {
    if (now_ms() - applied_until_ms() <= lag.count()) return {};
    if (!options_.clock->sleep(kPoll, all_.get_token()))
      return Error(ErrorKind::kCancelled, "live.stopped",
                   "stopped before the changes were applied");
  }
}

void Live::wait() {
  while (options_.clock->sleep(std::chrono::seconds(3600), all_.get_token())) {
  }
}

Status Live::finish() {
  all_.request_stop();
  if (!threads_.empty()) {
    threads_.clear();  // joins
    LiveState last = state();
    (void)write_live_state(migration_.folder, last).ok();
  }
  std::lock_guard lock(mutex_);
  if (failure_) return *failure_;
  return {};
}

Status Live::lookup(std::span<const std::string_view> keys_json, ddb::ItemBatch& batch) {
  return lookup_->get(keys_json, batch);
}

Result<uint64_t> Live::refresh(const std::vector<std::string>& keys_json) {
  auto outcome = TRY(follow_->refresh(
      keys_json, [this](std::span<const std::string_view> keys, ddb::ItemBatch& batch) {
        return lookup_->get(keys, batch);
      }));
  return outcome.applied;
}

void Live::set_phase(const std::string& phase) {
  std::lock_guard lock(mutex_);
  phase_ = phase;
}

LiveState Live::state() {
  LiveState out;
  out.at_ms = now_ms();
  {
    std::lock_guard lock(mutex_);
    out.phase = phase_;
    out.waiting = source_waiting_;
  }
  out.captured_until_ms = capture_->captured_until_ms();
  out.applied_until_ms = applied_until_ms();
  capture::Capture::View view = capture_->view();
  out.shards = view.shards;
  out.shards_open = view.open_shards;
  if (view.next_expiry) {
    out.expiring_shard = view.next_expiry->shard;
    out.expires_at_ms = view.next_expiry->at_ms;
  }
  spool::Size size = spool_->size();
  out.spool_bytes = size.bytes;
  out.spool_changes = size.log_changes;
  out.spool_keys = size.base_keys;
  const capture::CaptureCounts& counts = capture_->counts();
  out.captured = counts.changes;
  out.deletions = counts.deletions;
  out.ttl_deletions = counts.ttl_deletions;
  out.bytes = counts.bytes;
  if (following_) {
    follow::FollowCounts applied = follow_->counts();
    out.applied = applied.captured;
    out.retries = applied.retries;
    if (std::string why = follow_->waiting(); !why.empty()) out.waiting = why;
  }
  return out;
}

Status Live::tend(std::stop_token stop) {
  while (options_.clock->sleep(kTick, stop)) {
    TRY(write_live_state(migration_.folder, state()));
    std::lock_guard lock(fold_mutex_);
    if (!following_) TRY(spool_->fold(stop));
  }
  return {};
}

}  // namespace offramp::migrate::live
