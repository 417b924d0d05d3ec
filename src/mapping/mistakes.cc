// Edit distance over short words; plans are small, so nothing here is tuned.
#include "mapping/mistakes.h"

#include <numeric>

#include "base/ascii.h"

namespace offramp::mapping {
namespace {

size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      size_t above = row[j + 1];
      row[j + 1] = std::min({above + 1, row[j] + 1, diagonal + (a[i] == b[j] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

void Mistakes::add(const model::SourceLocation& at, std::string message) {
  std::string text;
  if (at.line > 0)
    text = "line " + std::to_string(at.line) + ", column " + std::to_string(at.column) + ": ";
  texts_.push_back({at, text + std::move(message)});
}

Error Mistakes::error() const {
  std::vector<Mistake> sorted = texts_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Mistake& a, const Mistake& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  std::string message;
  for (const Mistake& mistake : sorted) {
    if (!message.empty()) message += '\n';
    message += mistake.text;
  }
  return Error(ErrorKind::kConfig, "mapping.bad_plan", std::move(message));
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& valid) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  std::string folded = base::lowered(word.substr(0, 200));
  for (const std::string& name : valid) {
    size_t d = distance(folded, base::lowered(std::string_view(name).substr(0, 200)));
    if (d < best_distance) {
      best_distance = d;
      best = name;
    }
  }
  return best.empty() ? "" : " (did you mean '" + best + "'?)";
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) out += i + 1 == names.size() ? " and " : ", ";
    out += "'" + names[i] + "'";
  }
  return out;
}

}  // namespace offramp::mapping
