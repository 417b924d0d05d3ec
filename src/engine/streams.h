// Streams: all streams of the store, and what must be done to them from time to time.
//
// The store is asked for the version of its logs with every call, because whoever reads a shard
// must know at once that it has ended; the entries are read again when it changed. Any thread:
// loaded_ is guarded by mutex_, which is not held while the store is asked (that may suspend a
// fiber); streams are constant. Entries are changed by compare-and-swap, so several processes may
// do it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "engine/catalog.h"
#include "engine/engine.h"
#include "engine/stream.h"
#include "io/clock.h"
#include "target/store.h"

namespace offramp::engine {

class Streams {
 public:
  using All = std::map<std::string, StreamRef, std::less<>>;  // by Stream::path()

  Streams(target::Store& store, const Catalog& catalog, const EngineOptions& options)
      : store_(store),
        catalog_(catalog),
        clock_(*options.clock),
        shard_ms_(options.stream_shard_age.count()),
        kept_ms_(options.stream_retention.count()) {}

  // As of now; but for those of plans' tables that this process does not serve.
  Result<std::shared_ptr<const All>> all();
  // By ARN, as of now; an empty reference when there is none.
  Result<StreamRef> find(std::string_view arn);
  // The same, possibly as it was a while ago.
  Result<StreamRef> find_known(std::string_view arn);

  // Ends generations that are old enough, forgets what is older than the retention, and streams
  // that ended that long ago. One thread at a time. What another process did at the same time is
  // left to it; the first error is returned when all streams have been looked at.
  Status maintain();

 private:
  struct Loaded {
    std::optional<uint64_t> version;  // of the store's logs, when these were read
    All streams, others;              // those that all() leaves out
  };
  Result<std::shared_ptr<const Loaded>> load_now();
  std::shared_ptr<const Loaded> loaded() const;
  Result<std::shared_ptr<const Loaded>> load(const Loaded& old, uint64_t version);
  Status maintain(const Stream& stream, bool trims);
  Status end_generation(Stream stream);
  Status trim(const Stream& stream);
  // Writes the changed copy; false when somebody else changed the entry.
  Result<bool> write(const Stream& changed);

  target::Store& store_;
  const Catalog& catalog_;
  io::Clock& clock_;
  const int64_t shard_ms_, kept_ms_;
  int64_t next_trim_ns_ = 0;  // of maintain()'s thread
  mutable std::mutex mutex_;
  std::shared_ptr<const Loaded> loaded_ = std::make_shared<const Loaded>();
};

}  // namespace offramp::engine
