#include "mapping/profile/key_naming.h"

#include <algorithm>
#include <set>

#include "mapping/key_template.h"
#include "mapping/profile/key_labels.h"

namespace offramp::mapping::profile {
namespace {

// Words that mark an entity's own item rather than naming an entity.
bool is_filler(std::string_view word) {
  for (std::string_view filler : {"metadata", "meta", "info", "detail", "details", "root", "self",
                                  "data", "item", "header", "main", "record", "base", "a", "v"})
    if (word == filler) return true;
  return false;
}

bool is_time_word(std::string_view word) {
  for (std::string_view time : {"date", "day", "time", "ts", "timestamp", "month", "year", "week"})
    if (word == time) return true;
  return false;
}

std::vector<std::string> snake_words(std::string_view signature) {
  std::vector<std::string> words = KeyLabels::words(signature);
  for (std::string& word : words) word = snake_case(word);
  std::erase(words, "");
  return words;
}

bool is_constant(std::string_view signature) {
  return signature.find(kPlaceholderMark) == std::string_view::npos;
}

struct Nouns {
  std::string alone;  // from the kind's own words
  std::string full;   // with the owner's
};

Nouns nouns_of(const Kind& kind, const std::string& table) {
  std::vector<std::string> owner = snake_words(kind.signatures[0]);
  std::vector<std::string> own =
      kind.signatures.size() > 1 ? snake_words(kind.signatures[1]) : std::vector<std::string>{};
  bool own_constant = kind.signatures.size() > 1 && is_constant(kind.signatures[1]);
  std::string owner_name;
  for (const std::string& word : owner) (owner_name += owner_name.empty() ? "" : "_") += word;
  std::string last = own.empty() ? "" : own.back();
  if (!kind.type_value.empty()) {
    std::string noun = snake_case(kind.type_value);
    return {noun, owner.empty() ? noun : owner.back() + "_" + noun};
  }
  // ORDER#…#ITEM#…: the items of an order.
  if (own.size() > 1 && is_filler(last)) last = own[own.size() - 2] + "_" + last;
  if (last.empty() || is_filler(last)) {
    if (!owner_name.empty())
      return {owner_name, last.empty() ? owner_name : owner_name + "_" + last};
    return {table, last.empty() ? table : table + "_" + last};
  }
  std::string both = owner_name.empty() ? last : owner_name + "_" + last;
  // PROFILE or SETTINGS of something; u#…#follower / u#… is about followers of u.
  if (own_constant) return {both, both};
  if (owner.size() > 1 && (last.size() <= 2 || std::ranges::find(owner, last) != owner.end()))
    return {owner_name, owner_name};
  return {last, owner_name == last ? both : both};
}

std::string placeholder_name(std::string_view signature, size_t part, std::string_view attribute,
                             const std::string& owner_word) {
  // The word before the placeholder names it.
  size_t marks = 0, at = 0;
  for (; at < signature.size(); ++at)
    if (signature[at] == kPlaceholderMark && marks++ == part) break;
  std::vector<std::string> before = snake_words(signature.substr(0, at));
  if (before.empty()) {
    // "Status#Date": the attribute's own words, one per placeholder.
    size_t placeholders = static_cast<size_t>(std::ranges::count(signature, kPlaceholderMark));
    if (placeholders > 1) {
      std::vector<std::string> words = snake_words(attribute);
      if (words.size() == placeholders) return words[part];
      return snake_case(attribute) + "_" + std::to_string(part + 1);
    }
    return std::string(attribute);
  }
  std::string word = before.back();
  if (is_time_word(word)) return word;
  if (before.size() == 1 && is_filler(word) && !owner_word.empty()) word = owner_word + "_" + word;
  return word.ends_with("_id") || word == "id" ? word : singular(word) + "_id";
}

std::string_view key_text(ddb::ItemView item, const std::string& attribute) {
  ddb::ValueView value = item.find(attribute);
  return value ? value.bytes() : std::string_view{};
}

// "…_id" → "…_at" or "…_date" when all parts look like times.
std::string with_time_suffix(const std::string& name, const Kind& kind,
                             const ddb::ItemBatch& sample, const NamedKey::Place& place) {
  if (!name.ends_with("_id")) return name;
  bool date = true, time = true;
  for (uint32_t i : kind.items) {
    std::vector<std::string_view> parts =
        take_apart(place.signature, key_text(sample.item(i), place.attribute));
    std::string_view text = place.part < parts.size() ? parts[place.part] : std::string_view{};
    bool begins = text.size() >= 10 && text[4] == '-' && text[7] == '-' && text[0] >= '0' &&
                  text[0] <= '9' && text[5] >= '0' && text[5] <= '1';
    date = date && begins && text.size() == 10;
    time = time && begins && text.size() > 10 && (text[10] == 'T' || text[10] == ' ');
    if (!date && !time) return name;
  }
  return name.substr(0, name.size() - 3) + (date ? "_date" : "_at");
}

}  // namespace

std::string_view NamedKey::part(const std::string& column, ddb::ItemView item) const {
  const Place& place = places.at(column);
  std::vector<std::string_view> parts =
      take_apart(place.signature, key_text(item, place.attribute));
  return place.part < parts.size() ? parts[place.part] : std::string_view{};
}

bool NamedKey::is_text(const std::string& column, const model::KeySchema& key) const {
  const Place& place = places.at(column);
  return (place.attribute == key.partition.name ? key.partition.type : key.sort->type) ==
         ddb::Type::kS;
}

std::vector<std::string> table_base_names(const std::vector<Kind>& kinds,
                                          std::string_view source_table) {
  std::string table = snake_case(source_table.substr(source_table.rfind('/') + 1));
  if (table.empty()) table = "items";
  if (kinds.size() == 1 && kinds[0].takes_all()) return {table};
  std::vector<Nouns> nouns;
  for (const Kind& kind : kinds) nouns.push_back(nouns_of(kind, table));
  std::vector<std::string> names;
  for (size_t k = 0; k < kinds.size(); ++k) {
    if (kinds[k].takes_all()) {
      names.emplace_back("other_items");
      continue;
    }
    bool shared = false;
    for (size_t other = 0; other < kinds.size(); ++other)
      shared = shared ||
               (other != k && !kinds[other].takes_all() && nouns[other].alone == nouns[k].alone);
    // Whoever owns the word alone keeps it: users for USER#/#METADATA#, game_users for GAME#/USER#.
    std::string name = shared ? nouns[k].full : nouns[k].alone;
    if (shared) {
      std::vector<std::string> owner = snake_words(kinds[k].signatures[0]);
      std::vector<std::string> own = kinds[k].signatures.size() > 1
                                         ? snake_words(kinds[k].signatures[1])
                                         : std::vector<std::string>{};
      bool own_item = own.empty() || is_filler(own.back());
      if (owner.size() == 1 && owner[0] == nouns[k].alone && own_item &&
          kinds[k].type_value.empty())
        name = nouns[k].alone;
    }
    bool of_source = name == table;  // its owner named it
    names.push_back(of_source          ? table
                    : name.size() <= 2 ? name + "_items"
                                       : plural(singular(name)));
  }
  return names;
}

NamedKey name_key(const Kind& kind, const ddb::ItemBatch& sample,
                  const std::vector<std::string>& attributes, NameScope& columns) {
  NamedKey key;
  std::vector<std::vector<std::vector<std::string_view>>> parts(attributes.size());
  for (size_t a = 0; a < attributes.size(); ++a)
    for (uint32_t i : kind.items)
      parts[a].push_back(take_apart(kind.signatures[a], key_text(sample.item(i), attributes[a])));
  std::vector<std::string> owner_words = snake_words(kind.signatures[0]);
  std::string owner = owner_words.empty() ? "" : owner_words.back();

  struct Named {
    size_t attribute, part;
    std::string column;
  };
  std::vector<Named> named;
  for (size_t a = 0; a < attributes.size(); ++a) {
    const std::string& signature = kind.signatures[a];
    std::string pattern;
    std::vector<std::string> own;
    size_t part = 0;
    for (char c : signature) {
      if (c != kPlaceholderMark) {
        pattern += KeyTemplate::escape(std::string_view(&c, 1));
        continue;
      }
      std::string column;
      bool whole = signature.size() == 1;
      std::vector<std::string> before =
          snake_words(std::string_view(signature).substr(0, signature.find(kPlaceholderMark)));
      // The same value in two places is one column. One item proves little unless the word says so.
      bool sure = kind.items.size() >= 3 || (!before.empty() && is_filler(before.back()));
      for (const Named& earlier : named) {
        if (whole || !sure || earlier.attribute == a) continue;
        bool same = true;
        for (size_t i = 0; same && i < kind.items.size(); ++i)
          same = part < parts[a][i].size() && earlier.part < parts[earlier.attribute][i].size() &&
                 parts[a][i][part] == parts[earlier.attribute][i][earlier.part];
        if (same) {
          column = earlier.column;
          break;
        }
      }
      if (column.empty()) {
        NamedKey::Place place{attributes[a], signature, part};
        std::string wanted = with_time_suffix(
            placeholder_name(signature, part, attributes[a], owner), kind, sample, place);
        if (columns.taken(snake_case(wanted))) wanted = "other_" + wanted;
        column = columns.claim(wanted, attributes[a]);
        named.push_back({a, part, column});
        key.columns.push_back(column);
        key.places[column] = place;
      }
      pattern += "{" + column + "}";
      own.push_back(column);
      ++part;
    }
    key.patterns.push_back(std::move(pattern));
    key.by_attribute.push_back(std::move(own));
  }
  return key;
}

}  // namespace offramp::mapping::profile
