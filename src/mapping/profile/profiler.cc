#include "mapping/profile/profiler.h"

#include "ddb/item_size.h"

namespace offramp::mapping::profile {
namespace {

// Copies the item with its bytes; the bytes it takes.
size_t keep(ddb::ItemView item, uint64_t ordinal, ddb::ItemBatch& batch) {
  std::vector<ddb::Node>& nodes = batch.nodes();
  uint32_t root = static_cast<uint32_t>(nodes.size());
  size_t bytes = 0;
  const ddb::Node* from = item.node();
  nodes.insert(nodes.end(), from, from + from->span);
  for (size_t i = root; i < nodes.size(); ++i) {
    ddb::Node& node = nodes[i];
    if (node.name) {
      node.name = batch.arena.copy({node.name, node.name_size});
      bytes += node.name_size;
    }
    if (!ddb::is_container(node.type) && node.data) {
      node.data = batch.arena.copy({node.data, node.size});
      bytes += node.size;
    }
  }
  batch.add_root(root, ordinal);
  return bytes + (nodes.size() - root) * sizeof(ddb::Node);
}

}  // namespace

void Profiler::add(ddb::ItemView item) {
  uint64_t ordinal = profile_.items_seen++;
  profile_.item_bytes += ddb::item_size(item);
  if (ordinal % profile_.stride != 0) return;
  bytes_ += keep(item, ordinal, profile_.sample);
  while (bytes_ > bytes_max_ && profile_.sample.size() > 1) thin_out();
}

void Profiler::thin_out() {
  profile_.stride *= 2;
  ddb::ItemBatch kept;
  bytes_ = 0;
  for (size_t i = 0; i < profile_.sample.size(); ++i)
    if (uint64_t ordinal = profile_.sample.ordinal(i); ordinal % profile_.stride == 0)
      bytes_ += keep(profile_.sample.item(i), ordinal, kept);
  profile_.sample = std::move(kept);
}

}  // namespace offramp::mapping::profile
