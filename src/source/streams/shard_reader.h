// StreamShardReader: one shard of a DynamoDB Stream, from a sequence number on.
//
// The position is the newest sequence number that was handed out; the service's iterator is only a
// way to it. An iterator lives 15 minutes: one that is older than 14, or that the service calls
// expired, is replaced by one behind the position. A failed next() leaves the position where it
// was, so the caller may call again. Nothing is ever read from another place than behind the
// position (C6). The one exception: as long as nothing at all was read, the trim horizon may move
// on between asking for it and reading from it, and is asked for again. One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ddb/client/client.h"
#include "source/change_source.h"
#include "source/streams/records.h"

namespace offramp::source::streams {

constexpr int kRecordsMax = 1000;  // of one GetRecords
// 1 MB of records is at most about 14 MB of JSON ({"NULL":true} for 1 byte).
constexpr size_t kAnswerBytesMax = 16u << 20;

struct ShardAddress {
  std::string table;  // for messages
  std::string stream_id;
  std::string shard_id;
};

class StreamShardReader : public ShardReader {
 public:
  // `after_sequence` empty: from the trim horizon.
  StreamShardReader(std::shared_ptr<ddb::client::Client> client, io::Clock& clock,
                    ShardAddress address, model::KeySchema key, std::string after_sequence);
  Result<ShardAnswer> next(model::ChangeBatch& batch) override;

 private:
  Status take_iterator();
  Result<std::string> get_records();
  ShardAnswer judge(const model::ChangeBatch& batch, size_t answer_bytes);
  bool iterator_is_old() const;
  Status check_unread_time() const;
  // The error as this interface names it, with the shard.
  Error translate(Error error) const;

  const std::shared_ptr<ddb::client::Client> client_;
  io::Clock& clock_;
  const ShardAddress address_;
  RecordsDecoder decoder_;
  std::string sequence_;  // of the newest record handed out; empty: none yet
  std::string iterator_;  // empty: to be asked for
  io::Clock::Steady iterator_taken_;
  std::optional<io::Clock::Wall> answered_at_;  // empty: not yet
  int limit_ = kRecordsMax;
  int empty_answers_left_;
  bool ended_ = false;
};

}  // namespace offramp::source::streams
