// ChangeSource: a table's change stream, cut into shards that have parents.
//
// The source reads; it decides nothing about order. Whoever drives it (migrate/capture) reads a
// shard to its end before its children (C4), keeps the positions durable with the changes (C5) and
// judges what a missing shard means (C6).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/change.h"
#include "model/table_spec.h"

namespace offramp::source {

struct StreamDescription {
  std::string id;  // the stream's ARN; another stream of the same table has another
  std::string table_arn;
  model::KeySchema key;  // of the table
  bool enabled = true;   // false: DISABLING or DISABLED; what it holds can still be read
};

struct Shard {
  std::string id;
  std::string parent;             // empty: none
  std::string starting_sequence;  // may be empty
  bool closed = false;            // has an EndingSequenceNumber
};

struct ShardAnswer {
  bool end = false;  // the shard is closed and this answer held its last records
  // More may be waiting right now: ask again at once. Otherwise the answer reached the shard's tip.
  bool more = false;
  // The server holds back changes that were made in the last so many milliseconds: at the tip, this
  // is what it lacks.
  int64_t behind_ms = 0;
};

class ShardReader {
 public:
  virtual ~ShardReader() = default;
  // One answer of the service: its records (possibly none), in order, appended to `batch` after a
  // reset. kGap "streams.trimmed": the records after the position have been trimmed;
  // "streams.shard_gone": the shard (or stream) no longer exists. kCancelled at a stop. Passing
  // faults and throttling are retried inside.
  virtual Result<ShardAnswer> next(model::ChangeBatch& batch) = 0;
};

class ChangeSource {
 public:
  virtual ~ChangeSource() = default;
  // The stream as it is now. kConfig "streams.none" when the table has none or it is disabled and
  // empty of meaning, "streams.view_type" for KEYS_ONLY and OLD_IMAGE, each with the remedy.
  virtual Result<StreamDescription> describe() = 0;
  // Every shard of the stream `id` that the service lists, over all pages.
  virtual Result<std::vector<Shard>> shards(const std::string& stream_id) = 0;
  // Thread-safe: one reader per shard at a time, many shards at once. `after_sequence` empty: from
  // the trim horizon.
  virtual Result<std::unique_ptr<ShardReader>> open(const std::string& stream_id,
                                                    const std::string& shard_id,
                                                    const std::string& after_sequence) = 0;
};

}  // namespace offramp::source
