// A pool of workers takes the shards that are due; one more thread lists shards and saves idle
// marks.
#include "migrate/capture/capture.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/kill_point.h"
#include "io/wall_ms.h"
#include "migrate/workers.h"

namespace offramp::migrate::capture {
namespace {

constexpr size_t kMarksMax = 4096;
// A listing after a shard's end looks for its children, but not for each of many shards that end
// together.
constexpr std::chrono::milliseconds kDiscoverySoon{500};
// Listings without news after which a parent that is not listed counts as expired.
constexpr int kQuietListings = 3;

}  // namespace

Capture::Capture(source::ChangeSource& source, spool::Spool& spool, const CaptureOptions& options)
    : source_(source), spool_(spool), options_(options) {}

int64_t Capture::wall_ms() const { return io::wall_ms(*options_.clock); }

Result<std::vector<source::Shard>> Capture::list_settled(const std::string& stream) {
  // A parent that is not listed has expired, or is not listed yet: then its child must not be begun
  // without it.
  std::map<std::string, source::Shard> all;
  for (int quiet = 0; quiet < kQuietListings;) {
    size_t before = all.size();
    bool parent_missing = false;
    for (source::Shard& shard : TRY(source_.shards(stream))) {
      std::string id = shard.id;
      all[id] = std::move(shard);
    }
    for (const auto& [id, shard] : all)
      parent_missing |= !shard.parent.empty() && !all.contains(shard.parent);
    quiet = all.size() == before ? quiet + 1 : 0;
    if (!parent_missing) break;
    options_.clock->sleep(kDiscoverySoon, {});
  }
  std::vector<source::Shard> out;
  for (auto& [id, shard] : all) out.push_back(std::move(shard));
  return out;
}

Status Capture::begin(uint64_t generation) {
  source::StreamDescription stream = TRY(source_.describe());
  if (!stream.enabled)
    return Error(ErrorKind::kConfig, "capture.stream_disabled",
                 "the table's stream is disabled; enable it (`offramp run PLAN --enable-stream`)");
  auto listed = TRY(list_settled(stream.id));
  // Everything that is written from now on is in one of these shards or their descendants.
  int64_t now = wall_ms();
  spool::Origin origin{.generation = generation, .stream = stream.id, .began_ms = now};
  return spool_.begin(origin, first_states(listed, now));
}

Status Capture::discover() {
  source::StreamDescription stream = TRY(source_.describe());
  if (stream.id != stream_)
    return Error(
        ErrorKind::kGap, "capture.stream_changed",
        fmt::format(
            "the table has another stream now ({}); the one that was captured was {}. What was "
            "written "
            "between the two was not recorded. Repair it with `offramp run PLAN --repair-gap`",
            stream.id, stream_));
  if (!stream.enabled)
    return Error(ErrorKind::kGap, "capture.stream_disabled",
                 fmt::format("the stream {} has been disabled: changes since then are not "
                             "recorded. Enable it again and "
                             "repair the gap: `offramp run PLAN --enable-stream --repair-gap`",
                             stream_));
  int64_t now = wall_ms();  // before the listing: a shard that it lacks was made later
  auto listed = TRY(source_.shards(stream_));
  std::vector<model::ShardState> changed;
  {
    std::lock_guard lock(mutex_);
    changed = TRY(tree_->discover(listed, now));
  }
  if (!changed.empty()) TRY(spool_.append({}, changed));
  std::lock_guard lock(mutex_);
  std::vector<std::string> old = tree_->forgettable(now);
  if (!old.empty()) {
    TRY(spool_.forget_shards(old));
    tree_->forget(old);
    for (const std::string& id : old) tasks_.erase(id);
  }
  if (tree_->awaits_parents()) discover_soon_ = true;
  start_runnable();
  mark();
  return {};
}

void Capture::start_runnable() {
  for (const std::string& id : tree_->runnable()) {
    auto [at, fresh] = tasks_.try_emplace(id);
    if (fresh) at->second.due = options_.clock->now();
  }
  wake_.notify_all();
}

void Capture::mark() {
  int64_t until = tree_->complete_until_ms(wall_ms());
  uint64_t batch = spool_.newest_batch();
  captured_until_ms_ = std::max(captured_until_ms_.load(), until);
  if (!marks_.empty() && marks_.back().until_ms >= until) return;
  if (!marks_.empty() && marks_.back().batch == batch) {
    marks_.back().until_ms = until;
  } else {
    marks_.push_back({batch, until});
    if (marks_.size() > kMarksMax)
      marks_.erase(marks_.begin() + 1);  // what is left stays true, only coarser
  }
}

int64_t Capture::complete_until_ms(uint64_t batch) {
  std::lock_guard lock(mutex_);
  while (marks_.size() > 1 && marks_[1].batch <= batch) marks_.pop_front();
  return marks_.empty() || marks_.front().batch > batch ? 0 : marks_.front().until_ms;
}

Capture::View Capture::view() {
  std::lock_guard lock(mutex_);
  if (!tree_) return {};
  return {tree_->size(), tree_->open_shards(), tree_->next_expiry()};
}

std::optional<std::string> Capture::next_task(std::stop_token stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stop.stop_requested()) return std::nullopt;
    auto first = tasks_.end();
    for (auto at = tasks_.begin(); at != tasks_.end(); ++at)
      if (!at->second.busy && (first == tasks_.end() || at->second.due < first->second.due))
        first = at;
    if (first == tasks_.end()) {
      wake_.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; });
      continue;
    }
    auto wait = first->second.due - options_.clock->now();
    if (wait <= std::chrono::nanoseconds(0)) {
      first->second.busy = true;
      return first->first;
    }
    wake_.wait_for(lock, stop, std::min<std::chrono::nanoseconds>(wait, std::chrono::seconds(1)),
                   [] { return false; });
  }
}

Status Capture::judge_loss(const std::string& id, model::ShardState state, Error error) {
  int64_t now = wall_ms();
  std::lock_guard lock(mutex_);
  if (!tree_->provably_unexpired(state, now)) return std::move(error).with_context("shard " + id);
  Task& task = tasks_.at(id);
  task.reader.reset();
  if (error.code() == "streams.trimmed") {
    // Only what had been read is gone: the rest is younger than the retention, so the horizon is
    // where we stand.
    state.sequence.clear();
  } else {
    state.done = true;
  }
  TRY(spool_.append({}, std::span(&state, 1)));
  tree_->update(state, now);
  task.due = options_.clock->now() + options_.busy_poll;
  if (state.done) {
    tasks_.erase(id);
    start_runnable();
  }
  return {};
}

Status Capture::poll(const std::string& id, model::ChangeBatch& batch, std::stop_token stop) {
  model::ShardState state;
  Task* task = nullptr;  // stays where it is: only its own worker erases it
  {
    std::lock_guard lock(mutex_);
    task = &tasks_.at(id);
    state = tree_->state(id);
  }
  if (!task->reader) {
    auto opened = source_.open(stream_, id, state.sequence);
    if (!opened.ok())
      return opened.error().kind() == ErrorKind::kGap
                 ? judge_loss(id, std::move(state), std::move(opened).error())
                 : std::move(opened).error();
    task->reader = std::move(opened).value();
  }
  int64_t asked_ms = wall_ms();
  auto answered = task->reader->next(batch);
  if (!answered.ok())
    return answered.error().kind() == ErrorKind::kGap
               ? judge_loss(id, std::move(state), std::move(answered).error())
               : std::move(answered).error();
  ++counts_.answers;
  bool news = !batch.changes.empty();
  if (news) {
    state.sequence = batch.changes.back().sequence;
    state.complete_until_ms =
        std::max(state.complete_until_ms, batch.changes.back().created_s * 1000);
    uint64_t bytes = 0, deletions = 0, by_ttl = 0;
    for (const model::Change& change : batch.changes) {
      bytes += change.key_json.size() + change.image_json.size();
      deletions += change.image_json.empty();
      by_ttl += change.by_ttl;
    }
    counts_.bytes += bytes;
    counts_.deletions += deletions;
    counts_.ttl_deletions += by_ttl;
    counts_.changes += batch.changes.size();
  }
  // At the tip the answer proves all that was written before it was asked for, but for what the
  // server holds back; at the end others have what followed.
  if (!answered->more && !answered->end)
    state.complete_until_ms = std::max(state.complete_until_ms, asked_ms - answered->behind_ms);
  state.done = answered->end;
  if (news || state.done) {
    base::kill_point("capture.before_append");
    TRY(spool_.append(batch.changes, std::span(&state, 1)));
    base::kill_point("capture.after_append");
  }

  std::lock_guard lock(mutex_);
  tree_->update(state, wall_ms());
  if (news || state.done)
    unsaved_.erase(id);
  else
    unsaved_[id] = state;
  if (state.done) {
    tasks_.erase(id);
    discover_soon_ = true;
    start_runnable();
  } else {
    task->pause =
        answered->more ? std::chrono::milliseconds(0)
        : news || answered->behind_ms > 0
            ? options_.busy_poll
            : std::min(std::max(options_.busy_poll, task->pause * 2), options_.idle_poll_max);
    task->due = options_.clock->now() + task->pause;
  }
  mark();
  return {};
}

Status Capture::work(std::stop_token stop) {
  model::ChangeBatch batch;
  while (auto id = next_task(stop)) {
    Status status = poll(*id, batch, stop);
    bool stopped =
        !status.ok() && status.error().kind() == ErrorKind::kCancelled && stop.stop_requested();
    // After an error the shard is nobody's: its reader may be past what was not saved.
    if (!status.ok() && !stopped) return status;
    // The only place where a shard is given back: until here nobody else may take it.
    std::lock_guard lock(mutex_);
    if (auto task = tasks_.find(*id); task != tasks_.end()) task->second.busy = false;
    wake_.notify_one();
  }
  return {};
}

Status Capture::heartbeat() {
  // Under the lock no worker begins with a shard, so no newer position can come into the spool
  // before these. A busy shard's worker may be appending right now: it waits for the next
  // heartbeat.
  std::lock_guard lock(mutex_);
  std::vector<model::ShardState> states;
  for (auto at = unsaved_.begin(); at != unsaved_.end();) {
    auto task = tasks_.find(at->first);
    if (task != tasks_.end() && task->second.busy) {
      ++at;
      continue;
    }
    states.push_back(std::move(at->second));
    at = unsaved_.erase(at);
  }
  if (!states.empty()) TRY(spool_.append({}, states));
  return {};
}

Status Capture::run(std::stop_token stop) {
  auto origin = spool_.origin();
  ASSERT(origin);
  stream_ = origin->stream;
  {
    std::lock_guard lock(mutex_);
    tree_.emplace(spool_.shards(), options_.tree);
    tasks_.clear();
    marks_.clear();
    unsaved_.clear();
  }
  auto cancelled = [&](const Status& status) {
    return !status.ok() && status.error().kind() == ErrorKind::kCancelled && stop.stop_requested();
  };
  if (Status status = discover(); !status.ok())
    return cancelled(status) ? Status() : std::move(status);

  std::stop_source all;
  std::stop_callback forward(stop, [&] { all.request_stop(); });
  auto tend = [&]() -> Status {
    auto next_listing = options_.clock->now() + options_.discovery;
    auto next_heartbeat = options_.clock->now() + options_.heartbeat;
    while (options_.clock->sleep(kDiscoverySoon, all.get_token())) {
      bool soon = false;
      {
        std::lock_guard lock(mutex_);
        soon = std::exchange(discover_soon_, false);
      }
      auto now = options_.clock->now();
      if (soon || now >= next_listing) {
        TRY(discover());
        next_listing = now + options_.discovery;
      }
      if (now >= next_heartbeat) {
        TRY(heartbeat());
        next_heartbeat = now + options_.heartbeat;
      }
    }
    return {};
  };
  // Worker 0 tends, the others read.
  Status status = run_workers(
      options_.threads + 1,
      [&](int worker) -> Status {
        Status ended = worker == 0 ? tend() : work(all.get_token());
        if (!ended.ok() && ended.error().kind() == ErrorKind::kCancelled && all.stop_requested())
          return {};
        return ended;
      },
      [&] { all.request_stop(); });
  if (status.ok()) status = heartbeat();
  return cancelled(status) ? Status() : std::move(status);
}

}  // namespace offramp::migrate::capture
