// ItemBatch: a bounded run of items of one partition, with all their bytes; the unit that flows
// through a load.
//
// Filled by readers and by a target's reader through ItemBuilder. Records that could not be decoded
// are kept beside the items, whole, for the dead letters (C7). reset() keeps the memory for reuse.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "ddb/value.h"

namespace offramp::ddb {

struct BadRecord {
  uint64_t ordinal;  // index of the record in its partition, counted with the good ones
  std::string raw;   // the record's bytes as read (bounded by the reader's record limit)
  Error error;
};

class ItemBatch {
 public:
  ItemBatch() = default;
  ItemBatch(ItemBatch&&) = default;
  ItemBatch& operator=(ItemBatch&&) = default;

  size_t size() const { return roots_.size(); }
  bool empty() const { return roots_.empty() && bad.empty(); }
  ItemView item(size_t index) const { return ItemView(&nodes_[roots_[index]]); }
  // Index of the record in its partition.
  uint64_t ordinal(size_t index) const { return ordinals_[index]; }

  void reset() {
    nodes_.clear();
    roots_.clear();
    ordinals_.clear();
    bad.clear();
    arena.reset();
    source_bytes = 0;
  }

  // For builders.
  std::vector<Node>& nodes() { return nodes_; }
  void add_root(uint32_t node_index, uint64_t ordinal) {
    roots_.push_back(node_index);
    ordinals_.push_back(ordinal);
  }
  // Copies an item with all its bytes; returns what it takes, in bytes. `item` may not be of this
  // batch.
  size_t append(ItemView item, uint64_t ordinal);
  // The same with its index as the ordinal.
  size_t append(ItemView item) { return append(item, size()); }
  // Takes back the newest root (its nodes are dropped too).
  void drop_last() {
    nodes_.resize(roots_.back());
    roots_.pop_back();
    ordinals_.pop_back();
  }

  base::Arena arena;         // bytes that the nodes point to
  std::vector<char> buffer;  // raw input that zero-copy nodes may point into
  std::vector<BadRecord> bad;
  uint64_t source_bytes = 0;  // bytes of source text or response that this batch stands for

 private:
  std::vector<Node> nodes_;
  std::vector<uint32_t> roots_;
  std::vector<uint64_t> ordinals_;
};

// Appends one item's nodes to a vector. Bytes are not copied: they must live as long as the nodes
// (put them into the batch's arena first where they do not).
class ItemBuilder {
 public:
  explicit ItemBuilder(std::vector<Node>& nodes) : nodes_(nodes) {}

  // Opens a container; close() with the returned index.
  uint32_t open(Type type, std::string_view name = {}) {
    nodes_.push_back(
        Node{name.data(), nullptr, static_cast<uint32_t>(name.size()), 0, 1, type, false});
    return static_cast<uint32_t>(nodes_.size() - 1);
  }
  // `children`: the number of direct children written since open().
  void close(uint32_t index, uint32_t children) {
    nodes_[index].size = children;
    nodes_[index].span = static_cast<uint32_t>(nodes_.size() - index);
  }
  void scalar(Type type, std::string_view bytes, std::string_view name = {}) {
    nodes_.push_back(Node{name.data(), bytes.data(), static_cast<uint32_t>(name.size()),
                          static_cast<uint32_t>(bytes.size()), 1, type, false});
  }
  void boolean(bool value, std::string_view name = {}) {
    nodes_.push_back(
        Node{name.data(), nullptr, static_cast<uint32_t>(name.size()), 0, 1, Type::kBool, value});
  }
  void null(std::string_view name = {}) {
    nodes_.push_back(
        Node{name.data(), nullptr, static_cast<uint32_t>(name.size()), 0, 1, Type::kNull, false});
  }
  // Copies a whole value (its nodes; bytes stay where they are) under another name.
  void copy(ValueView value, std::string_view name) {
    size_t at = nodes_.size();
    const Node* from = value.node();
    // `value` may live in the same vector: index arithmetic would be needed then; callers keep them
    // apart.
    nodes_.insert(nodes_.end(), from, from + from->span);
    nodes_[at].name = name.data();
    nodes_[at].name_size = static_cast<uint32_t>(name.size());
  }

 private:
  std::vector<Node>& nodes_;
};

}  // namespace offramp::ddb
