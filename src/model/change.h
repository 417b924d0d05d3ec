// Changes of a table as images, and how far each shard of its change stream has been captured.
// Plain data.
//
// Images are replicated, never operations (C1). Texts are views; they live as long as the
// ChangeBatch that holds them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "ddb/digest.h"

namespace offramp::model {

struct Change {
  ddb::Digest key;              // ddb::digest() of the key attributes as an item {pk[, sk]}
  std::string_view key_json;    // the key as DynamoDB JSON, {"pk":{"S":"a"}}
  std::string_view image_json;  // the new image as DynamoDB JSON; empty: the item was deleted
  std::string_view sequence;  // exact decimal text of up to 40 digits; "" when the source has none
  int64_t created_s = 0;      // ApproximateCreationDateTime, Unix seconds; never a version (C4)
  bool by_ttl = false;        // deleted by DynamoDB's TTL
};

// Changes in an order that keeps each key's own order. reset() keeps the memory.
struct ChangeBatch {
  std::vector<Change> changes;
  base::Arena arena;  // the bytes of the texts
  void reset() {
    changes.clear();
    arena.reset();
  }
  // Appends a change whose texts are copied into the arena.
  void add(const Change& change) {
    changes.push_back(change);
    Change& copy = changes.back();
    copy.key_json = {arena.copy(change.key_json), change.key_json.size()};
    copy.image_json = {arena.copy(change.image_json), change.image_json.size()};
    copy.sequence = {arena.copy(change.sequence), change.sequence.size()};
  }
};

// What is durably known of one shard.
struct ShardState {
  std::string id;
  std::string parent;    // empty: none
  std::string sequence;  // of the newest captured record; empty: none yet, so reading begins at the
                         // trim horizon
  // All changes of this shard up to this time (Unix ms, our clock) are captured; 0: not known yet.
  int64_t complete_until_ms = 0;
  bool done = false;  // closed and read to its end
  bool operator==(const ShardState&) const = default;
};

// Sequence numbers exceed 128 bits: compared as decimal numbers without leading zeros.
inline bool sequence_less(std::string_view a, std::string_view b) {
  while (a.starts_with('0')) a.remove_prefix(1);
  while (b.starts_with('0')) b.remove_prefix(1);
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace offramp::model
