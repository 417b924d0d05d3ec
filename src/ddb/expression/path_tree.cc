// Building the tree from sorted paths, and cutting values with it.
#include "ddb/expression/path_tree.h"

#include <algorithm>
#include <numeric>

namespace offramp::ddb::expression {
namespace {

bool before(const PathElement& a, const PathElement& b) {
  if (a.is_index != b.is_index) return a.is_index;
  return a.is_index ? a.index < b.index : a.name < b.name;
}

}  // namespace

PathTree::PathTree(std::span<const Path> paths) {
  std::vector<uint32_t> order(paths.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::lexicographical_compare(paths[a].begin(), paths[a].end(), paths[b].begin(),
                                        paths[b].end(), before);
  });
  size_t elements = 1;
  for (Path path : paths) elements += path.size();
  branches_.reserve(elements);
  branches_.emplace_back();
  build(kRoot, 0, order, paths);
}

// `order` are the sorted paths below `at`, which are longer than `depth` unless they end here.
void PathTree::build(uint32_t at, size_t depth, std::span<const uint32_t> order,
                     std::span<const Path> paths) {
  while (!order.empty() && paths[order.front()].size() == depth) {
    branches_[at].leaf = order.front();
    order = order.subspan(1);
  }
  std::vector<size_t> starts;
  for (size_t i = 0; i < order.size(); ++i)
    if (i == 0 || paths[order[i]][depth] != paths[order[i - 1]][depth]) starts.push_back(i);
  const auto first = static_cast<uint32_t>(branches_.size());
  branches_[at].first = first;
  branches_[at].count = static_cast<uint32_t>(starts.size());
  for (size_t start : starts) branches_.emplace_back().element = paths[order[start]][depth];
  starts.push_back(order.size());
  for (uint32_t i = 0; i + 1 < starts.size(); ++i)
    build(first + i, depth + 1, order.subspan(starts[i], starts[i + 1] - starts[i]), paths);
}

uint32_t PathTree::find(const Branch& branch, std::string_view name) const {
  const Branch* begin = branches_.data() + branch.first;
  const Branch* end = begin + branch.count;
  constexpr uint32_t kSearchedMax = 8;
  const Branch* found =
      branch.count <= kSearchedMax
          ? std::find_if(begin, end, [&](const Branch& b) { return b.element.name == name; })
          : std::lower_bound(begin, end, name, [](const Branch& b, std::string_view wanted) {
              return b.element.name < wanted;
            });
  if (found == end || found->element.name != name || found->element.is_index) return kRoot;
  return static_cast<uint32_t>(found - branches_.data());
}

bool PathTree::project(const Branch& branch, ValueView value, std::string_view name,
                       std::vector<Node>& nodes) const {
  const size_t mark = nodes.size();
  ItemBuilder builder(nodes);
  const uint32_t container = builder.open(value.type(), name);
  uint32_t children = 0;
  if (value.type() == Type::kM) children = project_map(branch, value, nodes);
  if (value.type() == Type::kL) children = project_list(branch, value, nodes);
  if (children == 0) {
    nodes.resize(mark);
    return false;
  }
  builder.close(container, children);
  return true;
}

uint32_t PathTree::project_map(const Branch& branch, ValueView value,
                               std::vector<Node>& nodes) const {
  uint32_t children = 0;
  for (ValueView member : value)
    if (const uint32_t child = find(branch, member.name()))
      children += project_child(branches_[child], member, member.name(), nodes);
  return children;
}

uint32_t PathTree::project_list(const Branch& branch, ValueView value,
                                std::vector<Node>& nodes) const {
  uint32_t children = 0, index = 0, next = 0;
  for (ValueView element : value) {
    if (next == branch.count) break;
    const Branch& child = branches_[branch.first + next];
    if (!child.element.is_index) break;
    if (child.element.index != index++) continue;
    ++next;
    children += project_child(child, element, {}, nodes);
  }
  return children;
}

bool PathTree::project_child(const Branch& child, ValueView value, std::string_view name,
                             std::vector<Node>& nodes) const {
  if (child.leaf == kNoLeaf) return project(child, value, name, nodes);
  ItemBuilder(nodes).copy(value, name);
  return true;
}

}  // namespace offramp::ddb::expression
