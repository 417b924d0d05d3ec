// All the mistakes of one plan: collected while reading goes on, rendered as one error.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/mapping_spec.h"

namespace offramp::migrate::plan {

// Shown in one error; the rest is counted.
constexpr size_t kMistakesShownMax = 50;

class Mistakes {
 public:
  void add(model::SourceLocation at, std::string text);
  bool empty() const { return found_.empty(); }
  // One line per mistake, "FILE:LINE:COLUMN: text", in the order of the file.
  Error error(std::string_view path) const;

 private:
  struct Mistake {
    model::SourceLocation at;
    std::string text;
  };
  std::vector<Mistake> found_;
  size_t more_ = 0;  // beyond what is kept (C10)
};

// The candidate that differs from `name` by the fewest edits, if it is near enough to be meant;
// else empty.
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);
// "; did you mean 'x'?" or, when nothing is near, "; valid: a, b, c".
std::string suggestion(std::string_view name, std::span<const std::string_view> candidates);
// Outside text made fit for a message: bounded, without control characters.
std::string shown(std::string_view text);

}  // namespace offramp::migrate::plan
