// An item as a flat tape of nodes in pre-order: no allocation per attribute, no pointers between
// nodes.
//
// A container node is followed by its children; `span` counts the nodes of its subtree with itself,
// so the next sibling of node n is n + span. Numbers (N, NS) always hold DynamoDB's canonical plain
// decimal text (see number.h), binary values hold the decoded bytes, sets hold no duplicates. Bytes
// belong to the batch (or input buffer) that built the nodes; a view must not outlive it.
#pragma once

#include <cstdint>
#include <string_view>

namespace offramp::ddb {

// Stored in digests and in `extra`'s escapes: never renumber.
enum class Type : uint8_t {
  kAbsent = 0,  // not a DynamoDB type: `extra`'s mark for "this attribute was not there"
                // (mapping/extra.h)
  kS = 1,
  kN = 2,
  kB = 3,
  kBool = 4,
  kNull = 5,
  kL = 6,
  kM = 7,
  kSS = 8,
  kNS = 9,
  kBS = 10,
};

// "S", "N", …: the tag used in DynamoDB JSON.
std::string_view type_tag(Type type);

struct Node {
  const char* name =
      nullptr;  // the attribute's or map member's name; nullptr in lists, sets and at the root
  const char* data = nullptr;  // scalars: the bytes
  uint32_t name_size = 0;
  uint32_t size = 0;  // scalars: bytes; containers: number of direct children
  uint32_t span = 1;
  Type type = Type::kNull;
  bool boolean = false;
};

constexpr bool is_set(Type type) {
  return type == Type::kSS || type == Type::kNS || type == Type::kBS;
}
constexpr bool is_container(Type type) {
  return type == Type::kL || type == Type::kM || is_set(type);
}
// The type of a set's members: SS → S.
constexpr Type member_type(Type set) {
  return set == Type::kSS ? Type::kS : set == Type::kNS ? Type::kN : Type::kB;
}

class ValueView {
 public:
  ValueView() = default;
  explicit ValueView(const Node* node) : node_(node) {}
  explicit operator bool() const { return node_ != nullptr; }

  Type type() const { return node_->type; }
  std::string_view name() const { return {node_->name, node_->name_size}; }
  // S: UTF-8 text, N: canonical decimal, B: raw bytes.
  std::string_view bytes() const { return {node_->data, node_->size}; }
  bool boolean() const { return node_->boolean; }
  // Direct children of a container.
  uint32_t size() const { return node_->size; }
  const Node* node() const { return node_; }

  class Iterator {
   public:
    Iterator(const Node* at) : at_(at) {}
    ValueView operator*() const { return ValueView(at_); }
    Iterator& operator++() {
      at_ += at_->span;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    const Node* at_;
  };
  Iterator begin() const {
    return Iterator(is_container(node_->type) ? node_ + 1 : node_ + node_->span);
  }
  Iterator end() const { return Iterator(node_ + node_->span); }

  // The member of a map, or an empty view.
  ValueView find(std::string_view member) const {
    if (node_->type != Type::kM) return {};
    for (ValueView child : *this)
      if (child.name() == member) return child;
    return {};
  }

 private:
  const Node* node_ = nullptr;
};

// An item is a map at the root.
using ItemView = ValueView;

// Equality as DynamoDB means it: members and set members in any order, numbers by value.
bool equal(ValueView a, ValueView b);

}  // namespace offramp::ddb
