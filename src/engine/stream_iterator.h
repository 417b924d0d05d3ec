// ShardIterator: a place in a shard as the text that clients carry.
//
// It holds all that is needed to read on, so no process keeps anything. What is not made here, or
// was changed, is refused by its checksum; that keeps mistakes out, not somebody with the source.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/stream.h"

namespace offramp::engine {

constexpr int64_t kIteratorValidMs = 15 * 60 * 1000;
constexpr size_t kIteratorBytesMax = 2048;

struct ShardIterator {
  std::string_view stream_arn;  // of the text that was read
  int64_t begun_ms = 0;         // names the generation
  uint32_t index = 0;           // and the shard in it
  // The change to read next has a higher number.
  uint64_t after = 0;
  // From the oldest change that is still there, whichever that is when it is read.
  bool from_horizon = false;
  int64_t issued_ms = 0;
};

void append_iterator(const ShardIterator& iterator, std::string& out);
// `text` must outlive what is returned.
std::optional<ShardIterator> parse_iterator(std::string_view text);

}  // namespace offramp::engine
