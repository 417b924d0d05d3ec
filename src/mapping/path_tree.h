// Building the tree of a shape's document paths (row_shape.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mapping/row_shape.h"

namespace offramp::mapping {

// A document path is at most so deep; DynamoDB's own limit of nesting.
constexpr size_t kPathDepthMax = 32;

// "address.city", for people.
std::string path_text(const std::vector<std::string>& path);

// Puts `leaf` at `path`. On conflict nothing changes and the message says with which path.
std::optional<std::string> add_path(PathNode& root, const std::vector<std::string>& path,
                                    PathNode leaf);

// Numbers the places of a finished shape, lays their names into `names` and indexes large maps.
// Nodes must not move afterwards.
void seal(RowShape& shape, std::string& names);

}  // namespace offramp::mapping
