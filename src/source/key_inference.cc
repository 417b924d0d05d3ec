#include "source/key_inference.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <unordered_set>

namespace offramp::source {
namespace {

constexpr size_t kPartitionBytesMax = 2048;
constexpr size_t kSortBytesMax = 1024;

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kConventionalPairs = {{
    {"pk", "sk"},
    {"partitionkey", "sortkey"},
    {"hashkey", "rangekey"},
    {"hash", "range"},
    {"pkey", "skey"},
    {"partition", "sort"},
    {"id", "sk"},
}};

// Lower case without separators: PartitionKey, partition_key and partition-key are one.
std::string folded(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (c != '_' && c != '-' && c != '.')
      out.push_back(static_cast<char>(std::tolower(static_cast<unsigned char>(c))));
  }
  return out;
}

bool conventional_pair(std::string_view partition, std::string_view sort) {
  std::string p = folded(partition), s = folded(sort);
  return std::any_of(kConventionalPairs.begin(), kConventionalPairs.end(),
                     [&](const auto& pair) { return pair.first == p && pair.second == s; });
}

// Lower is better.
int single_rank(std::string_view name) {
  std::string text = folded(name);
  if (text == "pk" || text == "partitionkey" || text == "hashkey") return 0;
  if (text == "id" || text == "key" || text == "uuid") return 1;
  if (name.ends_with("Id") || name.ends_with("_id") || name.ends_with("-id") ||
      name.ends_with("ID"))
    return 2;
  return 3;
}

size_t distinct(const std::vector<uint64_t>& hashes) {
  return std::unordered_set<uint64_t>(hashes.begin(), hashes.end()).size();
}

bool unique_pair(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
  std::unordered_set<uint64_t> seen;
  for (size_t i = 0; i < a.size(); ++i) {
    std::array<uint64_t, 2> both{a[i], b[i]};
    if (!seen.insert(XXH3_64bits(both.data(), sizeof(both))).second) return false;
  }
  return true;
}

bool may_be_key(ddb::ValueView value) {
  if (value.type() != ddb::Type::kS && value.type() != ddb::Type::kN &&
      value.type() != ddb::Type::kB)
    return false;
  return !value.bytes().empty() && value.bytes().size() <= kPartitionBytesMax;
}

uint64_t hash_of(ddb::ValueView value) {
  return XXH3_64bits(value.bytes().data(), value.bytes().size());
}

}  // namespace

void KeyInference::start(ddb::ItemView item) {
  for (ddb::ValueView value : item) {
    if (may_be_key(value)) attributes_.push_back({std::string(value.name()), value.type(), 0, {}});
  }
  auto conventional = [](const Attribute& attribute) {
    std::string name = folded(attribute.name);
    return std::any_of(kConventionalPairs.begin(), kConventionalPairs.end(),
                       [&](const auto& pair) { return pair.first == name || pair.second == name; });
  };
  // Where there are too many attributes, those with telling names stay.
  std::sort(attributes_.begin(), attributes_.end(), [&](const Attribute& a, const Attribute& b) {
    return std::tuple(!conventional(a), single_rank(a.name), std::string_view(a.name)) <
           std::tuple(!conventional(b), single_rank(b.name), std::string_view(b.name));
  });
  if (attributes_.size() > kAttributesMax) attributes_.resize(kAttributesMax);
  std::sort(attributes_.begin(), attributes_.end(),
            [](const Attribute& a, const Attribute& b) { return a.name < b.name; });
}

void KeyInference::add(ddb::ItemView item) {
  if (items_ == kItemsMax) return;
  if (items_++ == 0) start(item);
  std::erase_if(attributes_, [&](Attribute& attribute) {
    ddb::ValueView value = item.find(attribute.name);
    if (!value || value.type() != attribute.type || !may_be_key(value)) return true;
    attribute.bytes_max = std::max(attribute.bytes_max, value.bytes().size());
    attribute.hashes.push_back(hash_of(value));
    return false;
  });
}

std::vector<model::KeySchema> KeyInference::candidates() const {
  if (items_ == 0) return {};
  std::vector<size_t> counts;
  for (const Attribute& attribute : attributes_) counts.push_back(distinct(attribute.hashes));
  auto key = [&](size_t index) {
    return model::KeyAttribute{attributes_[index].name, attributes_[index].type};
  };
  auto fits_sort = [&](size_t index) { return attributes_[index].bytes_max <= kSortBytesMax; };

  std::vector<model::KeySchema> readings;
  for (size_t p = 0; p < attributes_.size(); ++p) {
    for (size_t s = 0; s < attributes_.size(); ++s) {
      if (p != s && fits_sort(s) && conventional_pair(attributes_[p].name, attributes_[s].name) &&
          unique_pair(attributes_[p].hashes, attributes_[s].hashes))
        readings.push_back({key(p), key(s)});
    }
  }
  std::vector<size_t> singles;
  for (size_t i = 0; i < attributes_.size(); ++i) {
    if (counts[i] == items_) singles.push_back(i);
  }
  std::stable_sort(singles.begin(), singles.end(), [&](size_t a, size_t b) {
    return single_rank(attributes_[a].name) < single_rank(attributes_[b].name);
  });
  for (size_t index : singles) readings.push_back({key(index), std::nullopt});
  if (readings.empty()) {
    for (size_t a = 0; a < attributes_.size(); ++a) {
      for (size_t b = a + 1; b < attributes_.size() && readings.size() < kReadingsMax; ++b) {
        if (!unique_pair(attributes_[a].hashes, attributes_[b].hashes)) continue;
        auto [p, s] = counts[a] <= counts[b] ? std::pair(a, b) : std::pair(b, a);
        if (fits_sort(s)) readings.push_back({key(p), key(s)});
        if (fits_sort(p)) readings.push_back({key(s), key(p)});
      }
    }
  }
  if (readings.size() > kReadingsMax) readings.resize(kReadingsMax);
  return readings;
}

std::optional<model::KeySchema> key_from_names(const std::vector<model::KeyAttribute>& names) {
  if (names.size() == 1) return model::KeySchema{names[0], std::nullopt};
  if (names.size() != 2) return std::nullopt;
  if (conventional_pair(names[0].name, names[1].name)) return model::KeySchema{names[0], names[1]};
  if (conventional_pair(names[1].name, names[0].name)) return model::KeySchema{names[1], names[0]};
  return std::nullopt;
}

}  // namespace offramp::source
