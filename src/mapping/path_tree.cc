// A map that is searched member by member stays so up to kLinearMax members.
#include "mapping/path_tree.h"

namespace offramp::mapping {
namespace {

constexpr size_t kLinearMax = 8;

using Place = PathNode::Place;

void seal_node(PathNode& node, RowShape& shape, std::string& names) {
  node.leaf = shape.leaves++;
  node.name_offset = static_cast<uint32_t>(names.size());
  names += node.name;
  for (PathNode& member : node.members) seal_node(member, shape, names);
  if (node.members.size() <= kLinearMax) return;
  for (uint32_t i = 0; i < node.members.size(); ++i) node.by_name.emplace(node.members[i].name, i);
}

}  // namespace

std::string path_text(const std::vector<std::string>& path) {
  std::string out;
  for (const std::string& name : path) {
    if (!out.empty()) out += '.';
    out += name;
  }
  return out;
}

std::optional<std::string> add_path(PathNode& root, const std::vector<std::string>& path,
                                    PathNode leaf) {
  if (path.empty()) return "the path is empty";
  if (path.size() > kPathDepthMax)
    return "the path is deeper than " + std::to_string(kPathDepthMax) + " names";
  // Looked through first, so that a conflict leaves no half path behind.
  const PathNode* node = &root;
  size_t depth = 0;
  for (; depth < path.size(); ++depth) {
    int member = node->find(path[depth]);
    if (member < 0) break;
    node = &node->members[static_cast<size_t>(member)];
    if (depth + 1 < path.size() && node->place != Place::kMap) {
      std::vector<std::string> shorter(path.begin(), path.begin() + static_cast<long>(depth) + 1);
      return "'" + path_text(path) + "' lies inside '" + path_text(shorter) +
             "', which is taken as a whole";
    }
  }
  if (depth == path.size())
    return node->place == Place::kMap
               ? "'" + path_text(path) +
                     "' is taken as a whole, but a part of it is named elsewhere"
               : "'" + path_text(path) + "' is named twice";
  PathNode* at = &root;
  for (size_t i = 0; i + 1 < path.size(); ++i) {
    int member = at->find(path[i]);
    if (member < 0) {
      PathNode map;
      map.name = path[i];
      at->members.push_back(std::move(map));
      member = static_cast<int>(at->members.size()) - 1;
    }
    at = &at->members[static_cast<size_t>(member)];
  }
  leaf.name = path.back();
  at->members.push_back(std::move(leaf));
  return std::nullopt;
}

void seal(RowShape& shape, std::string& names) { seal_node(shape.root, shape, names); }

}  // namespace offramp::mapping
