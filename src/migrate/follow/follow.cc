// One reader, as many lanes as the target has use for.
#include "migrate/follow/follow.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>

#include "base/kill_point.h"
#include "migrate/workers.h"

namespace offramp::migrate::follow {
namespace {

constexpr std::chrono::milliseconds kIdleWait{200};
constexpr std::chrono::milliseconds kPushWait{500};
constexpr std::chrono::seconds kTouchEvery{1};

}  // namespace

Follow::Follow(target::Target& target, std::shared_ptr<const mapping::CompiledMapping> mapping,
               Journal& journal, spool::Spool& spool, const FollowOptions& options)
    : target_(target),
      mapping_(std::move(mapping)),
      journal_(journal),
      spool_(spool),
      options_(options),
      preparer_(mapping_) {}

Status Follow::begin() {
  auto positions = TRY(target_.positions());
  auto origin = spool_.origin();
  ASSERT(origin);
  spool::Place start;
  for (int i = 0; i < options_.lanes; ++i) {
    lanes_.push_back(
        std::make_unique<Lane>(i, options_.lanes, target_, mapping_, journal_, *options_.clock));
    auto found = positions.find(lanes_.back()->name());
    TRY(lanes_.back()->begin(found == positions.end() ? std::nullopt
                                                      : std::optional(found->second)));
    spool::Place place = lanes_.back()->stored();
    // An older generation's place says nothing about this one: it was captured anew from its own
    // beginning.
    if (place.generation != origin->generation) place = {.generation = origin->generation};
    resumed_.push_back(place);
    if (i == 0 || spool::place_before(place, start)) start = place;
  }
  TRY(spool_.seek(start));
  dispatched_ = start;
  return {};
}

bool Follow::reached(const Lane& lane, const spool::Place& after) const {
  for (size_t i = 0; i < lanes_.size(); ++i)
    if (lanes_[i].get() == &lane) return !spool::place_before(resumed_[i], after);
  return false;
}

Status Follow::push(Lane& lane, std::unique_ptr<LaneBatch> batch, std::stop_token stop) {
  for (;;) {
    switch (lane.push(batch, kPushWait)) {
      case Lane::Push::kTaken:
        return {};
      case Lane::Push::kEnded:
        return Error(ErrorKind::kCancelled, "follow.lane_ended", "a lane has stopped");
      case Lane::Push::kFull:
        break;
    }
    if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "follow.stopped", "stopped");
    // The target is slow or away: what piles up meanwhile is kept small.
    TRY(spool_.fold(stop));
  }
}

Status Follow::dispatch(const model::ChangeBatch& changes, const spool::Place& after,
                        std::stop_token stop) {
  for (int i = 0; i < options_.lanes; ++i) {
    Lane& lane = *lanes_[static_cast<size_t>(i)];
    if (reached(lane, after)) continue;
    auto batch = lane.recycled();
    TRY(preparer_.take(changes, i, options_.lanes, *batch));
    if (batch->captured == 0) continue;
    batch->after = after;
    TRY(push(lane, std::move(batch), stop));
  }
  std::lock_guard lock(mutex_);
  dispatched_ = after;
  return {};
}

Status Follow::touch(std::stop_token stop) {
  auto now = options_.clock->now();
  if (now - last_touch_ < kTouchEvery) return {};
  last_touch_ = now;
  spool::Place dispatched;
  {
    std::lock_guard lock(mutex_);
    dispatched = dispatched_;
  }
  for (auto& lane : lanes_) {
    if (!lane->idle() || !spool::place_before(lane->stored(), dispatched)) continue;
    auto batch = lane->recycled();
    batch->reset(mapping_->tables().size());
    batch->after = dispatched;
    TRY(push(*lane, std::move(batch), stop));
  }
  return {};
}

Status Follow::release() {
  auto origin = spool_.origin();
  std::optional<spool::Place> least;
  for (auto& lane : lanes_) {
    spool::Place stored = lane->stored();
    if (stored.generation != origin->generation) return {};
    if (!least || spool::place_before(stored, *least)) least = stored;
  }
  base::kill_point("follow.before_release");
  return least ? spool_.release(*least) : Status();
}

Status Follow::read_and_dispatch(std::stop_token stop) {
  model::ChangeBatch changes;
  spool::Place after;
  while (!stop.stop_requested()) {
    changes.reset();
    if (TRY(spool_.read(changes, after, options_.chunk_changes))) {
      watch_.note(changes);
      TRY(dispatch(changes, after, stop));
    } else {
      spool_.wait_newer(spool_.newest_batch(), kIdleWait, stop);
    }
    TRY(touch(stop));
    TRY(release());
  }
  return {};
}

Status Follow::run(std::stop_token stop) {
  ASSERT(!lanes_.empty());
  std::stop_source ending;
  std::stop_callback forward(stop, [&] { ending.request_stop(); });
  // Worker 0 reads, the others are lanes.
  Status status = run_workers(
      options_.lanes + 1,
      [&](int worker) -> Status {
        if (worker > 0) return lanes_[static_cast<size_t>(worker) - 1]->run(ending.get_token());
        Status read = read_and_dispatch(ending.get_token());
        for (auto& lane : lanes_) lane->close();
        bool cancelled = !read.ok() && read.error().kind() == ErrorKind::kCancelled;
        return cancelled ? Status() : std::move(read);
      },
      [&] { ending.request_stop(); });
  if (!status.ok() && status.error().kind() == ErrorKind::kCancelled && stop.stop_requested())
    return {};
  if (status.ok()) status = release();
  return status;
}

uint64_t Follow::applied_batch() {
  spool::Place least;
  {
    std::lock_guard lock(mutex_);
    least = dispatched_;
  }
  // A lane that has nothing left to do has everything that was handed out when dispatched_ was
  // read.
  for (auto& lane : lanes_)
    if (!lane->idle())
      if (spool::Place stored = lane->stored(); spool::place_before(stored, least)) least = stored;
  return least.base != 0 ? 0 : least.batch;
}

Result<RefreshOutcome> Follow::refresh(const std::vector<std::string>& keys_json,
                                       const ItemLookup& lookup) {
  std::vector<Refresh> requests(lanes_.size());
  ddb::ItemBatch keys;
  Preparer preparer(mapping_);
  for (const std::string& text : keys_json) {
    ddb::ItemView key = TRY(preparer.decode_key(text, keys));
    requests[static_cast<size_t>(lane_of(ddb::digest(key), options_.lanes))].keys_json.push_back(
        text);
  }
  std::mutex mutex;
  std::condition_variable answered;
  size_t waiting = 0;
  RefreshOutcome outcome;
  std::optional<Error> failed;
  for (size_t i = 0; i < lanes_.size(); ++i) {
    if (requests[i].keys_json.empty()) continue;
    requests[i].lookup = lookup;
    requests[i].done = [&](Result<RefreshOutcome> result) {
      std::lock_guard lock(mutex);
      if (result.ok()) {
        outcome.applied += result->applied;
        outcome.refused.insert(outcome.refused.end(), result->refused.begin(),
                               result->refused.end());
      } else {
        failed = std::move(result).error();
      }
      --waiting;
      answered.notify_all();
    };
    {
      std::lock_guard lock(mutex);
      ++waiting;
    }
    if (!lanes_[i]->push(std::move(requests[i]))) {
      std::lock_guard lock(mutex);
      --waiting;
      failed = Error(ErrorKind::kCancelled, "follow.stopped", "the follower has stopped");
    }
  }
  std::unique_lock lock(mutex);
  answered.wait(lock, [&] { return waiting == 0; });
  if (failed) return *failed;
  return outcome;
}

void Follow::reload_letters() {
  for (auto& lane : lanes_) lane->reload_letters();
}

FollowCounts Follow::counts() {
  FollowCounts sum;
  for (auto& lane : lanes_) {
    sum.captured += lane->counts().captured;
    sum.applied += lane->counts().applied;
    sum.letters += lane->counts().letters;
    sum.retries += lane->counts().retries;
  }
  return sum;
}

std::string Follow::waiting() {
  for (auto& lane : lanes_)
    if (std::string why = lane->waiting(); !why.empty()) return why;
  return {};
}

}  // namespace offramp::migrate::follow
