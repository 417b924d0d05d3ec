// YAML text as a tree that knows where everything stood.
//
// Bounded (C10): kYamlNodesMax nodes with every alias counted as often as it is used, so an alias
// bomb is an error before it costs memory; nesting is bounded by kYamlDepthMax. Nodes are constant
// once built.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/mapping_spec.h"

namespace offramp::migrate::plan {

constexpr size_t kYamlNodesMax = 200000;
constexpr size_t kYamlDepthMax = 16;

struct YamlNode {
  enum class Kind { kNull, kScalar, kSequence, kMap };
  using Ptr = std::shared_ptr<const YamlNode>;

  Kind kind = Kind::kNull;
  std::string text;                          // kScalar
  std::vector<Ptr> elements;                 // kSequence
  std::vector<std::pair<Ptr, Ptr>> members;  // kMap, in order, duplicates kept
  model::SourceLocation at;
  size_t weight = 1;  // nodes of the subtree, aliases expanded
};

// kConfig with FILE:LINE:COLUMN when the text is not one YAML document within the bounds.
Result<YamlNode::Ptr> parse_yaml(std::string_view text, std::string_view path);

}  // namespace offramp::migrate::plan
