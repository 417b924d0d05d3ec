// Appending: one of the threads that wait writes for all of them, with one write and one fdatasync.
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/kill_point.h"
#include "migrate/spool/durable_spool.h"

namespace offramp::migrate::spool {
namespace {

constexpr size_t kBufferKeptBytes = 8u << 20;
constexpr size_t kGroupBytesMax = 64u << 20;
constexpr size_t kGroupEntriesMax = 500;  // two pieces each, below IOV_MAX

Status write_pieces(const File& file, const std::string& path, std::vector<iovec>& pieces,
                    uint64_t offset) {
  size_t next = 0;
  while (next < pieces.size()) {
    ssize_t size = ::pwritev(file.fd(), pieces.data() + next,
                             static_cast<int>(pieces.size() - next), static_cast<off_t>(offset));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return io_error("write", path);
    offset += static_cast<uint64_t>(size);
    for (size_t left = static_cast<size_t>(size);
         left > 0 || (next < pieces.size() && pieces[next].iov_len == 0);) {
      size_t step = std::min(left, pieces[next].iov_len);
      pieces[next].iov_base = static_cast<char*>(pieces[next].iov_base) + step;
      pieces[next].iov_len -= step;
      left -= step;
      if (pieces[next].iov_len == 0) ++next;
    }
  }
  return {};
}

}  // namespace

Status DurableSpool::usable() const {
  if (failed_) return *failed_;
  if (!origin_)
    return Error(ErrorKind::kInternal, "spool.not_begun",
                 "the spool " + folder_ + " has not been begun");
  return {};
}

void DurableSpool::wait_to_lead(Lock& lock) {
  changed_.wait(lock, [&] { return !leading_; });
  leading_ = true;
}

void DurableSpool::stop_leading() {
  leading_ = false;
  changed_.notify_all();
}

Result<uint64_t> DurableSpool::append(std::span<const model::Change> changes,
                                      std::span<const model::ShardState> shards) {
  thread_local std::string payload;
  if (payload.capacity() > kBufferKeptBytes) std::string().swap(payload);
  encode_batch(changes, shards, payload);
  Entry entry{
      .kind = FrameKind::kBatch, .payload = payload, .shards = shards, .changes = changes.size()};
  TRY(commit(entry));
  return entry.number;
}

Status DurableSpool::forget_shards(std::span<const std::string> ids) {
  if (ids.empty()) return {};
  std::string payload;
  encode_forget(ids, payload);
  Entry entry{.kind = FrameKind::kForget, .payload = payload, .forgotten = ids};
  return commit(entry);
}

Status DurableSpool::commit(Entry& entry) {
  if (entry.payload.size() > kPayloadBytesMax)
    return Error(ErrorKind::kInternal, "spool.batch_too_large",
                 "a batch of changes is too large for the spool");
  entry.hash = payload_hash(entry.payload);
  Lock lock(mutex_);
  TRY(usable());
  queue_.push_back(&entry);
  while (!entry.done) {
    if (leading_) {
      changed_.wait(lock, [&] { return entry.done || !leading_; });
    } else {
      lead(lock);
    }
  }
  if (entry.error) return *entry.error;
  return {};
}

void DurableSpool::lead(Lock& lock) {
  leading_ = true;
  group_.clear();
  size_t bytes = 0;
  for (Entry* entry : queue_) {
    if (!group_.empty() && bytes + entry->payload.size() > kGroupBytesMax) break;
    if (group_.size() == kGroupEntriesMax) break;
    group_.push_back(entry);
    bytes += entry->payload.size() + kHeaderBytes;
  }
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(group_.size()));
  Status status = usable();
  if (status.ok()) {
    Segment active = segments_.back();
    uint64_t newest = newest_, changes = changes_;
    lock.unlock();
    status = write_group(active, newest, changes);
    lock.lock();
  }
  for (Entry* entry : group_) {
    entry->done = true;
    if (!status.ok()) {
      entry->error = status.error();
      continue;
    }
    if (entry->kind == FrameKind::kBatch) ++newest_;
    changes_ += entry->changes;
    for (const model::ShardState& shard : entry->shards) shards_[shard.id] = shard;
    for (const std::string& id : entry->forgotten) shards_.erase(id);
  }
  if (status.ok()) {
    Segment& active = segments_.back();
    active.bytes += bytes;
    if (active.bytes >= options_.segment_bytes && newest_ >= active.first) {
      changed_.notify_all();  // Those whose batches are durable need not wait for the new segment.
      if (Status rolled = roll(lock); !rolled.ok()) failed_ = rolled.error();
    }
  } else if (!failed_) {
    failed_ = status.error();
  }
  stop_leading();
}

Status DurableSpool::write_group(const Segment& active, uint64_t newest, uint64_t changes) {
  std::vector<std::array<char, kHeaderBytes>> headers(group_.size());
  std::vector<iovec> pieces;
  pieces.reserve(group_.size() * 2);
  for (size_t i = 0; i < group_.size(); ++i) {
    Entry& entry = *group_[i];
    if (entry.kind == FrameKind::kBatch) ++newest;
    changes += entry.changes;
    entry.number = newest;
    write_header({.kind = entry.kind,
                  .length = static_cast<uint32_t>(entry.payload.size()),
                  .number = newest,
                  .durable = active.bytes,
                  .changes = changes,
                  .payload_hash = entry.hash},
                 headers[i].data());
    pieces.push_back({headers[i].data(), kHeaderBytes});
    pieces.push_back({const_cast<char*>(entry.payload.data()), entry.payload.size()});
  }
  Status status = write_pieces(active_, active.path, pieces, active.bytes);
  base::kill_point("spool.written");
  if (status.ok() && ::fdatasync(active_.fd()) != 0) status = io_error("sync", active.path);
  // What was written in part, or perhaps is not on disk, was not appended.
  if (!status.ok()) (void)!::ftruncate(active_.fd(), static_cast<off_t>(active.bytes));
  return status;
}

Status DurableSpool::roll(Lock& lock) {
  std::vector<model::ShardState> states;
  states.reserve(shards_.size());
  for (const auto& [id, shard] : shards_) states.push_back(shard);
  std::string snapshot;
  encode_snapshot(*origin_, segments_.back().first, states, snapshot);
  uint64_t first = newest_ + 1, changes = changes_, bytes = 0;
  std::string folder = generation_folder_;
  lock.unlock();
  auto file = create_segment(folder, first, changes, snapshot, bytes);
  base::kill_point("spool.rolled");
  lock.lock();
  File opened = TRY(std::move(file));
  active_ = std::move(opened);
  segments_.push_back({.first = first,
                       .path = folder + "/" + numbered("log-", first),
                       .bytes = bytes,
                       .changes_before = changes});
  return {};
}

Status DurableSpool::begin(const Origin& origin, std::span<const model::ShardState> shards) {
  std::lock_guard reading(reading_mutex_);
  Lock lock(mutex_);
  if (failed_) return *failed_;
  if (origin.generation <= (origin_ ? origin_->generation : 0))
    return Error(ErrorKind::kInternal, "spool.generation",
                 "a new capture must have a higher generation");
  wait_to_lead(lock);
  for (Entry* entry : std::exchange(queue_, {})) {
    entry->done = true;
    entry->error = Error(ErrorKind::kCancelled, "spool.begun_anew", "the capture has begun anew");
  }
  std::string folder = generation_folder(folder_, origin.generation), partial = folder + ".part";
  Recovered fresh{.origin = origin, .folder = folder};
  std::string snapshot;
  encode_snapshot(origin, 0, shards, snapshot);
  Status status = [&]() -> Status {
    TRY(remove_all(partial));
    TRY(make_folder(partial));
    uint64_t bytes = 0;
    TRY(create_segment(partial, 1, 0, snapshot, bytes));
    base::kill_point("spool.before_begin");
    TRY(rename_file(partial, folder));
    TRY(sync_folder(folder_));
    base::kill_point("spool.begun");
    fresh.segments.push_back(
        {.first = 1, .path = folder + "/" + numbered("log-", 1), .bytes = bytes});
    for (const model::ShardState& shard : shards) fresh.shards[shard.id] = shard;
    return {};
  }();
  std::string old = generation_folder_;
  if (status.ok()) {
    leave();
    open_bases_.clear();
    status = take(std::move(fresh));
    if (status.ok() && !old.empty()) status = remove_all(old);
  }
  if (!status.ok()) failed_ = status.error();
  stop_leading();
  return status;
}

}  // namespace offramp::migrate::spool
