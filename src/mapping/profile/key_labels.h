// The literal parts of overloaded keys: "ORDER#17" is the label "ORDER#" and an id.
//
// Works on the texts of one key attribute over the sample. A label is a word with letters that ends
// in a separator and that the sample repeats; a constant is a whole value that does ("PROFILE").
// Texts without a label stay whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::mapping::profile {

// How one text is built: `prefix` {id} `separator` word `separator` {id} …; words empty where an id
// stands. The signature is the pattern without placeholder names, '\1' for each placeholder.
struct LabelledText {
  std::string signature;                // "ORDER#\1", "PROFILE", "\1"
  std::vector<std::string_view> parts;  // the ids, in order
};

constexpr char kPlaceholderMark = '\1';

class KeyLabels {
 public:
  // `count_min`: how often a label must occur.
  KeyLabels(const std::vector<std::string_view>& texts, size_t count_min);

  bool any() const { return !labels_.empty(); }
  // Distinct labels and the share of texts that carry one.
  size_t labels() const { return labels_.size(); }
  double share() const { return share_; }
  // The text's signature without constants.
  LabelledText take_apart(std::string_view text) const;
  // "ORDER#17" → "ORDER#", "#METADATA#x" → "#METADATA#"; empty when the text does not begin like a
  // label.
  static std::string_view leading_label(std::string_view text);
  // The words of a signature in lower case: "ORDER#\1#ITEM#\1" → order, item.
  static std::vector<std::string> words(std::string_view signature);
  // May the whole text be a constant such as "PROFILE", "#META" or "A"?
  static bool is_constant_word(std::string_view text);

 private:
  struct Label {
    std::string prefix;
    char separator;
    std::vector<std::string> inner_words;  // words found at even positions behind the prefix
  };
  const Label* find(std::string_view text) const;

  std::vector<Label> labels_;  // sorted by prefix
  double share_ = 0;
};

}  // namespace offramp::mapping::profile
