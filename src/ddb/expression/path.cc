// Walking, printing and comparing document paths.
#include "ddb/expression/path.h"

#include <algorithm>

namespace offramp::ddb::expression {
namespace {

// Sorts indexes before names, so that paths that clash are neighbours.
bool before(const PathElement& a, const PathElement& b) {
  if (a.is_index != b.is_index) return a.is_index;
  return a.is_index ? a.index < b.index : a.name < b.name;
}

size_t common(Path a, Path b) {
  size_t size = 0;
  while (size < a.size() && size < b.size() && a[size] == b[size]) ++size;
  return size;
}

enum class Clash { kNone, kOverlap, kConflict };

Clash clash(Path a, Path b) {
  const size_t same = common(a, b);
  if (same == a.size() || same == b.size()) return Clash::kOverlap;
  return a[same].is_index != b[same].is_index ? Clash::kConflict : Clash::kNone;
}

bool any_clash(std::span<const Path> paths) {
  std::vector<Path> sorted(paths.begin(), paths.end());
  std::sort(sorted.begin(), sorted.end(), [](Path a, Path b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), before);
  });
  for (size_t i = 0; i + 1 < sorted.size(); ++i)
    if (clash(sorted[i], sorted[i + 1]) != Clash::kNone) return true;
  return false;
}

}  // namespace

ValueView find_path(Path path, ValueView item) {
  ValueView at = item;
  for (const PathElement& element : path) {
    if (!at) return {};
    if (!element.is_index) {
      at = at.find(element.name);
      continue;
    }
    if (at.type() != Type::kL || element.index >= at.size()) return {};
    auto child = at.begin();
    for (uint32_t i = 0; i < element.index; ++i) ++child;
    at = *child;
  }
  return at;
}

std::string path_text(Path path) {
  std::string text = "[";
  for (const PathElement& element : path) {
    if (text.size() > 1) text += ", ";
    if (element.is_index)
      text += "[" + std::to_string(element.index) + "]";
    else
      text += element.name;
  }
  return text + "]";
}

std::optional<std::string_view> first_below(std::span<const PathRange> paths,
                                            const std::vector<PathElement>& elements,
                                            std::span<const std::string_view> names) {
  for (const PathRange& path : paths)
    if (path.count > 1)
      for (std::string_view name : names)
        if (elements[path.first].name == name) return name;
  return std::nullopt;
}

std::string path_clash(std::span<const Path> paths) {
  constexpr size_t kComparedMax = 16;  // with few paths, comparing each with each is cheaper
  if (paths.size() > kComparedMax && !any_clash(paths)) return {};
  for (size_t i = paths.size(); i-- > 0;) {
    for (size_t j = paths.size(); j-- > i + 1;) {
      const Clash found = clash(paths[i], paths[j]);
      if (found == Clash::kNone) continue;
      return std::string("Two document paths ") +
             (found == Clash::kOverlap ? "overlap" : "conflict") +
             " with each other; must remove or rewrite one of these paths; path one: " +
             path_text(paths[i]) + ", path two: " + path_text(paths[j]);
    }
  }
  return {};
}

}  // namespace offramp::ddb::expression
