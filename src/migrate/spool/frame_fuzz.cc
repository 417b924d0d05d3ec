// Fuzzes the frames of the spool's log: no crash, nothing read outside the bytes, and what can be
// read is encoded to something that reads the same.
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "migrate/spool/frame.h"

namespace {

using namespace offramp::migrate::spool;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_batch(std::string_view payload) {
  std::vector<offramp::model::ShardState> shards, again;
  auto reader = BatchReader::open(payload, &shards);
  if (!reader.ok()) return;
  std::vector<offramp::model::Change> changes;
  offramp::model::Change change, alone;
  std::string_view body;
  for (;;) {
    auto next = reader->next(change, body);
    if (!next.ok()) return;
    if (!*next) break;
    require(decode_body(body, alone).ok());
    require(alone.image_json == change.image_json && alone.key_json == change.key_json);
    changes.push_back(change);
  }
  std::string encoded;
  encode_batch(changes, shards, encoded);
  auto second = BatchReader::open(encoded, &again);
  require(second.ok() && again == shards && second->changes_left() == changes.size());
  for (const auto& expected : changes) {
    auto next = second->next(change, body);
    require(next.ok() && *next && change.key == expected.key &&
            change.image_json == expected.image_json && change.key_json == expected.key_json &&
            change.sequence == expected.sequence && change.created_s == expected.created_s &&
            change.by_ttl == expected.by_ttl);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // A copy of exactly this size: the address sanitizer guards its end.
  const std::vector<char> bytes(data, data + size);
  const std::string_view text(bytes.data(), bytes.size());
  FrameHeader header;
  find_frame(text, 0, header);
  parse_header(text);
  check_batch(text);
  std::string encoded;
  if (auto snapshot = decode_snapshot(text); snapshot.ok()) {
    encode_snapshot(snapshot->origin, snapshot->previous, snapshot->shards, encoded);
    auto again = decode_snapshot(encoded);
    require(again.ok() && *again == *snapshot);
  }
  if (auto ids = decode_forget(text); ids.ok()) {
    encode_forget(*ids, encoded);
    require(decode_forget(encoded).value() == *ids);
  }
  auto place = unpack_place(text);
  if (place.ok() && size > 0) require(pack_place(*place) == text);
  return 0;
}
