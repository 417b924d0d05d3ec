// StreamApi: the calls that describe a table's stream and its shards, paced and checked.
//
// Listing follows every page. DescribeStream is eventually consistent: a closed shard may have no
// child in the listing yet although the stream goes on, so such a listing is fetched again a few
// times, briefly; whoever drives the source lists again anyway. A parent that still looks open
// beside its children is harmless. Thread-safe: what changes is guarded by mutex_, which is not
// held while waiting or calling.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ddb/client/client.h"
#include "source/streams/stream_description.h"
#include "source/streams/streams_source.h"

namespace offramp::source::streams {

class StreamApi {
 public:
  static Result<std::unique_ptr<StreamApi>> open(const StreamsOptions& options);

  Result<TableStream> table();
  Result<StreamDescription> describe();
  Result<std::vector<Shard>> shards(const std::string& stream_id);
  Result<StreamDescription> enable();
  const std::shared_ptr<ddb::client::Client>& streams_client() const { return streams_; }

 private:
  StreamApi(const StreamsOptions& options, std::unique_ptr<ddb::client::Client> tables,
            std::unique_ptr<ddb::client::Client> streams);
  struct Listing {
    std::string status;
    std::vector<Shard> shards;
    size_t pages = 0;
  };
  Result<Listing> list(const std::string& stream_id);
  Result<StreamPage> page(const std::string& stream_id, const std::string& after_shard, int limit);
  Status keep_pace();
  Error no_stream() const;
  Error wrong_view(const std::string& view_type) const;

  const StreamsOptions options_;
  const std::unique_ptr<ddb::client::Client> tables_;
  const std::shared_ptr<ddb::client::Client> streams_;
  std::mutex mutex_;
  io::Clock::Steady next_page_at_{};  // guarded by mutex_
};

}  // namespace offramp::source::streams
