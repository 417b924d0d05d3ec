#include "migrate/plan/map_reader.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <set>

namespace offramp::migrate::plan {

std::string kind_name(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "empty";
    case YamlNode::Kind::kScalar:
      return fmt::format("'{}'", shown(node.text));
    case YamlNode::Kind::kSequence:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
  }
  return "?";
}

std::vector<bool> sound_members(const YamlNode& map, std::string_view what, Mistakes& mistakes) {
  std::vector<bool> sound(map.members.size(), false);
  std::set<std::string_view> seen;
  for (size_t i = 0; i < map.members.size(); ++i) {
    const YamlNode& key = *map.members[i].first;
    if (key.kind != YamlNode::Kind::kScalar || key.text.empty()) {
      mistakes.add(key.at,
                   fmt::format("a name in {} must be a text, not {}; put it in quotes", what,
                               key.kind == YamlNode::Kind::kScalar ? "empty" : kind_name(key)));
    } else if (!seen.insert(key.text).second) {
      mistakes.add(key.at, fmt::format("'{}' comes twice in {}", shown(key.text), what));
    } else {
      sound[i] = true;
    }
  }
  return sound;
}

MapReader::MapReader(const YamlNode& node, std::string what,
                     std::initializer_list<std::string_view> keys, Mistakes& mistakes)
    : node_(node), what_(std::move(what)), mistakes_(mistakes) {
  if (node.kind != YamlNode::Kind::kMap) {
    mistakes.add(node.at, fmt::format("{} must be a map, not {}", what_, kind_name(node)));
    return;
  }
  usable_ = true;
  std::vector<std::string_view> valid(keys);
  for_each_member(node, what_, mistakes,
                  [&](const std::string& name, const YamlNode& key, const YamlNode&) {
                    for (std::string_view candidate : valid)
                      if (candidate == name) return;
                    mistakes.add(key.at, fmt::format("unknown key '{}' in {}{}", shown(name), what_,
                                                     suggestion(name, valid)));
                  });
}

const YamlNode* MapReader::find(std::string_view key) const {
  for (const auto& [name, value] : node_.members)
    if (name->kind == YamlNode::Kind::kScalar && name->text == key)
      return value->kind == YamlNode::Kind::kNull ? nullptr : value.get();
  return nullptr;
}

std::optional<std::string> MapReader::text(std::string_view key) const {
  const YamlNode* value = find(key);
  if (!value) return std::nullopt;
  if (value->kind == YamlNode::Kind::kScalar && !value->text.empty()) return value->text;
  mistake(*value,
          fmt::format("{} must be a text, not {}", name_of(key),
                      value->kind == YamlNode::Kind::kScalar ? "empty" : kind_name(*value)));
  return std::nullopt;
}

std::optional<int64_t> MapReader::integer(std::string_view key, int64_t min, int64_t max) const {
  const YamlNode* value = find(key);
  if (!value) return std::nullopt;
  int64_t number = 0;
  const char* end = value->text.data() + value->text.size();
  auto [stop, error] = std::from_chars(value->text.data(), end, number);
  if (value->kind == YamlNode::Kind::kScalar && error == std::errc() && stop == end &&
      number >= min && number <= max)
    return number;
  mistake(*value, fmt::format("{} must be a whole number from {} to {}, not {}", name_of(key), min,
                              max, kind_name(*value)));
  return std::nullopt;
}

std::optional<double> MapReader::positive_number(std::string_view key) const {
  const YamlNode* value = find(key);
  if (!value) return std::nullopt;
  double number = 0;
  const char* end = value->text.data() + value->text.size();
  auto [stop, error] = std::from_chars(value->text.data(), end, number);
  if (value->kind == YamlNode::Kind::kScalar && error == std::errc() && stop == end &&
      std::isfinite(number) && number > 0)
    return number;
  mistake(*value,
          fmt::format("{} must be a number above 0, not {}", name_of(key), kind_name(*value)));
  return std::nullopt;
}

std::optional<bool> MapReader::boolean(std::string_view key) const {
  const YamlNode* value = find(key);
  if (!value) return std::nullopt;
  if (value->kind == YamlNode::Kind::kScalar) {
    if (value->text == "true") return true;
    if (value->text == "false") return false;
  }
  mistake(*value, fmt::format("{} must be true or false, not {}", name_of(key), kind_name(*value)));
  return std::nullopt;
}

std::optional<std::string> MapReader::word(std::string_view key,
                                           std::initializer_list<std::string_view> words) const {
  std::optional<std::string> value = text(key);
  if (!value) return std::nullopt;
  for (std::string_view word : words)
    if (word == *value) return value;
  std::vector<std::string_view> valid(words);
  mistake(*find(key), fmt::format("{} cannot be '{}'{}", name_of(key), shown(*value),
                                  suggestion(*value, valid)));
  return std::nullopt;
}

std::vector<std::string> MapReader::texts(std::string_view key) const {
  std::vector<std::string> out;
  const YamlNode* value = find(key);
  if (!value) return out;
  if (value->kind == YamlNode::Kind::kScalar && !value->text.empty()) {
    out.push_back(value->text);
  } else if (value->kind == YamlNode::Kind::kSequence) {
    for (const auto& element : value->elements) {
      if (element->kind == YamlNode::Kind::kScalar && !element->text.empty())
        out.push_back(element->text);
      else
        mistake(
            *element,
            fmt::format("an element of {} must be a text, not {}", name_of(key),
                        element->kind == YamlNode::Kind::kScalar ? "empty" : kind_name(*element)));
    }
  } else {
    mistake(*value, fmt::format("{} must be a list of texts", name_of(key)));
  }
  return out;
}

}  // namespace offramp::migrate::plan
