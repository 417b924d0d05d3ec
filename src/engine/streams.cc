#include "engine/streams.h"

#include <algorithm>

#include "io/wall_ms.h"

namespace offramp::engine {
namespace {

// A short retention is kept to within a tenth.
constexpr int64_t kTrimEveryMsMax = 60'000;
// Calls of Store::trim_log() for one log at a time.
constexpr int kTrimCallsMax = 50;

bool was_changed_meanwhile(const Status& status) {
  return !status.ok() && (status.error().code() == "store.catalog_changed" ||
                          status.error().code() == "store.no_log");
}

}  // namespace

std::shared_ptr<const Streams::Loaded> Streams::loaded() const {
  std::lock_guard lock(mutex_);
  return loaded_;
}

Result<std::shared_ptr<const Streams::Loaded>> Streams::load(const Loaded& old, uint64_t version) {
  using Name = std::pair<std::string_view, std::string_view>;
  std::map<Name, StreamRef> known;
  for (const All* streams : {&old.streams, &old.others})
    for (const auto& [path, stream] : *streams)
      known.emplace(Name(stream->log.table_id, stream->log.label), stream);
  std::shared_ptr<const PlanTables> plans = catalog_.plan_tables();
  auto fresh = std::make_shared<Loaded>();
  fresh->version = version;
  std::vector<target::ChangeLogEntry> entries = TRY(store_.logs());
  for (const target::ChangeLogEntry& entry : entries) {
    auto before = known.find(Name(entry.name.table_id, entry.name.label));
    const Stream* was = before == known.end() ? nullptr : before->second.get();
    bool same = was && was->entry == entry.json && was->on == entry.on;
    StreamRef stream =
        same ? before->second : TRY(load_stream(entry, was, store_.limits(), *plans));
    bool served = stream->table->served.made_here || plans->contains(stream->table_name());
    All& into = served ? fresh->streams : fresh->others;
    into.emplace(stream->path(), std::move(stream));
  }
  return std::shared_ptr<const Loaded>(std::move(fresh));
}

Result<std::shared_ptr<const Streams::Loaded>> Streams::load_now() {
  // Before the entries: what changes in between is read again the next time.
  uint64_t version = TRY(store_.logs_version());
  std::shared_ptr<const Loaded> now = loaded();
  if (now->version != version) {
    now = TRY(load(*now, version));
    // Whoever is late puts back an older version, which is then read again.
    std::lock_guard lock(mutex_);
    loaded_ = now;
  }
  return now;
}

Result<std::shared_ptr<const Streams::All>> Streams::all() {
  std::shared_ptr<const Loaded> now = TRY(load_now());
  return std::shared_ptr<const All>(now, &now->streams);
}

Result<StreamRef> Streams::find(std::string_view arn) {
  std::shared_ptr<const All> streams = TRY(all());
  auto found = streams->find(stream_path_of(arn));
  return found == streams->end() ? StreamRef() : found->second;
}

Result<StreamRef> Streams::find_known(std::string_view arn) {
  std::shared_ptr<const Loaded> known = loaded();
  auto found = known->streams.find(stream_path_of(arn));
  if (found != known->streams.end()) return found->second;
  return find(arn);
}

Result<bool> Streams::write(const Stream& changed) {
  Status status = store_.update_log(changed.log, changed.entry, stream_entry(changed));
  if (was_changed_meanwhile(status)) return false;
  TRY(std::move(status));
  return true;
}

Status Streams::end_generation(Stream stream) {
  if (!stream.closing) {
    stream.closing = true;
    if (!TRY(write(stream))) return {};
    stream.entry = stream_entry(stream);
  }
  Result<uint64_t> mark = store_.log_mark(stream.log);
  if (!mark.ok()) return mark.error().code() == "store.no_log" ? Status() : Status(mark.error());
  int64_t now = io::wall_ms(clock_);
  stream.closing = false;
  stream.generations.push_back({*mark, std::max(now, stream.generations.back().begun_ms + 1)});
  // What ended longer ago than the retention has nothing that may still be read.
  while (stream.generations.size() > 1 && stream.generations[1].begun_ms + kept_ms_ < now) {
    stream.previous_ms = stream.generations[0].begun_ms;
    stream.generations.erase(stream.generations.begin());
  }
  return TRY(write(stream)), Status();
}

Status Streams::trim(const Stream& stream) {
  for (int i = 0; i < kTrimCallsMax; ++i) {
    Result<uint64_t> trimmed = store_.trim_log(stream.log, io::wall_ms(clock_) - kept_ms_);
    if (!trimmed.ok())
      return trimmed.error().code() == "store.no_log" ? Status() : Status(trimmed.error());
    if (*trimmed == 0) break;
  }
  return {};
}

Status Streams::maintain(const Stream& stream, bool trims) {
  int64_t now = io::wall_ms(clock_);
  if (trims) TRY(trim(stream));
  if (stream.on) {
    bool due = stream.generations.back().begun_ms + shard_ms_ <= now;
    return due || stream.closing ? end_generation(stream) : Status();
  }
  if (stream.ended_ms == 0) {
    Stream ended = stream;
    ended.ended_ms = now;
    return TRY(write(ended)), Status();
  }
  if (stream.ended_ms + kept_ms_ >= now) return {};
  Status dropped = store_.drop_log(stream.log);
  return was_changed_meanwhile(dropped) ? Status() : std::move(dropped);
}

Status Streams::maintain() {
  int64_t now = clock_.now().time_since_epoch().count();
  bool trims = now >= next_trim_ns_;
  if (trims) next_trim_ns_ = now + std::min(kTrimEveryMsMax, kept_ms_ / 10) * 1'000'000;
  Status first;
  std::shared_ptr<const Loaded> now_loaded = TRY(load_now());
  for (const All* streams : {&now_loaded->streams, &now_loaded->others})
    for (const auto& [path, stream] : *streams) {
      Status status = maintain(*stream, trims);
      if (first.ok() && !status.ok()) first = std::move(status);
    }
  return first;
}

}  // namespace offramp::engine
