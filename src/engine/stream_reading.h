// What GetShardIterator and GetRecords share: a stream as of now, and where its shards end.
#pragma once

#include "engine/operation.h"
#include "engine/stream.h"

namespace offramp::engine {

// "Requested resource not found: Stream: … not found"
Error stream_missing(std::string_view arn);
Error shard_missing();
Error trimmed();

// What was made before then, in ms since 1970, may not be read any more.
int64_t horizon_ms(const Context& context);

// A stream with what its log has, read in the order that makes them fit: nothing that is in `range`
// can belong to a generation that `stream` does not know, unless the stream is closing.
struct StreamNow {
  StreamRef stream;
  target::ChangeLogRange range;
  // The table to read the changes with.
  TableRef table;
  // The last number of the generation, or for the open one the last that may be read now.
  uint64_t end_of(size_t generation) const;
};
Result<StreamNow> stream_now(Context& context, std::string_view arn);

// TrimmedDataAccessException when changes behind `after` may have been there and are gone.
Status check_not_trimmed(Context& context, const StreamNow& now, size_t generation, uint64_t after);

}  // namespace offramp::engine
