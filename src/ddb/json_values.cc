// Scalars, sets and duplicate checks of the JSON readers.
#include "ddb/json_values.h"

#include <xxhash.h>

#include <algorithm>

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
        if (other.size() == bytes.size() && other.size() != 0 && other.front() == bytes.front() && other == bytes) return true;
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

bool JsonValues::names_repeat(const std::vector<Node>& nodes, uint32_t first, uint32_t count) {
  return count > 1 && repeats(&nodes[first], count, name_of);
}

void JsonValues::remove_duplicate_members(std::vector<Node>& nodes, uint32_t set, uint32_t& count) {
  uint32_t first = set + 1;
  if (count < 2 || !repeats(&nodes[first], count, data_of)) return;
  auto less = [](const Node& a, const Node& b) { return data_of(a) < data_of(b); };
  auto same = [](const Node& a, const Node& b) { return data_of(a) == data_of(b); };
  auto begin = nodes.begin() + first;
  std::sort(begin, nodes.end(), less);
  nodes.erase(std::unique(begin, nodes.end(), same), nodes.end());
  count = static_cast<uint32_t>(nodes.size()) - first;
}

}  // namespace offramp::ddb
