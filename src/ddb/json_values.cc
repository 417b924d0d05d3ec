// Scalars, sets and duplicate checks of the JSON readers.
#include "ddb/json_values.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/base64.h"
#include "ddb/number.h"

namespace offramp::ddb {
namespace {

// Up to this many siblings are compared pairwise; more by hash.
constexpr uint32_t kPairwiseMax = 24;

std::string_view name_of(const Node& node) { return {node.name, node.name_size}; }
std::string_view data_of(const Node& node) { return {node.data, node.size}; }

}  // namespace

bool JsonValues::number(std::string_view text, ItemBatch& batch, std::string_view& out) {
  if (is_canonical_number(text)) {
    out = text;
    return true;
  }
  auto number = Number::parse(text);
  if (!number.ok()) {
    complaint = number.error().message();
    return false;
  }
  char* to = batch.arena.allocate(kNumberTextMax);
  size_t size = number->write(to);
  batch.arena.shrink_last(to, kNumberTextMax, size);
  out = {to, size};
  return true;
}

bool JsonValues::binary(std::string_view text, ItemBatch& batch, std::string_view& out) {
  size_t room = base::base64_decoded_size_max(text.size());
  char* to = batch.arena.allocate(room);
  auto size = base::decode_base64(text, to);
  if (!size) return false;
  batch.arena.shrink_last(to, room, *size);
  out = {to, *size};
  return true;
}

template <class BytesOf>
bool JsonValues::repeats(const Node* first, uint32_t count, BytesOf bytes_of) {
  if (count < 2) return false;
  if (count <= kPairwiseMax) {
    const Node* outer = first;
    for (uint32_t i = 0; i + 1 < count; ++i, outer += outer->span) {
      std::string_view bytes = bytes_of(*outer);
      const Node* inner = outer + outer->span;
      for (uint32_t j = i + 1; j < count; ++j, inner += inner->span) {
        std::string_view other = bytes_of(*inner);
        if (other.size() == bytes.size() && other.size() != 0 && other.front() == bytes.front() &&
            other == bytes)
          return true;
        if (other.empty() && bytes.empty()) return true;
      }
    }
    return false;
  }
  hashes_.clear();
  const Node* node = first;
  for (uint32_t i = 0; i < count; ++i, node += node->span) {
    std::string_view bytes = bytes_of(*node);
    hashes_.push_back(XXH3_64bits(bytes.data(), bytes.size()));
  }
  std::sort(hashes_.begin(), hashes_.end());
  return std::adjacent_find(hashes_.begin(), hashes_.end()) != hashes_.end();
}

namespace {

// Few instructions, good enough to tell the names of one map apart; never reads outside the name.
uint64_t short_hash(std::string_view name) {
  uint64_t value = name.size();
  if (name.size() >= 8) {
    uint64_t head, tail;
    std::memcpy(&head, name.data(), 8);
    std::memcpy(&tail, name.data() + name.size() - 8, 8);
    value ^= head + (tail << 1);
  } else if (name.size() >= 4) {
    uint32_t head, tail;
    std::memcpy(&head, name.data(), 4);
    std::memcpy(&tail, name.data() + name.size() - 4, 4);
    value ^= (static_cast<uint64_t>(head) << 32 | tail) + name.size();
  } else if (!name.empty()) {
    value ^= static_cast<uint64_t>(static_cast<unsigned char>(name[0])) << 8 |
             static_cast<uint64_t>(static_cast<unsigned char>(name[name.size() / 2])) << 16 |
             static_cast<uint64_t>(static_cast<unsigned char>(name.back())) << 24;
  }
  return value * 0x9E3779B97F4A7C15ull;
}

}  // namespace

bool JsonValues::names_may_repeat(const Node* first, uint32_t count) {
  if (++stamp_ == 0) {
    stamps_.fill(0);
    stamp_ = 1;
  }
  const Node* node = first;
  for (uint32_t i = 0; i < count; ++i, node += node->span) {
    uint32_t& slot = stamps_[short_hash({node->name, node->name_size}) >> 54];
    if (slot == stamp_) return true;
    slot = stamp_;
  }
  return false;
}

bool JsonValues::names_repeat(const Node* first, uint32_t count) {
  static_assert(kSlots == 1 << (64 - 54));
  return count > 1 && names_may_repeat(first, count) && repeats(first, count, name_of);
}

uint32_t JsonValues::remove_duplicate_members(Node* first, uint32_t count) {
  if (count < 2 || !repeats(first, count, data_of)) return count;
  auto less = [](const Node& a, const Node& b) { return data_of(a) < data_of(b); };
  auto same = [](const Node& a, const Node& b) { return data_of(a) == data_of(b); };
  std::sort(first, first + count, less);
  return static_cast<uint32_t>(std::unique(first, first + count, same) - first);
}

}  // namespace offramp::ddb
