// Frames: what a segment file of the spool's log is made of. The form is stored: never change the
// meaning of a byte.
//
//   segment  = snapshot, then batches and forgets in the order of their numbers
//   frame    = header (48 bytes, little endian), payload
//   header   = magic 0xFF 's' 'p' KIND | payload length u32 | number u64 | durable u64 | changes
//   u64
//              | XXH3-64 of the payload | XXH3-64 of the 40 bytes before
//   snapshot = varint version, generation, began_ms (zigzag), text stream, varint first number of
//   the segment before
//              (0: none), varint number of shards, shards
//   batch    = varint number of changes, varint number of shards, shards, changes
//   forget   = varint number of ids, ids
//   shard    = text id, parent, sequence, varint complete_until_ms (zigzag), byte done
//   change   = digest (16 bytes: low, high), body
//   body     = byte flags (1: by_ttl), varint created_s (zigzag), text sequence, key, image
//   text     = varint length, bytes
//
// number: of a batch, its own; of a snapshot, of the first batch that may follow; of a forget, of
// the newest batch. durable: how many bytes of the file were on disk before this frame was written.
// So a broken frame that a later one has seen on disk was acknowledged, and any other was not.
// changes: of all batches up to and with this frame.
//
// Pure: no I/O. Everything that is read is checked against its bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "migrate/spool/spool.h"
#include "model/change.h"

namespace offramp::migrate::spool {

constexpr uint64_t kFormatVersion = 1;
constexpr size_t kHeaderBytes = 48;
constexpr size_t kPayloadBytesMax = 256u << 20;

// stored: never renumber
enum class FrameKind : uint8_t { kSnapshot = 1, kBatch = 2, kForget = 3 };

struct FrameHeader {
  FrameKind kind = FrameKind::kBatch;
  uint32_t length = 0;  // of the payload
  uint64_t number = 0;
  uint64_t durable = 0;
  uint64_t changes = 0;
  uint64_t payload_hash = 0;
  bool operator==(const FrameHeader&) const = default;
};

uint64_t payload_hash(std::string_view payload);
// Writes kHeaderBytes.
void write_header(const FrameHeader& header, char* out);
// Nothing when these (at least kHeaderBytes) are not an intact header.
std::optional<FrameHeader> parse_header(std::string_view bytes);
// The offset of the first intact frame at or behind `from`; npos when there is none. Looks at every
// byte.
size_t find_frame(std::string_view bytes, size_t from, FrameHeader& header);

struct Snapshot {
  Origin origin;
  uint64_t previous = 0;
  std::vector<model::ShardState> shards;
  bool operator==(const Snapshot&) const = default;
};

// Each replaces `out`.
void encode_snapshot(const Origin& origin, uint64_t previous,
                     std::span<const model::ShardState> shards, std::string& out);
void encode_batch(std::span<const model::Change> changes, std::span<const model::ShardState> shards,
                  std::string& out);
void encode_forget(std::span<const std::string> ids, std::string& out);

// kCorrupt when the payload is not what its kind says; the caller names file and offset.
Result<Snapshot> decode_snapshot(std::string_view payload);
Result<std::vector<std::string>> decode_forget(std::string_view payload);

// Walks over the changes of a batch without copying them.
class BatchReader {
 public:
  // Reads what stands before the changes; `shards` may be null.
  static Result<BatchReader> open(std::string_view payload, std::vector<model::ShardState>* shards);
  uint64_t changes_left() const { return left_; }
  // False at the end. `change` is of views into the payload, `body` is the change's own encoding
  // without its digest.
  Result<bool> next(model::Change& change, std::string_view& body);

 private:
  BatchReader(std::string_view rest, uint64_t left) : rest_(rest), left_(left) {}
  std::string_view rest_;
  uint64_t left_;
};

// A body alone, as the base keeps it.
Status decode_body(std::string_view body, model::Change& change);

}  // namespace offramp::migrate::spool
