// The paths of a projection or an update as one tree, so that an item is walked once. Private to
// this folder and ddb/partiql.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "ddb/expression/path.h"
#include "ddb/item_batch.h"

namespace offramp::ddb::expression {

// Constant once built. Paths must not clash (path.h); equal ones are taken once.
class PathTree {
 public:
  static constexpr uint32_t kNoLeaf = UINT32_MAX;
  static constexpr uint32_t kRoot = 0;

  struct Branch {
    PathElement element;
    uint32_t first = 0, count = 0;  // children, sorted; all names or all indexes
    uint32_t leaf = kNoLeaf;        // which path ends here
  };

  explicit PathTree(std::span<const Path> paths);

  const Branch& at(uint32_t index) const { return branches_[index]; }
  size_t size() const { return branches_.size(); }
  // The child of that name, or kRoot when there is none.
  uint32_t find(const Branch& branch, std::string_view name) const;

  // Appends what of `value` the tree has, under `name`; false and nothing appended when there is
  // nothing. `value` must not live in `nodes`.
  bool project(ItemView value, std::string_view name, std::vector<Node>& nodes) const {
    return project(branches_[kRoot], value, name, nodes);
  }

 private:
  void build(uint32_t at, size_t depth, std::span<const uint32_t> order,
             std::span<const Path> paths);
  bool project(const Branch& branch, ValueView value, std::string_view name,
               std::vector<Node>& nodes) const;
  uint32_t project_map(const Branch& branch, ValueView value, std::vector<Node>& nodes) const;
  uint32_t project_list(const Branch& branch, ValueView value, std::vector<Node>& nodes) const;
  bool project_child(const Branch& child, ValueView value, std::string_view name,
                     std::vector<Node>& nodes) const;

  std::vector<Branch> branches_;
};

}  // namespace offramp::ddb::expression
