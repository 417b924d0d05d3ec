#include "mapping/profile/key_labels.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/ascii.h"

namespace offramp::mapping::profile {
namespace {

constexpr std::string_view kSeparators = "#|:/";
constexpr size_t kWordBytesMax = 32;
constexpr size_t kLabelsMax = 40;
constexpr size_t kDistinctMax = 100000;  // of candidates counted (C10)
constexpr size_t kInnerWordsMax = 12;

using base::is_digit, base::is_letter, base::is_letter_or_digit;
bool is_separator(char c) { return kSeparators.find(c) != std::string_view::npos; }

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kWordBytesMax && is_letter(text[0]) &&
         std::ranges::all_of(text, [](char c) {
           return is_letter_or_digit(c) || c == '_' || c == '-' || c == '.';
         });
}

bool has_digit(std::string_view text) { return std::ranges::any_of(text, is_digit); }

// URLs and ARNs begin with a word and a separator without being labels.
bool is_scheme(std::string_view word) {
  for (std::string_view scheme : {"http", "https", "s3", "arn", "urn", "mailto", "ftp"})
    if (word == scheme) return true;
  return false;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  while (true) {
    size_t at = text.find(separator, start);
    parts.push_back(text.substr(start, at - start));
    if (at == std::string_view::npos) return parts;
    start = at + 1;
  }
}

}  // namespace

std::string_view KeyLabels::leading_label(std::string_view text) {
  size_t start = !text.empty() && is_separator(text[0]) ? 1 : 0;
  size_t end = start;
  while (end < text.size() && !is_separator(text[end])) ++end;
  // A label without an id behind it is no label here ("USER#" alone is an odd key).
  if (end + 1 >= text.size()) return {};
  std::string_view word = text.substr(start, end - start);
  if (!is_word(word) || is_scheme(word)) return {};
  return text.substr(0, end + 1);
}

bool KeyLabels::is_constant_word(std::string_view text) {
  while (!text.empty() && (is_separator(text.front()) || text.front() == '"'))
    text.remove_prefix(1);
  while (!text.empty() && (is_separator(text.back()) || text.back() == '"')) text.remove_suffix(1);
  return is_word(text) && !has_digit(text);
}

KeyLabels::KeyLabels(const std::vector<std::string_view>& texts, size_t count_min) {
  std::map<std::string_view, size_t> counts;
  for (std::string_view text : texts)
    if (std::string_view label = leading_label(text); !label.empty())
      if (auto found = counts.find(label); found != counts.end() || counts.size() < kDistinctMax)
        ++counts[label];
  // Many labels with few texts each are ids that happen to hold a separator.
  size_t labelled = 0;
  for (const auto& [label, count] : counts) labelled += count;
  if (texts.size() >= 10) count_min = std::max<size_t>(2, count_min);
  if (counts.empty() || (counts.size() > 8 && labelled / counts.size() < 3)) return;

  std::vector<std::pair<size_t, std::string_view>> ranked;
  for (const auto& [label, count] : counts) {
    size_t needed = has_digit(label) ? std::max(count_min, texts.size() / 20) : count_min;
    if (count >= needed) ranked.emplace_back(count, label);
  }
  std::ranges::stable_sort(ranked, [](const auto& a, const auto& b) { return a.first > b.first; });
  if (ranked.size() > kLabelsMax) ranked.resize(kLabelsMax);
  size_t taken = 0;
  for (const auto& [count, label] : ranked) {
    labels_.push_back({std::string(label), label.back(), {}});
    taken += count;
  }
  share_ = texts.empty() ? 0 : static_cast<double>(taken) / static_cast<double>(texts.size());
  std::ranges::sort(labels_, {}, &Label::prefix);

  // Words between ids: ORDER#17#ITEM#3. Only at the even places behind the prefix, and only where
  // the sample repeats them with different ids before them.
  std::map<const Label*, std::map<std::string_view, std::pair<size_t, std::set<std::string_view>>>>
      inner;
  for (std::string_view text : texts) {
    const Label* label = find(text);
    if (!label) continue;
    std::vector<std::string_view> parts =
        split(text.substr(label->prefix.size()), label->separator);
    for (size_t i = 1; i < parts.size(); i += 2) {
      if (!is_word(parts[i]) || has_digit(parts[i])) break;
      auto& words = inner[label];
      if (!words.contains(parts[i]) && words.size() >= kDistinctMax / 100) break;
      auto& [count, before] = words[parts[i]];
      ++count;
      if (before.size() < 8) before.insert(parts[i - 1]);
    }
  }
  for (Label& label : labels_) {
    auto found = inner.find(&label);
    if (found == inner.end()) continue;
    std::vector<std::string> words;
    for (const auto& [word, seen] : found->second)
      if (seen.first >= std::max<size_t>(2, count_min)) words.emplace_back(word);
    // Too many words: they are ids after all.
    if (words.size() <= kInnerWordsMax) label.inner_words = std::move(words);
  }
}

const KeyLabels::Label* KeyLabels::find(std::string_view text) const {
  std::string_view prefix = leading_label(text);
  if (prefix.empty()) return nullptr;
  auto at = std::ranges::lower_bound(labels_, prefix, {}, &Label::prefix);
  return at != labels_.end() && at->prefix == prefix ? &*at : nullptr;
}

LabelledText KeyLabels::take_apart(std::string_view text) const {
  const Label* label = find(text);
  if (!label) return {std::string(1, kPlaceholderMark), {text}};
  std::string_view rest = text.substr(label->prefix.size());
  LabelledText out{label->prefix, {}};
  std::vector<std::string_view> parts = split(rest, label->separator);
  bool words = parts.size() > 1 && !label->inner_words.empty();
  for (size_t i = 0; words && i < parts.size(); ++i) {
    if (i % 2 == 1)
      words = std::ranges::find(label->inner_words, parts[i]) != label->inner_words.end();
    if (i % 2 == 0) words = !parts[i].empty();
  }
  if (!words) parts = {rest};
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out.signature += label->separator;
    if (i % 2 == 0) {
      out.signature += kPlaceholderMark;
      out.parts.push_back(parts[i]);
    } else {
      out.signature += parts[i];
    }
  }
  return out;
}

std::vector<std::string> KeyLabels::words(std::string_view signature) {
  std::vector<std::string> out;
  std::string word;
  auto end_word = [&] {
    if (!word.empty()) out.push_back(std::move(word));
    word.clear();
  };
  for (char c : signature) {
    if (is_separator(c) || c == kPlaceholderMark || c == '"')
      end_word();
    else
      word += c;
  }
  end_word();
  return out;
}

}  // namespace offramp::mapping::profile
