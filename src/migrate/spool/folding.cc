// Folding closed segments into a base. The note tells a later process what may be in the base
// already:
//
//   note {last L, intended L}  →  note {L, M}  →  add batches L+1 … M, flush  →  note {M, M}  →
//   remove their segments
//
// After a kill between, the segments are still there, and adding them again leads to the same base.
#include <algorithm>

#include "base/kill_point.h"
#include "migrate/spool/durable_spool.h"

namespace offramp::migrate::spool {

Status DurableSpool::add_segment(Base& base, const Segment& segment, std::stop_token stop) {
  FrameCursor cursor(TRY(open_file(segment.path)), segment.path);
  model::Change change;
  std::string_view body;
  while (cursor.offset() < segment.bytes) {
    if (stop.stop_requested()) return Error(ErrorKind::kCancelled, "spool.fold_stopped", "stopped");
    FrameHeader header = TRY(cursor.peek_header(segment.bytes));
    std::string_view payload = TRY(cursor.payload(header, segment.bytes));
    if (header.kind == FrameKind::kBatch) {
      auto changes = TRY_CONTEXT(segment.path, BatchReader::open(payload, nullptr));
      while (TRY_CONTEXT(segment.path, changes.next(change, body))) TRY(base.add(change.key, body));
    }
    cursor.skip(header);
  }
  return {};
}

// `segments` are those of the batches behind note.last, up to `last`.
Status DurableSpool::fold_into(BaseNote note, const std::vector<Segment>& segments, uint64_t last,
                               std::stop_token stop) {
  note.intended = std::max(note.intended, last);
  TRY(write_note(generation_folder_, note));
  {
    std::lock_guard lock(mutex_);
    for (BaseNote& base : bases_)
      if (base.first == note.first) base.intended = note.intended;
  }
  if (note.last == 0 && !open_bases_.contains(note.first))
    TRY(remove_all(generation_folder_ + "/" + numbered("base-", note.first)));
  Base* base = TRY(open_base(note.first));
  base::kill_point("spool.fold_noting");
  for (const Segment& segment : segments) TRY(add_segment(*base, segment, stop));
  base::kill_point("spool.fold_added");
  TRY(base->flush());
  note.last = note.intended = last;
  note.keys = base->keys_about();
  TRY(write_note(generation_folder_, note));
  base::kill_point("spool.fold_noted");
  {
    std::lock_guard lock(mutex_);
    auto known = std::ranges::find(bases_, note.first, &BaseNote::first);
    if (known == bases_.end()) {
      bases_.push_back(note);
    } else {
      *known = note;
    }
    std::erase_if(segments_, [&](const Segment& segment) {
      return note.first <= segment.first && segment.first <= last;
    });
  }
  for (const Segment& segment : segments) TRY(remove_file(segment.path));
  return {};
}

Status DurableSpool::settle(const BaseNote& note) {
  std::vector<Segment> segments;
  uint64_t last = note.last;
  {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i + 1 < segments_.size(); ++i) {
      if (segments_[i].first != last + 1 || segments_[i].first > note.intended) continue;
      segments.push_back(segments_[i]);
      last = end_of(i);
    }
  }
  return fold_into(note, segments, last, {});
}

Result<bool> DurableSpool::fold(std::stop_token stop) {
  std::lock_guard reading(reading_mutex_);
  BaseNote note;
  std::vector<Segment> segments;
  uint64_t last = 0;
  {
    std::lock_guard lock(mutex_);
    if (!origin_ || failed_) return false;
    uint64_t read = at_.base != 0 ? at_.base : at_.batch;
    uint64_t lower = bases_.empty() ? read : std::max(read, bases_.back().last);
    uint64_t bytes = 0;
    for (size_t i = 0; i + 1 < segments_.size() && bytes < options_.fold_bytes; ++i) {
      if (segments_[i].first <= lower) continue;
      segments.push_back(segments_[i]);
      bytes += segments_[i].bytes;
      last = end_of(i);
    }
    if (segments.empty() || bytes < options_.fold_bytes) return false;
    uint64_t first = segments.front().first;
    bool unread = !bases_.empty() && !base_ && at_.base == 0 && read < bases_.back().first;
    if (unread && bases_.back().last + 1 == first) {
      note = bases_.back();
    } else {
      note = {.first = first, .changes_before = segments.front().changes_before};
    }
  }
  cursor_
      .reset();  // It may stand before the first of them; a base that is being read stays as it is.
  Status folded = fold_into(note, segments, last, stop);
  if (!folded.ok() && note.last == 0) {
    // A base that never came to be must not lie about; should this fail, the next start removes it.
    open_bases_.erase(note.first);
    std::string path = generation_folder_ + "/" + numbered("base-", note.first);
    if (remove_all(path).ok()) (void)remove_file(path + ".note").ok();
  }
  TRY(std::move(folded));
  return true;
}

}  // namespace offramp::migrate::spool
