// Reading in the order of the pieces, and letting go of what has been read.
#include <algorithm>

#include "base/kill_point.h"
#include "migrate/spool/durable_spool.h"

namespace offramp::migrate::spool {
namespace {

constexpr size_t kReadBytesMax = 8u << 20;
constexpr uint64_t kIdleSegmentBytes = 1u << 20;

Error gap(const std::string& folder, const Place& place) {
  return Error(ErrorKind::kGap, "spool.released",
               "the target stands at place '" + pack_place(place) +
                   "' of the captured changes, but the spool " + folder +
                   " no longer holds those that follow: the target was set back to an earlier "
                   "state; capture and "
                   "load anew with `offramp run --repair-gap`");
}

Error ahead(const std::string& folder, const Place& place) {
  return Error(
      ErrorKind::kGap, "spool.went_back",
      "the target stands at place '" + pack_place(place) +
          "' of the captured changes, which the spool " + folder +
          " has not reached: the spool was set back to an earlier state; capture anew with "
          "`offramp run --repair-gap`");
}

}  // namespace

uint64_t DurableSpool::end_of(size_t segment) const {
  uint64_t next = segment + 1 < segments_.size() ? segments_[segment + 1].first : newest_ + 1;
  for (const BaseNote& base : bases_)
    if (base.first > segments_[segment].first) next = std::min(next, base.first);
  return next - 1;
}

void DurableSpool::leave() {
  cursor_.reset();
  base_ = nullptr;
}

Result<Base*> DurableSpool::open_base(uint64_t first) {
  std::unique_ptr<Base>& base = open_bases_[first];
  if (!base) base = TRY(Base::open(generation_folder_ + "/" + numbered("base-", first)));
  return base.get();
}

Status DurableSpool::enter_base(const BaseNote& note, const ddb::Digest* after) {
  leave();
  if (note.intended > note.last) TRY(settle(note));
  Base* base = TRY(open_base(note.first));
  TRY(base->seek(after));
  base_ = base;
  {
    std::lock_guard lock(mutex_);
    for (const BaseNote& now : bases_)
      if (now.first == note.first) base_last_ = now.last;
  }
  return {};
}

BaseNote DurableSpool::base_of(uint64_t last) const {
  std::lock_guard lock(mutex_);
  auto base = std::ranges::find(bases_, last, &BaseNote::last);
  ASSERT(base != bases_.end());
  return *base;
}

// Makes reading stand before batch `next`, which is in a base or a segment.
Status DurableSpool::enter(uint64_t next) {
  leave();
  std::optional<BaseNote> base;
  std::string path;
  {
    std::lock_guard lock(mutex_);
    for (const BaseNote& note : bases_)
      if (note.first <= next && next <= note.last) base = note;
    if (!base) {
      auto above = std::ranges::upper_bound(segments_, next, {}, &Segment::first);
      ASSERT(above != segments_.begin());
      --above;
      path = above->path;
      cursor_first_ = above->first;
      read_changes_ = above->changes_before;
    }
  }
  if (base) return enter_base(*base, nullptr);
  cursor_.emplace(TRY(open_file(path)), path);
  Status skipped = skip_to(next);
  if (!skipped.ok()) cursor_.reset();
  return skipped;
}

Status DurableSpool::skip_to(uint64_t next) {
  uint64_t limit = 0;
  {
    std::lock_guard lock(mutex_);
    limit = std::ranges::find(segments_, cursor_first_, &Segment::first)->bytes;
  }
  while (cursor_->offset() < limit) {
    FrameHeader header = TRY(cursor_->peek_header(limit));
    if (header.kind == FrameKind::kBatch && header.number >= next) break;
    read_changes_ = header.changes;
    cursor_->skip(header);
  }
  return {};
}

Status DurableSpool::seek(const Place& place) {
  std::lock_guard reading(reading_mutex_);
  leave();
  marks_.clear();
  std::vector<BaseNote> bases;
  uint64_t first, newest;
  Place wanted;
  {
    std::lock_guard lock(mutex_);
    if (!origin_)
      return Error(ErrorKind::kInternal, "spool.not_begun", "the spool has not been begun");
    bases = bases_;
    newest = newest_;
    first = bases_.empty() ? segments_.front().first
                           : std::min(segments_.front().first, bases_.front().first);
    wanted = {.generation = origin_->generation};
  }
  if (place.generation > wanted.generation) return ahead(folder_, place);
  if (place.generation == wanted.generation) wanted = place;
  if (std::max(wanted.base, wanted.batch) > newest) return ahead(folder_, place);
  if (wanted.base == 0) {
    if (wanted.batch + 1 < first) return gap(folder_, place);
    for (const BaseNote& base : bases)
      if (base.first <= wanted.batch && wanted.batch < base.last) wanted.batch = base.first - 1;
    at_ = wanted;
    return enter(at_.batch + 1);
  }
  for (const BaseNote& base : bases) {
    if (wanted.base < base.first || base.last < wanted.base) continue;
    if (base.last != wanted.base) {
      at_ = {.generation = wanted.generation, .batch = base.first - 1};
      return enter_base(base, nullptr);
    }
    at_ = wanted;
    at_.batch = 0;
    TRY(enter_base(base, &at_.key));
    // A fold that a kill had interrupted has been brought to its end: newer changes of keys already
    // read are among it.
    if (base_last_ != wanted.base) {
      at_ = {.generation = wanted.generation, .batch = base.first - 1};
      TRY(base_->seek(nullptr));
    }
    return {};
  }
  return gap(folder_, place);
}

Result<bool> DurableSpool::read(model::ChangeBatch& batch, Place& after, size_t changes_max) {
  std::lock_guard reading(reading_mutex_);
  batch.reset();
  if (at_.generation == 0) return false;
  Place before = at_;
  auto result = [&]() -> Result<bool> {
    if (!cursor_ && !base_ && at_.base != 0) {
      TRY(enter_base(base_of(at_.base), &at_.key));  // again, after an error
    } else if (!cursor_ && !base_) {
      if (at_.batch == newest_batch()) return false;
      TRY(enter(at_.batch + 1));
    }
    return base_ ? read_base(batch, changes_max) : read_log(batch, changes_max);
  }();
  if (!result.ok()) {
    at_ = before;
    leave();
    batch.reset();
    return result;
  }
  if (*result) after = at_;
  return result;
}

Result<bool> DurableSpool::read_base(model::ChangeBatch& batch, size_t changes_max) {
  model::Change change;
  size_t bytes = 0;
  while (TRY(base_->current(change))) {
    if (!batch.changes.empty() && (batch.changes.size() >= changes_max || bytes >= kReadBytesMax)) {
      at_ = {.generation = at_.generation, .base = base_last_, .key = batch.changes.back().key};
      return true;
    }
    batch.add(change);
    bytes += change.key_json.size() + change.image_json.size();
    base_->advance();
  }
  at_ = {.generation = at_.generation, .batch = base_last_};
  leave();
  return true;
}

Result<bool> DurableSpool::read_log(model::ChangeBatch& batch, size_t changes_max) {
  const uint64_t start = at_.batch;
  size_t bytes = 0;
  for (;;) {
    uint64_t limit, end;
    bool closed;
    {
      std::lock_guard lock(mutex_);
      auto segment = std::ranges::find(segments_, cursor_first_, &Segment::first);
      ASSERT(segment != segments_.end());
      limit = segment->bytes;
      closed = segment + 1 != segments_.end();
      end = end_of(static_cast<size_t>(segment - segments_.begin()));
    }
    if (cursor_->offset() >= limit) {
      if (!closed) break;
      if (at_.batch != end) return damaged(cursor_->path(), limit, "its last records are missing");
      // A base is read by itself.
      TRY(enter(at_.batch + 1));
      if (base_) {
        if (at_.batch != start) break;
        return read_base(batch, changes_max);
      }
      continue;
    }
    uint64_t before = cursor_->offset();
    if (!TRY(read_frame(batch, changes_max, at_.batch == start, limit))) break;
    bytes += cursor_->offset() - before;
    if (batch.changes.size() >= changes_max || bytes >= kReadBytesMax) break;
  }
  if (at_.batch == start) return false;
  marks_.push_back({at_.batch, read_changes_});
  return true;
}

// False when the frame is a batch too many.
Result<bool> DurableSpool::read_frame(model::ChangeBatch& batch, size_t changes_max, bool first,
                                      uint64_t limit) {
  FrameHeader header = TRY(cursor_->peek_header(limit));
  if (header.kind == FrameKind::kBatch) {
    if (header.number != at_.batch + 1)
      return damaged(cursor_->path(), cursor_->offset(),
                     "a record is not the one that should follow");
    std::string_view payload = TRY(cursor_->payload(header, limit));
    auto changes = TRY_CONTEXT(cursor_->path(), BatchReader::open(payload, nullptr));
    if (!first && batch.changes.size() + changes.changes_left() > changes_max) return false;
    model::Change change;
    std::string_view body;
    while (TRY_CONTEXT(cursor_->path(), changes.next(change, body))) batch.add(change);
    at_.batch = header.number;
  }
  read_changes_ = header.changes;
  cursor_->skip(header);
  return true;
}

Status DurableSpool::remove_base(const BaseNote& note) {
  open_bases_.erase(note.first);
  std::string path = generation_folder_ + "/" + numbered("base-", note.first);
  // A folder without a note is a leftover.
  TRY(remove_file(path + ".note"));
  TRY(sync_folder(generation_folder_));
  base::kill_point("spool.base_released");
  TRY(rename_file(path, path + ".gone"));
  return remove_all(path + ".gone");
}

Status DurableSpool::release(const Place& place) {
  std::lock_guard reading(reading_mutex_);
  Lock lock(mutex_);
  if (!origin_ || place.generation != origin_->generation) return {};
  const Place& until = place_before(at_, place) ? at_ : place;
  uint64_t batch = until.batch;
  if (until.base != 0) {
    auto base = std::ranges::find(bases_, until.base, &BaseNote::last);
    if (base == bases_.end()) return {};
    batch = base->first - 1;
  }
  while (!marks_.empty() && marks_.front().batch <= batch) {
    released_changes_ = std::max(released_changes_, marks_.front().changes);
    marks_.pop_front();
  }
  const Segment& active = segments_.back();
  if (newest_ <= batch && newest_ >= active.first && active.bytes > kIdleSegmentBytes && !failed_) {
    wait_to_lead(lock);
    // Others may have written meanwhile; then it is not idle.
    Status rolled = newest_ <= batch ? roll(lock) : Status();
    if (!rolled.ok()) failed_ = rolled.error();
    stop_leading();
    TRY(std::move(rolled));
  }
  std::vector<Segment> segments;
  std::vector<BaseNote> bases;
  while (segments_.size() > 1 && end_of(0) <= batch) {
    if (cursor_ && cursor_first_ == segments_.front().first) cursor_.reset();
    segments.push_back(segments_.front());
    segments_.erase(segments_.begin());
  }
  while (!bases_.empty() && bases_.front().last <= batch) {
    bases.push_back(bases_.front());
    bases_.erase(bases_.begin());
  }
  lock.unlock();
  if (segments.empty() && bases.empty()) return {};
  // The oldest first: what a kill leaves is a row without a hole.
  auto segment = segments.begin();
  for (const BaseNote& base : bases) {
    for (; segment != segments.end() && segment->first < base.first; ++segment)
      TRY(remove_file(segment->path));
    TRY(remove_base(base));
  }
  for (; segment != segments.end(); ++segment) TRY(remove_file(segment->path));
  return sync_folder(generation_folder_);
}

}  // namespace offramp::migrate::spool
