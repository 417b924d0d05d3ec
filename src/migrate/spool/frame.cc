// Encoding and decoding of frames.
#include "migrate/spool/frame.h"

#include <xxhash.h>

#include <cstring>

namespace offramp::migrate::spool {
namespace {

constexpr char kMagic[3] = {'\xFF', 's', 'p'};
constexpr uint8_t kByTtl = 1;
// Smallest encodings, against counts that lie.
constexpr uint64_t kShardBytesMin = 5, kChangeBytesMin = 16 + 5;

void put_varint(uint64_t value, std::string& out) {
  char bytes[10];
  size_t size = 0;
  while (value >= 0x80) {
    bytes[size++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[size++] = static_cast<char>(value);
  out.append(bytes, size);
}

void put_signed(int64_t value, std::string& out) {
  put_varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63), out);
}

void put_text(std::string_view text, std::string& out) {
  put_varint(text.size(), out);
  out.append(text);
}

void put_shard(const model::ShardState& shard, std::string& out) {
  put_text(shard.id, out);
  put_text(shard.parent, out);
  put_text(shard.sequence, out);
  put_signed(shard.complete_until_ms, out);
  out.push_back(shard.done ? 1 : 0);
}

template <class T>
void put_fixed(T value, char* out) {
  static_assert(std::endian::native == std::endian::little);
  std::memcpy(out, &value, sizeof value);
}

template <class T>
T get_fixed(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof value);
  return value;
}

bool take_varint(std::string_view& in, uint64_t& value) {
  value = 0;
  for (size_t i = 0; i < in.size() && i < 10; ++i) {
    uint8_t byte = static_cast<uint8_t>(in[i]);
    if (i == 9 && byte > 1) return false;
    value |= static_cast<uint64_t>(byte & 0x7F) << (7 * i);
    if (byte < 0x80) {
      in.remove_prefix(i + 1);
      return true;
    }
  }
  return false;
}

bool take_signed(std::string_view& in, int64_t& value) {
  uint64_t raw;
  if (!take_varint(in, raw)) return false;
  value = static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  return true;
}

bool take_text(std::string_view& in, std::string_view& text) {
  uint64_t size;
  if (!take_varint(in, size) || size > in.size()) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

bool take_byte(std::string_view& in, uint8_t& value) {
  if (in.empty()) return false;
  value = static_cast<uint8_t>(in[0]);
  in.remove_prefix(1);
  return true;
}

bool take_shard(std::string_view& in, model::ShardState& shard) {
  std::string_view id, parent, sequence;
  uint8_t done;
  if (!take_text(in, id) || !take_text(in, parent) || !take_text(in, sequence) ||
      !take_signed(in, shard.complete_until_ms) || !take_byte(in, done) || done > 1)
    return false;
  shard.id = id;
  shard.parent = parent;
  shard.sequence = sequence;
  shard.done = done == 1;
  return true;
}

bool take_body(std::string_view& in, model::Change& change) {
  uint8_t flags;
  if (!take_byte(in, flags) || flags > kByTtl || !take_signed(in, change.created_s) ||
      !take_text(in, change.sequence) || !take_text(in, change.key_json) ||
      !take_text(in, change.image_json))
    return false;
  change.by_ttl = flags == kByTtl;
  return true;
}

Error malformed(std::string_view what) {
  return Error(ErrorKind::kCorrupt, "spool.frame", std::string(what) + " cannot be read");
}

}  // namespace

uint64_t payload_hash(std::string_view payload) {
  return XXH3_64bits(payload.data(), payload.size());
}

void write_header(const FrameHeader& header, char* out) {
  std::memcpy(out, kMagic, 3);
  out[3] = static_cast<char>(header.kind);
  put_fixed<uint32_t>(header.length, out + 4);
  put_fixed<uint64_t>(header.number, out + 8);
  put_fixed<uint64_t>(header.durable, out + 16);
  put_fixed<uint64_t>(header.changes, out + 24);
  put_fixed<uint64_t>(header.payload_hash, out + 32);
  put_fixed<uint64_t>(XXH3_64bits(out, 40), out + 40);
}

std::optional<FrameHeader> parse_header(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes || std::memcmp(bytes.data(), kMagic, 3) != 0) return std::nullopt;
  if (get_fixed<uint64_t>(bytes.data() + 40) != XXH3_64bits(bytes.data(), 40)) return std::nullopt;
  FrameHeader header;
  uint8_t kind = static_cast<uint8_t>(bytes[3]);
  if (kind < 1 || kind > 3) return std::nullopt;
  header.kind = static_cast<FrameKind>(kind);
  header.length = get_fixed<uint32_t>(bytes.data() + 4);
  header.number = get_fixed<uint64_t>(bytes.data() + 8);
  header.durable = get_fixed<uint64_t>(bytes.data() + 16);
  header.changes = get_fixed<uint64_t>(bytes.data() + 24);
  header.payload_hash = get_fixed<uint64_t>(bytes.data() + 32);
  if (header.length > kPayloadBytesMax) return std::nullopt;
  return header;
}

size_t find_frame(std::string_view bytes, size_t from, FrameHeader& header) {
  for (;;) {
    from = bytes.find(std::string_view(kMagic, 3), from);
    if (from == bytes.npos || bytes.size() - from < kHeaderBytes) return bytes.npos;
    auto found = parse_header(bytes.substr(from));
    if (found && found->length <= bytes.size() - from - kHeaderBytes &&
        payload_hash(bytes.substr(from + kHeaderBytes, found->length)) == found->payload_hash) {
      header = *found;
      return from;
    }
    ++from;
  }
}

void encode_snapshot(const Origin& origin, uint64_t previous,
                     std::span<const model::ShardState> shards, std::string& out) {
  out.clear();
  put_varint(kFormatVersion, out);
  put_varint(origin.generation, out);
  put_signed(origin.began_ms, out);
  put_text(origin.stream, out);
  put_varint(previous, out);
  put_varint(shards.size(), out);
  for (const model::ShardState& shard : shards) put_shard(shard, out);
}

void encode_batch(std::span<const model::Change> changes, std::span<const model::ShardState> shards,
                  std::string& out) {
  out.clear();
  put_varint(changes.size(), out);
  put_varint(shards.size(), out);
  for (const model::ShardState& shard : shards) put_shard(shard, out);
  for (const model::Change& change : changes) {
    char digest[16];
    put_fixed<uint64_t>(change.key.low, digest);
    put_fixed<uint64_t>(change.key.high, digest + 8);
    out.append(digest, sizeof digest);
    out.push_back(static_cast<char>(change.by_ttl ? kByTtl : 0));
    put_signed(change.created_s, out);
    put_text(change.sequence, out);
    put_text(change.key_json, out);
    put_text(change.image_json, out);
  }
}

void encode_forget(std::span<const std::string> ids, std::string& out) {
  out.clear();
  put_varint(ids.size(), out);
  for (const std::string& id : ids) put_text(id, out);
}

Result<Snapshot> decode_snapshot(std::string_view payload) {
  uint64_t version, shards;
  std::string_view stream;
  Snapshot out;
  if (!take_varint(payload, version)) return malformed("a snapshot");
  if (version != kFormatVersion)
    return Error(ErrorKind::kUnsupported, "spool.version",
                 "the spool was written by another version of offramp (its format is " +
                     std::to_string(version) + ", this one reads " +
                     std::to_string(kFormatVersion) + "); go on with the version that wrote it");
  if (!take_varint(payload, out.origin.generation) || !take_signed(payload, out.origin.began_ms) ||
      !take_text(payload, stream) || !take_varint(payload, out.previous) ||
      !take_varint(payload, shards) || shards > payload.size() / kShardBytesMin)
    return malformed("a snapshot");
  out.origin.stream = stream;
  out.shards.resize(shards);
  for (model::ShardState& shard : out.shards)
    if (!take_shard(payload, shard)) return malformed("a snapshot");
  if (!payload.empty()) return malformed("a snapshot");
  return out;
}

Result<std::vector<std::string>> decode_forget(std::string_view payload) {
  uint64_t count;
  if (!take_varint(payload, count) || count > payload.size())
    return malformed("a list of forgotten shards");
  std::vector<std::string> ids(count);
  for (std::string& id : ids) {
    std::string_view text;
    if (!take_text(payload, text)) return malformed("a list of forgotten shards");
    id = text;
  }
  if (!payload.empty()) return malformed("a list of forgotten shards");
  return ids;
}

Result<BatchReader> BatchReader::open(std::string_view payload,
                                      std::vector<model::ShardState>* shards) {
  uint64_t changes, count;
  if (!take_varint(payload, changes) || !take_varint(payload, count) ||
      count > payload.size() / kShardBytesMin || changes > payload.size() / kChangeBytesMin)
    return malformed("a batch");
  if (shards) shards->clear();
  model::ShardState shard;
  for (uint64_t i = 0; i < count; ++i) {
    if (!take_shard(payload, shard)) return malformed("a batch");
    if (shards) shards->push_back(std::move(shard));
  }
  return BatchReader(payload, changes);
}

Result<bool> BatchReader::next(model::Change& change, std::string_view& body) {
  if (left_ == 0) {
    if (!rest_.empty()) return malformed("a batch");
    return false;
  }
  if (rest_.size() < 16) return malformed("a batch");
  change.key.low = get_fixed<uint64_t>(rest_.data());
  change.key.high = get_fixed<uint64_t>(rest_.data() + 8);
  rest_.remove_prefix(16);
  std::string_view before = rest_;
  if (!take_body(rest_, change)) return malformed("a batch");
  body = before.substr(0, before.size() - rest_.size());
  --left_;
  return true;
}

Status decode_body(std::string_view body, model::Change& change) {
  if (!take_body(body, change) || !body.empty()) return malformed("a change");
  return {};
}

}  // namespace offramp::migrate::spool
