// Stream: what the engine knows of one stream: of a table, from being switched on to being dropped.
//
// The log's entry in the store is JSON with a version; stream_entry() writes it, load_stream()
// reads it. Constant once made, shared by threads. What is true:
// - A generation is a run of the log's numbers: (after, the next one's after]. The last one of a
//   stream that is on has no end. Each is cut into `width` shards by a hash of the partition key's
//   value, which is decided while reading; shard i of a generation is the child of shard i of the
//   one before. So one item's changes are in one shard, and a parent's are older than its child's.
// - While a stream is `closing` its last generation is about to end at a number that is not known
//   yet: nobody may read on in it. A generation ends in three steps: closing is set; a number is
//   given out, which is higher than any that was read; the generation with that number is added.
// - A sequence number is the log's number with a 1 and zeros before it: 21 digits, so that the
//   order of texts is that of numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/table.h"
#include "target/store.h"

namespace offramp::engine {

enum class StreamView : uint8_t { kKeysOnly, kNewImage, kOldImage, kNewAndOldImages };
std::string_view stream_view_name(StreamView view);
std::optional<StreamView> stream_view(std::string_view name);

struct Generation {
  uint64_t after = 0;    // it has the changes with higher numbers
  int64_t begun_ms = 0;  // of no two generations of a stream the same
};

struct Shard {
  size_t generation = 0;
  uint32_t index = 0;
};

struct Stream {
  target::ChangeLogName log;
  bool on = false;
  StreamView view = StreamView::kNewAndOldImages;
  uint32_t width = 1;  // shards of each generation
  int64_t created_ms = 0;
  int64_t ended_ms = 0;  // 0: it has not ended, or nobody has noted when
  bool closing = false;
  int64_t previous_ms = 0;              // when the generation before the first one began; 0: none
  std::vector<Generation> generations;  // never empty, oldest first
  // As it was when the stream was switched on or, once it has ended, when it was switched off.
  TableRef table;
  std::string entry;  // as in the store

  const std::string& table_name() const { return table->served.name; }
  // The stream's name behind ":table/" in ARNs: "Tab/stream/2026-01-14T10:18:50.622".
  std::string path() const { return table_name() + "/stream/" + log.label; }
  bool is_open(const Shard& shard) const {
    return on && shard.generation + 1 == generations.size();
  }
  std::string shard_id(const Shard& shard) const {
    return shard_id(generations[shard.generation].begun_ms, shard.index);
  }
  // Empty when there never was one; it may be too old to be listed.
  std::string parent_id(const Shard& shard) const;
  std::optional<Shard> find_shard(std::string_view id) const;
  // The one that began then.
  std::optional<size_t> find_generation(int64_t begun_ms) const;
  // Nothing in it may be read any more: it ended before `horizon_ms`.
  bool is_forgotten(size_t generation, int64_t horizon_ms) const {
    return generation + 1 < generations.size() && generations[generation + 1].begun_ms < horizon_ms;
  }
  // Which shard of its generation a change of the item with this key is in.
  uint32_t shard_of(ddb::ValueView partition_value) const;

 private:
  std::string shard_id(int64_t begun_ms, uint32_t index) const;
};
using StreamRef = std::shared_ptr<const Stream>;

constexpr int kStreamEntryVersion = 1;    // stored: a change of meaning needs another number
constexpr uint32_t kStreamWidthMax = 64;  // less than 256, which is what a shard's id has room for

std::string stream_entry(const Stream& stream);
// `known` may be the stream as it was before; its table is used again when it is the same.
Result<StreamRef> load_stream(const target::ChangeLogEntry& entry, const Stream* known,
                              const mapping::Limits& limits, const PlanTables& plans);

std::string sequence_text(uint64_t number);
// Nothing when it is none that sequence_text() makes.
std::optional<uint64_t> parse_sequence(std::string_view text);

// "2026-01-14T10:18:50.622"
std::string stream_label(int64_t ms);
// The stream's path in an ARN of a stream; as it is when it is no ARN.
std::string_view stream_path_of(std::string_view arn);

}  // namespace offramp::engine
