// Mistakes of a plan, collected so that one run tells them all, each with its place and the nearest
// valid name.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/mapping_spec.h"

namespace offramp::mapping {

class Mistakes {
 public:
  // "line 12, column 5: message"; without a location only the message.
  void add(const model::SourceLocation& at, std::string message);
  bool none() const { return texts_.empty(); }
  // One mistake a line, in the order of the plan. kConfig.
  Error error() const;

 private:
  struct Mistake {
    model::SourceLocation at;
    std::string text;
  };
  std::vector<Mistake> texts_;
};

// " (did you mean 'x'?)" or "" when nothing is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& valid);

// 'a', 'b' and 'c'
std::string quoted_list(const std::vector<std::string>& names);

}  // namespace offramp::mapping
