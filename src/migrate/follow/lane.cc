// The usual batch is one transaction; everything else here is for the day when it is refused or the
// target is away.
#include "migrate/follow/lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/kill_point.h"

namespace offramp::migrate::follow {
namespace {

constexpr size_t kTasksMax =
    2;  // one being written, one prepared meanwhile, is what keeps both sides busy
constexpr std::chrono::milliseconds kRetryFirst{200}, kRetryMax{5000};

bool passing(const Error& error) {
  return error.kind() == ErrorKind::kUnavailable || error.kind() == ErrorKind::kRetry ||
         error.kind() == ErrorKind::kThrottled;
}

}  // namespace

Lane::Lane(int index, int lanes, target::Target& target,
           std::shared_ptr<const mapping::CompiledMapping> mapping, Journal& journal,
           io::Clock& clock)
    : name_(fmt::format("changes {}/{}", index + 1, lanes)),
      index_(index),
      lanes_(lanes),
      target_(target),
      mapping_(std::move(mapping)),
      journal_(journal),
      clock_(clock),
      preparer_(mapping_) {}

Status Lane::begin(const std::optional<model::Position>& stored) {
  if (stored) position_ = *stored;
  spool::Place place = TRY(spool::unpack_place(position_.token));
  {
    std::lock_guard lock(mutex_);
    stored_ = place;
  }
  return load_letters();
}

Status Lane::load_letters() {
  std::set<ddb::Digest> frozen;
  for (const Letter& letter : TRY(journal_.letters(Journal::Bodies::kWithout))) {
    if (letter.state != LetterState::kOpen || letter.key_digest.size() != 16) continue;
    ddb::Digest key = digest_of_bytes(letter.key_digest);
    if (lane_of(key, lanes_) == index_) frozen.insert(key);
  }
  frozen_ = std::move(frozen);
  return {};
}

Lane::Push Lane::push(std::unique_ptr<LaneBatch>& batch, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, timeout, [&] { return tasks_.size() < kTasksMax || ended_; }))
    return Push::kFull;
  if (ended_) return Push::kEnded;
  tasks_.emplace_back(std::move(batch));
  changed_.notify_all();
  return Push::kTaken;
}

bool Lane::push(Refresh refresh) {
  std::lock_guard lock(mutex_);
  if (ended_ || closed_) return false;
  tasks_.emplace_back(std::move(refresh));
  changed_.notify_all();
  return true;
}

void Lane::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

bool Lane::idle() {
  std::lock_guard lock(mutex_);
  return !busy_ && tasks_.empty() && !ended_;
}

spool::Place Lane::stored() {
  std::lock_guard lock(mutex_);
  return stored_;
}

std::string Lane::waiting() {
  std::lock_guard lock(mutex_);
  return waiting_;
}

std::unique_ptr<LaneBatch> Lane::recycled() {
  std::lock_guard lock(mutex_);
  if (free_.empty()) return std::make_unique<LaneBatch>();
  auto batch = std::move(free_.back());
  free_.pop_back();
  return batch;
}

Status Lane::run(std::stop_token stop) {
  Status status;
  while (status.ok()) {
    std::optional<Task> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !tasks_.empty() || closed_; });
      if (tasks_.empty()) break;
      task = std::move(tasks_.front());
      tasks_.pop_front();
      busy_ = true;
      changed_.notify_all();
    }
    if (reload_.exchange(false)) status = load_letters();
    if (auto* batch = std::get_if<std::unique_ptr<LaneBatch>>(&*task)) {
      if (status.ok()) status = apply_batch(**batch, stop);
    } else {
      auto& request = std::get<Refresh>(*task);
      if (status.ok())
        request.done(refresh(request, stop));
      else
        request.done(status.error());
    }
    auto place = spool::unpack_place(position_.token);
    std::lock_guard lock(mutex_);
    busy_ = false;
    if (status.ok() && place.ok()) stored_ = *place;
    if (auto* batch = std::get_if<std::unique_ptr<LaneBatch>>(&*task);
        batch && free_.size() < kTasksMax + 1)
      free_.push_back(std::move(*batch));
    changed_.notify_all();
  }
  std::deque<Task> left;
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
    left.swap(tasks_);
    changed_.notify_all();
  }
  for (Task& task : left)
    if (auto* request = std::get_if<Refresh>(&task))
      request->done(
          Error(ErrorKind::kCancelled, "follow.stopped", "the lane of this key has stopped"));
  return status;
}

Status Lane::file_letter(const model::Change& change, std::string code, std::string why) {
  Letter letter;
  bool waits = code == "change.waiting";
  // Named by what it speaks of, so that a repetition after a kill replaces it; of the changes that
  // wait the newest stays.
  letter.partition = waits ? "waiting change" : fmt::format("change {}", change.sequence);
  letter.ordinal = change.key.low >> 1;
  letter.key_digest = digest_bytes(change.key);
  letter.key_json = change.key_json;
  letter.body_is_item = !change.image_json.empty();
  letter.body = letter.body_is_item ? change.image_json : change.key_json;
  letter.code = std::move(code);
  letter.reason = letter.body_is_item ? std::move(why) : "deletion: " + why;
  TRY(journal_.add_letters(std::span(&letter, 1)));
  ++counts_.letters;
  frozen_.insert(change.key);
  return {};
}

// Letters for what the mapping refused and for changes whose keys are frozen; what is left is
// prepared anew.
Status Lane::park(const LaneBatch& batch) {
  for (const Refusal& refusal : batch.refused) {
    const model::Change& change = batch.changes.changes[refusal.change];
    if (!frozen_.contains(change.key)) TRY(file_letter(change, refusal.code, refusal.why));
  }
  return {};
}

Status Lane::apply_batch(LaneBatch& batch, std::stop_token stop) {
  // A frozen key's change waits, whatever it is; checked before this batch's own refusals freeze
  // more.
  bool any_frozen =
      !frozen_.empty() &&
      std::any_of(batch.changes.changes.begin(), batch.changes.changes.end(),
                  [&](const model::Change& change) { return frozen_.contains(change.key); });
  std::set<ddb::Digest> waiting;
  if (any_frozen) {
    for (const model::Change& change : batch.changes.changes) {
      if (!frozen_.contains(change.key)) continue;
      TRY(file_letter(change, "change.waiting",
                      "an earlier change of this key is in a dead letter"));
      waiting.insert(change.key);
    }
    TRY(preparer_.prepare(
        batch, [&](const model::Change& change) { return waiting.contains(change.key); }));
  }
  TRY(park(batch));

  model::Position after = position_;
  after.records += batch.captured;
  after.token = spool::pack_place(batch.after);
  base::kill_point("follow.before_apply");
  Status status = write(batch.keys, batch.rows, after, stop);
  if (!status.ok() && status.error().kind() == ErrorKind::kBadItem) {
    TRY(apply_parts(batch, 0, batch.changes.changes.size(), stop));
    mapping::RowBatch none;
    none.reset(mapping_->tables().size());
    status = write(none, none, after, stop);
  }
  TRY(std::move(status));
  base::kill_point("follow.after_apply");
  counts_.captured += batch.captured;
  counts_.applied += batch.changes.changes.size();
  return {};
}

Status Lane::apply_parts(LaneBatch& batch, size_t from, size_t to, std::stop_token stop) {
  // The position stays where it is until the whole batch is through.
  part_.reset(mapping_->tables().size());
  for (size_t i = from; i < to; ++i)
    if (!frozen_.contains(batch.changes.changes[i].key))
      part_.changes.add(batch.changes.changes[i]);
  if (part_.changes.changes.empty()) return {};
  TRY(preparer_.prepare(part_, [](const model::Change&) { return false; }));
  Status status = write(part_.keys, part_.rows, position_, stop);
  if (status.ok() || status.error().kind() != ErrorKind::kBadItem) return status;
  if (to - from == 1)
    return file_letter(batch.changes.changes[from], status.error().code(),
                       status.error().message());
  size_t middle = from + (to - from) / 2;
  TRY(apply_parts(batch, from, middle, stop));
  return apply_parts(batch, middle, to, stop);
}

Status Lane::reconnect() {
  applier_.reset();
  applier_ = TRY(target_.applier(name_));
  auto positions = TRY(target_.positions());
  auto found = positions.find(name_);
  if (found != positions.end()) {
    position_ = found->second;
  } else if (!position_.token.empty()) {
    return Error(ErrorKind::kGap, "follow.position_gone",
                 "the target no longer has the position of " + name_ +
                     ": it was replaced or set back; restore it, or repair the gap with `offramp "
                     "run PLAN --repair-gap`");
  }
  return {};
}

Status Lane::write(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
                   const model::Position& after, std::stop_token stop) {
  std::chrono::milliseconds pause = kRetryFirst;
  const std::string expected = position_.token;
  for (;;) {
    Status status;
    if (!applier_) {
      status = reconnect();
      if (status.ok() && position_.token != expected) {
        // A transaction whose answer was lost is there after all.
        if (position_.token == after.token) return {};
        return Error(ErrorKind::kConflict, "applier.superseded",
                     "another process writes the changes of this migration: " + name_ +
                         " has moved on without us");
      }
    }
    if (status.ok()) status = applier_->apply(keys, rows, expected, after);
    if (status.ok()) {
      position_ = after;
      std::lock_guard lock(mutex_);
      waiting_.clear();
      return {};
    }
    const Error& error = status.error();
    if (error.kind() == ErrorKind::kBadItem) return status;
    applier_.reset();
    if (!passing(error)) return status;
    ++counts_.retries;
    {
      std::lock_guard lock(mutex_);
      waiting_ = error.message();
    }
    if (stop.stop_requested() || !clock_.sleep(pause, stop))
      return Error(ErrorKind::kCancelled, "follow.stopped",
                   "stopped while the target was away: " + error.message());
    pause = std::min(pause * 2, kRetryMax);
  }
}

Result<RefreshOutcome> Lane::refresh(const Refresh& request, std::stop_token stop) {
  RefreshOutcome outcome;
  std::vector<std::string_view> texts(request.keys_json.begin(), request.keys_json.end());
  // Read in this thread: nothing of these keys is applied between the reading and the writing, so
  // what is read is at least as new as all that was applied; a later change comes later through
  // this lane.
  ddb::ItemBatch found;
  TRY(request.lookup(texts, found));
  ItemKey item_key(mapping_->key());
  std::map<ddb::Digest, size_t> items;
  for (size_t i = 0; i < found.size(); ++i)
    if (item_key.take(found.item(i))) items[item_key.digest()] = i;
  mapping::RowBatch keys, rows;
  for (const std::string& text : request.keys_json) {
    ddb::ItemBatch key_batch;
    ddb::ItemView key = TRY(preparer_.decode_key(text, key_batch));
    ddb::Digest digest = ddb::digest(key);
    auto item = items.find(digest);
    keys.reset(mapping_->tables().size());
    rows.reset(mapping_->tables().size());
    std::string why;
    bool accepted = TRY(preparer_.add_image(
        key, item == items.end() ? ddb::ItemView() : found.item(item->second), keys, rows, why));
    if (accepted) {
      Status status = write(keys, rows, position_, stop);
      if (!status.ok() && status.error().kind() != ErrorKind::kBadItem)
        return std::move(status).error();
      accepted = status.ok();
      if (!accepted) why = status.error().message();
    }
    if (!accepted) {
      outcome.refused.emplace_back(text, why);
      if (!frozen_.contains(digest)) {
        model::Change change;
        std::string image;
        if (item != items.end()) ddb::append_item_json(found.item(item->second), image);
        change.key = digest;
        change.key_json = text;
        change.image_json = image;
        change.sequence = "refresh";
        TRY(file_letter(change, "item.refused", why));
      }
      continue;
    }
    ++outcome.applied;
    if (frozen_.erase(digest)) TRY(journal_.settle_letters(digest_bytes(digest)));
  }
  return outcome;
}

}  // namespace offramp::migrate::follow
