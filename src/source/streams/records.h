// RecordsDecoder: one answer of GetRecords as changes.
//
// The images are cut out as text and not decoded here: whoever applies them decodes them, and an
// image that is no item becomes a dead letter there (C7). The keys are decoded, because their
// digest decides who applies the change (C4). A record that contradicts the table's key, has no
// exact sequence number or no event name is kCorrupt: it cannot be skipped (C6). Members that are
// not known are passed over. Sequence numbers stay text (C11). Not thread-safe; buffers are kept
// between answers, and nothing is allocated per record.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/change.h"
#include "model/table_spec.h"

namespace offramp::source::streams {

constexpr size_t kSequenceDigitsMax = 40;   // of DynamoDB's API reference
constexpr size_t kIteratorBytesMax = 8192;  // AWS says 2048; other servers are given some room

struct RecordsAnswer {
  // To be used for the next request; empty: the shard is closed and this answer held its last
  // records.
  std::string next_iterator;
  // `offramp serve` knows no change yet that was made in the last so many milliseconds; 0 with
  // all other servers.
  int64_t behind_ms = 0;
};

class RecordsDecoder {
 public:
  explicit RecordsDecoder(model::KeySchema key);
  ~RecordsDecoder();

  // Appends the answer's records to `batch`, in order; their texts are copied into its arena.
  // `answer` is only read, but may grow its capacity. kCorrupt "streams.answer", "streams.record"
  // (naming the sequence number); kConfig "streams.view_type" when an image is missing. On error
  // `batch` may hold some of the records.
  Result<RecordsAnswer> decode(std::string& answer, model::ChangeBatch& batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// 1 to 40 decimal digits.
bool is_sequence_number(std::string_view text);

}  // namespace offramp::source::streams
