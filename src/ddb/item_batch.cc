// Copies of whole items: the nodes as they are, then their names and bytes into the arena.
#include "ddb/item_batch.h"

namespace offramp::ddb {

size_t ItemBatch::append(ItemView item, uint64_t ordinal) {
  const size_t root = nodes_.size();
  const Node* from = item.node();
  nodes_.insert(nodes_.end(), from, from + from->span);
  size_t bytes = from->span * sizeof(Node);
  for (size_t i = root; i < nodes_.size(); ++i) {
    Node& node = nodes_[i];
    if (node.name) {
      node.name = arena.copy({node.name, node.name_size});
      bytes += node.name_size;
    }
    if (node.data && !is_container(node.type)) {
      node.data = arena.copy({node.data, node.size});
      bytes += node.size;
    }
  }
  add_root(static_cast<uint32_t>(root), ordinal);
  return bytes;
}

}  // namespace offramp::ddb
