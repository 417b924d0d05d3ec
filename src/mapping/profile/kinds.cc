#include "mapping/profile/kinds.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/ascii.h"
#include "mapping/key_template.h"
#include "mapping/profile/key_labels.h"
#include "mapping/profile/names.h"

namespace offramp::mapping::profile {
namespace {

constexpr size_t kConstantsMax = 12;
constexpr size_t kTypeValuesMax = 40;
// Kinds that share more than this of their attributes are one kind under several labels.
constexpr double kSimilarMin = 0.8;
constexpr std::string_view kWhole("\1", 1);

constexpr std::string_view kTypeAttributes[] = {
    "entityType", "entity_type", "EntityType", "__typename", "_type",
    "__type",     "_et",         "et",         "type",       "Type",
    "itemType",   "item_type",   "ItemType",   "recordType", "record_type",
    "docType",    "objectType",  "kind",       "entity",     "__edb_e__",
};

// Names that say nothing, as the keys of single-table designs have.
bool is_generic_name(std::string_view attribute) {
  std::string name = snake_case(attribute);
  std::erase(name, '_');
  for (std::string_view generic :
       {"pk",       "sk",           "hk",      "rk",        "hash", "range", "hashkey",
        "rangekey", "partitionkey", "sortkey", "partition", "sort", "key",   "primarykey",
        "pkey",     "skey",         "pk1",     "sk1",       "p",    "s"})
    if (name == generic) return true;
  return false;
}

bool is_word_name(std::string_view name) {
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         std::ranges::all_of(name, [](char c) { return base::is_letter_or_digit(c) || c == '_'; });
}

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out += quote;
}

// The attributes that at least half of the items have.
std::set<std::string_view> usual_attributes(const ddb::ItemBatch& sample,
                                            const std::vector<uint32_t>& items) {
  std::map<std::string_view, size_t> counts;
  for (uint32_t i : items)
    for (ddb::ValueView value : sample.item(i))
      if (counts.contains(value.name()) || counts.size() < 4096) ++counts[value.name()];
  std::set<std::string_view> usual;
  for (const auto& [name, count] : counts)
    if (count * 2 >= items.size()) usual.insert(name);
  return usual;
}

// Mean share of common attributes over all pairs of groups: 1 = all alike.
double similarity(const ddb::ItemBatch& sample,
                  const std::vector<const std::vector<uint32_t>*>& groups,
                  const model::KeySchema& key) {
  std::vector<std::set<std::string_view>> sets;
  for (const auto* group : groups) {
    sets.push_back(usual_attributes(sample, *group));
    sets.back().erase(key.partition.name);
    if (key.sort) sets.back().erase(key.sort->name);
  }
  double sum = 0;
  size_t pairs = 0;
  for (size_t a = 0; a < sets.size(); ++a) {
    for (size_t b = a + 1; b < sets.size(); ++b, ++pairs) {
      size_t common = 0;
      for (std::string_view name : sets[a]) common += sets[b].contains(name);
      size_t all = sets[a].size() + sets[b].size() - common;
      sum += all == 0 ? 1 : static_cast<double>(common) / static_cast<double>(all);
    }
  }
  return pairs == 0 ? 1 : sum / static_cast<double>(pairs);
}

class KindFinder {
 public:
  KindFinder(const ddb::ItemBatch& sample, const model::KeySchema& key)
      : sample_(sample), key_(key) {
    attributes_.push_back(key.partition);
    if (key.sort) attributes_.push_back(*key.sort);
  }

  Kinds find() {
    read_texts();
    size_t usable = usable_.size();
    count_min_ = usable < 50 ? 1 : std::max<size_t>(2, (usable + 999) / 1000);
    for (size_t a = 0; a < attributes_.size(); ++a) find_signatures(a);
    if (attributes_.size() == 2)
      for (size_t a = 2; a-- > 0;) find_constants(a);
    Kinds out = group();
    out.keyless_items = sample_.size() - usable;
    out.odd_items += out.keyless_items;
    return out;
  }

 private:
  void read_texts() {
    texts_.resize(attributes_.size());
    for (uint32_t i = 0; i < sample_.size(); ++i) {
      std::array<std::string_view, 2> texts;
      bool good = true;
      for (size_t a = 0; good && a < attributes_.size(); ++a) {
        ddb::ValueView value = sample_.item(i).find(attributes_[a].name);
        good = value && value.type() == attributes_[a].type && !value.bytes().empty();
        if (good) texts[a] = value.bytes();
      }
      if (!good) continue;
      usable_.push_back(i);
      for (size_t a = 0; a < attributes_.size(); ++a) texts_[a].push_back(texts[a]);
    }
    signatures_.assign(attributes_.size(),
                       std::vector<std::string>(usable_.size(), std::string(kWhole)));
  }

  void find_signatures(size_t a) {
    if (attributes_[a].type != ddb::Type::kS) return;
    if (split_by_name(a)) return;
    KeyLabels labels(texts_[a], count_min_);
    if (!labels.any() || labels_are_data(a)) return;
    std::vector<std::string> signatures;
    std::map<std::string, std::vector<uint32_t>> groups;
    for (size_t i = 0; i < usable_.size(); ++i) {
      signatures.push_back(labels.take_apart(texts_[a][i]).signature);
      groups[signatures.back()].push_back(usable_[i]);
    }
    if (!is_generic_name(attributes_[a].name)) {
      // "userId: USER#1" reads best whole; only labels that tell different things apart cut such a
      // table.
      std::vector<const std::vector<uint32_t>*> compared;
      for (const auto& [signature, items] : groups)
        if (items.size() >= count_min_ && signature != kWhole && compared.size() < kKindsMax)
          compared.push_back(&items);
      if (compared.size() < 2 || labels.share() < 0.9 || similarity(sample_, compared, key_) > 0.6)
        return;
    }
    signatures_[a] = std::move(signatures);
  }

  // "JFK#2021-09-01" beside dest = "JFK": the label is a value of the item, not the name of its
  // kind.
  bool labels_are_data(size_t a) const {
    std::map<std::string_view, size_t> same;
    std::set<std::string_view> words;
    size_t labelled = 0;
    for (size_t i = 0; i < usable_.size(); ++i) {
      std::string_view label = KeyLabels::leading_label(texts_[a][i]);
      if (label.size() < 2) continue;
      ++labelled;
      std::string_view word = label.substr(0, label.size() - 1);
      if (words.size() < 2) words.insert(word);
      for (ddb::ValueView value : sample_.item(usable_[i]))
        if (value.type() == ddb::Type::kS && value.bytes() == word &&
            std::ranges::find(kTypeAttributes, value.name()) == std::end(kTypeAttributes))
          ++same[value.name()];
    }
    return words.size() >= 2 && std::ranges::any_of(same, [&](const auto& entry) {
             return entry.second * 10 >= labelled * 8;
           });
  }

  // "Status#Date" holding "Shipped#2019-11-26": the attribute's name says how it is built.
  bool split_by_name(size_t a) {
    const std::string& name = attributes_[a].name;
    size_t at = name.find_first_of("#|");
    if (at == std::string::npos || at == 0 || at + 1 == name.size()) return false;
    char separator = name[at];
    size_t parts = 1 + static_cast<size_t>(std::ranges::count(name, separator));
    if (parts > kPlaceholdersMax) return false;
    auto fits = [&](std::string_view text) {
      return static_cast<size_t>(std::ranges::count(text, separator)) + 1 >= parts &&
             text.front() != separator && text.back() != separator;
    };
    if (!std::ranges::all_of(texts_[a], fits)) return false;
    std::string signature(kWhole);
    for (size_t i = 1; i < parts; ++i) (signature += separator) += kPlaceholderMark;
    signatures_[a].assign(usable_.size(), signature);
    return true;
  }

  // Whole values that the sample repeats for different partners: SK = "PROFILE".
  void find_constants(size_t a) {
    if (attributes_[a].type != ddb::Type::kS || !is_generic_name(attributes_[a].name)) return;
    size_t other = 1 - a;
    // A partition key such as "DEN" is more often an id than a marker: it must weigh something.
    size_t needed = std::max<size_t>(2, count_min_);
    if (a == 0) needed = std::max<size_t>(50, usable_.size() / 100);
    struct Seen {
      size_t count = 0;
      std::set<std::string_view> partners;
    };
    std::map<std::string_view, Seen> seen;
    for (size_t i = 0; i < usable_.size(); ++i) {
      std::string_view text = texts_[a][i];
      // Both constant would leave no column for the key.
      if (signatures_[a][i] != kWhole || !KeyLabels::is_constant_word(text) ||
          signatures_[other][i].find(kPlaceholderMark) == std::string::npos)
        continue;
      if (!seen.contains(text) && seen.size() >= 100000) continue;
      Seen& entry = seen[text];
      ++entry.count;
      if (entry.partners.size() < 2) entry.partners.insert(texts_[other][i]);
    }
    std::erase_if(seen, [&](const auto& entry) {
      return entry.second.count < needed || entry.second.partners.size() < 2;
    });
    if (seen.empty() || seen.size() > kConstantsMax) return;
    for (size_t i = 0; i < usable_.size(); ++i)
      if (signatures_[a][i] == kWhole && seen.contains(texts_[a][i]) &&
          signatures_[other][i].find(kPlaceholderMark) != std::string::npos)
        signatures_[a][i] = std::string(texts_[a][i]);
  }

  Kinds group() {
    std::map<std::vector<std::string>, std::vector<uint32_t>> groups;
    for (size_t i = 0; i < usable_.size(); ++i) {
      std::vector<std::string> signature;
      for (size_t a = 0; a < attributes_.size(); ++a) signature.push_back(signatures_[a][i]);
      groups[signature].push_back(usable_[i]);
    }
    Kinds out;
    std::vector<Kind> kinds;
    for (auto& [signature, items] : groups) {
      Kind kind{signature, std::nullopt, {}, std::move(items)};
      split_by_type(std::move(kind), kinds);
    }
    std::ranges::stable_sort(
        kinds, [](const Kind& a, const Kind& b) { return a.items.size() > b.items.size(); });
    for (Kind& kind : kinds) {
      bool enough = kind.items.size() >= count_min_ || kind.takes_all();
      // The last place is for the kind that takes all.
      if (!enough || (out.kinds.size() >= kKindsMax && !kind.takes_all())) {
        out.odd_items += kind.items.size();
        continue;
      }
      out.kinds.push_back(std::move(kind));
    }
    auto rank = [](const Kind& kind) {
      size_t literal = 0;
      for (const std::string& signature : kind.signatures)
        literal +=
            signature.size() - static_cast<size_t>(std::ranges::count(signature, kPlaceholderMark));
      // More literal text first; among equals those with a condition, then the many before the few.
      return std::tuple(kind.takes_all(), -static_cast<int64_t>(literal), !kind.match.has_value());
    };
    std::ranges::stable_sort(out.kinds,
                             [&](const Kind& a, const Kind& b) { return rank(a) < rank(b); });
    return out;
  }

  // Adds the kind, or its parts when a type attribute tells different things apart.
  void split_by_type(Kind kind, std::vector<Kind>& out) {
    for (std::string_view attribute : kTypeAttributes) {
      if (attribute == attributes_[0].name || attribute == attributes_.back().name) continue;
      std::map<std::string_view, std::vector<uint32_t>> by_value;
      size_t typed = 0;
      for (uint32_t i : kind.items) {
        ddb::ValueView value = sample_.item(i).find(attribute);
        if (!value || value.type() != ddb::Type::kS || !is_word_name(snake_case(value.bytes())) ||
            value.bytes().size() > 40)
          continue;
        ++typed;
        by_value[value.bytes()].push_back(i);
        if (by_value.size() > kTypeValuesMax) break;
      }
      if (by_value.size() > kTypeValuesMax || typed * 100 < kind.items.size() * 95) continue;
      std::erase_if(by_value, [&](const auto& entry) { return entry.second.size() < count_min_; });
      if (by_value.size() < 2) continue;
      std::vector<const std::vector<uint32_t>*> groups;
      for (const auto& [value, items] : by_value) groups.push_back(&items);
      bool single_table = kind.takes_all() && is_generic_name(attributes_[0].name);
      if (!single_table && similarity(sample_, groups, key_) > kSimilarMin) continue;
      std::string name = is_word_name(attribute) && attribute[0] != '_' ? std::string(attribute)
                                                                        : quoted(attribute, '"');
      std::set<uint32_t> taken;
      for (auto& [value, items] : by_value) {
        taken.insert(items.begin(), items.end());
        out.push_back({kind.signatures, name + " = " + quoted(value, '\''), std::string(value),
                       std::move(items)});
      }
      std::erase_if(kind.items, [&](uint32_t i) { return taken.contains(i); });
      if (!kind.items.empty()) out.push_back(std::move(kind));
      return;
    }
    out.push_back(std::move(kind));
  }

  const ddb::ItemBatch& sample_;
  const model::KeySchema& key_;
  std::vector<model::KeyAttribute> attributes_;
  size_t count_min_ = 1;
  std::vector<uint32_t> usable_;                      // items with a usable key
  std::vector<std::vector<std::string_view>> texts_;  // [attribute][usable]
  std::vector<std::vector<std::string>> signatures_;  // [attribute][usable]
};

}  // namespace

bool Kind::takes_all() const {
  return !match && std::ranges::all_of(signatures, [](const std::string& signature) {
    return signature == kWhole;
  });
}

Kinds find_kinds(const ddb::ItemBatch& sample, const model::KeySchema& key) {
  return KindFinder(sample, key).find();
}

std::vector<std::string_view> take_apart(std::string_view signature, std::string_view text) {
  std::string pattern;
  size_t placeholders = 0;
  for (char c : signature) {
    if (c == kPlaceholderMark)
      pattern += "{p" + std::to_string(placeholders++) + "}";
    else
      pattern += KeyTemplate::escape(std::string_view(&c, 1));
  }
  std::vector<std::string_view> parts(placeholders);
  Result<KeyTemplate> parsed = KeyTemplate::parse(pattern);
  if (!parsed.ok() || !parsed->match(text, parts.data())) return {};
  return parts;
}

}  // namespace offramp::mapping::profile
