// One YAML map with a known set of keys, and typed values out of it. Every oddity goes into
// Mistakes.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/plan/mistakes.h"
#include "migrate/plan/yaml_tree.h"

namespace offramp::migrate::plan {

class MapReader {
 public:
  // `what` names the map in messages ("a table", "source.load"). Unknown and double keys are
  // reported here.
  MapReader(const YamlNode& node, std::string what, std::initializer_list<std::string_view> keys,
            Mistakes& mistakes);

  bool usable() const { return usable_; }
  const YamlNode& node() const { return node_; }
  // The value, or nullptr when absent (or null).
  const YamlNode* find(std::string_view key) const;

  // Absent: nullopt without a mistake. Wrong type or range: a mistake and nullopt.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<int64_t> integer(std::string_view key, int64_t min, int64_t max) const;
  std::optional<double> positive_number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  // One of `words`; the mistake suggests the nearest.
  std::optional<std::string> word(std::string_view key,
                                  std::initializer_list<std::string_view> words) const;
  // A list of texts; a single text counts as a list of one.
  std::vector<std::string> texts(std::string_view key) const;

  void mistake(const YamlNode& at, std::string text) const {
    mistakes_.add(at.at, std::move(text));
  }
  std::string name_of(std::string_view key) const { return what_ + "." + std::string(key); }

 private:
  const YamlNode& node_;
  std::string what_;
  Mistakes& mistakes_;
  bool usable_ = false;
};

// Calls `member(key text, key node, value node)` for each member of a map of free names; reports
// keys that are not text, are empty or come twice.
template <class Member>
void for_each_member(const YamlNode& node, std::string_view what, Mistakes& mistakes,
                     const Member& member);

std::string kind_name(const YamlNode& node);
// Reports double keys (bytes equal) and keys that are not text; true for members worth looking at.
std::vector<bool> sound_members(const YamlNode& map, std::string_view what, Mistakes& mistakes);

template <class Member>
void for_each_member(const YamlNode& node, std::string_view what, Mistakes& mistakes,
                     const Member& member) {
  if (node.kind != YamlNode::Kind::kMap) {
    mistakes.add(node.at, std::string(what) + " must be a map, not " + kind_name(node));
    return;
  }
  std::vector<bool> sound = sound_members(node, what, mistakes);
  for (size_t i = 0; i < node.members.size(); ++i)
    if (sound[i])
      member(node.members[i].first->text, *node.members[i].first, *node.members[i].second);
}

}  // namespace offramp::migrate::plan
