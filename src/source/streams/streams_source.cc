#include "source/streams/streams_source.h"

#include <fmt/format.h>

#include <mutex>
#include <optional>

#include "source/streams/shard_reader.h"
#include "source/streams/stream_api.h"

namespace offramp::source::streams {
namespace {

class StreamsSource : public ChangeSource {
 public:
  StreamsSource(const StreamsOptions& options, std::unique_ptr<StreamApi> api)
      : options_(options), api_(std::move(api)) {}

  Result<StreamDescription> describe() override {
    StreamDescription out = TRY(api_->describe());
    std::lock_guard lock(mutex_);
    key_ = out.key;
    return out;
  }

  Result<std::vector<Shard>> shards(const std::string& stream_id) override {
    return api_->shards(stream_id);
  }

  Result<std::unique_ptr<ShardReader>> open(const std::string& stream_id,
                                            const std::string& shard_id,
                                            const std::string& after_sequence) override {
    if (!after_sequence.empty() && !is_sequence_number(after_sequence))
      return Error(ErrorKind::kCorrupt, "streams.position",
                   fmt::format("the stored position of shard {} is no sequence number", shard_id));
    return std::unique_ptr<ShardReader>(
        new StreamShardReader(api_->streams_client(), *options_.clock,
                              {options_.table, stream_id, shard_id}, TRY(key()), after_sequence));
  }

 private:
  // The key schema of a table never changes, so it is asked for once.
  Result<model::KeySchema> key() {
    {
      std::lock_guard lock(mutex_);
      if (key_) return *key_;
    }
    model::KeySchema found = TRY(api_->table()).key;
    std::lock_guard lock(mutex_);
    key_ = found;
    return found;
  }

  const StreamsOptions options_;
  const std::unique_ptr<StreamApi> api_;
  std::mutex mutex_;
  std::optional<model::KeySchema> key_;  // guarded by mutex_
};

}  // namespace

Result<std::unique_ptr<ChangeSource>> open_streams(StreamsOptions options) {
  auto api = TRY(StreamApi::open(options));
  return std::unique_ptr<ChangeSource>(new StreamsSource(options, std::move(api)));
}

Result<StreamDescription> enable_stream(const StreamsOptions& options) {
  return TRY(StreamApi::open(options))->enable();
}

}  // namespace offramp::source::streams
