#include "migrate/plan/mistakes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"

namespace offramp::migrate::plan {
namespace {

constexpr size_t kMistakesKeptMax = 1000;
constexpr size_t kShownBytesMax = 80;
constexpr size_t kComparedBytesMax = 64;

using base::lower;

// Edits (insert, delete, replace, swap of neighbours) between two short names, without regard to
// case.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      bool same = lower(a[i - 1]) == lower(b[j - 1]);
      cost[i][j] =
          std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1]))
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

void Mistakes::add(model::SourceLocation at, std::string text) {
  if (found_.size() < kMistakesKeptMax)
    found_.push_back({at, std::move(text)});
  else
    ++more_;
}

Error Mistakes::error(std::string_view path) const {
  std::vector<Mistake> sorted = found_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Mistake& a, const Mistake& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  std::string message;
  for (size_t i = 0; i < std::min(sorted.size(), kMistakesShownMax); ++i) {
    if (i > 0) message += '\n';
    message +=
        fmt::format("{}:{}:{}: {}", path, sorted[i].at.line, sorted[i].at.column, sorted[i].text);
  }
  size_t total = sorted.size() + more_;
  if (total > kMistakesShownMax)
    message += fmt::format("\n… and {} more mistakes", total - kMistakesShownMax);
  return Error(ErrorKind::kConfig, "plan.mistakes", std::move(message));
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates) {
  if (name.empty() || name.size() > kComparedBytesMax) return {};
  size_t best = std::max<size_t>(1, std::min<size_t>(3, name.size() / 3)) + 1;
  std::string_view found;
  for (std::string_view candidate : candidates) {
    if (candidate.size() > kComparedBytesMax) continue;
    size_t distance = edit_distance(name, candidate);
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> candidates) {
  if (std::string_view near = nearest(name, candidates); !near.empty())
    return fmt::format("; did you mean '{}'?", shown(near));
  if (candidates.empty()) return {};
  std::string text = "; valid: ";
  for (size_t i = 0; i < candidates.size() && i < 20; ++i) {
    if (i > 0) text += ", ";
    text += shown(candidates[i]);
  }
  if (candidates.size() > 20) text += ", …";
  return text;
}

std::string shown(std::string_view text) {
  bool cut = text.size() > kShownBytesMax;
  if (cut) {
    size_t end = kShownBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
    text = text.substr(0, end);
  }
  std::string out;
  for (char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  if (cut) out += "…";
  return out;
}

}  // namespace offramp::migrate::plan
