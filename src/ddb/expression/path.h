// Document paths: a.b[3], once names are known. Private to this folder and
// ddb/partiql.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ddb/value.h"

namespace offramp::ddb::expression {

struct PathElement {
  std::string_view name;
  uint32_t index = 0;
  bool is_index = false;
  bool operator==(const PathElement&) const = default;
};

using Path = std::span<const PathElement>;

// Elements [first, first + count) of a vector that still grows.
struct PathRange {
  uint32_t first = 0, count = 0;
  Path of(const std::vector<PathElement>& elements) const {
    return Path(elements).subspan(first, count);
  }
};

// What the path leads to, or an empty view.
ValueView find_path(Path path, ValueView item);

// "[a, b, [3]]", as the service's errors show a path.
std::string path_text(Path path);

// The first of `names` that a path of `paths` goes into with `.` or `[]`.
std::optional<std::string_view> first_below(std::span<const PathRange> paths,
                                            const std::vector<PathElement>& elements,
                                            std::span<const std::string_view> names);

// "Two document paths overlap with each other; …" or "… conflict …", or empty when no two paths of
// a projection or an update do. The service compares the paths from the last to the first.
std::string path_clash(std::span<const Path> paths);

}  // namespace offramp::ddb::expression
