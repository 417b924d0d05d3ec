// The likeliest key of items whose source does not say it.
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "mapping/profile/propose.h"

namespace offramp::mapping::profile {
namespace {

constexpr size_t kCandidatesMax = 16;

struct Candidate {
  std::string name;
  ddb::Type type;
  size_t present = 0;
  int rank = 0;  // the smaller, the more like a key's name
};

int partition_rank(std::string_view attribute) {
  std::string name = snake_case(attribute);
  std::string joined = name;
  std::erase(joined, '_');
  if (joined == "pk" || joined == "hk" || joined == "partitionkey" || joined == "hashkey") return 0;
  if (joined == "sk" || joined == "rk" || joined == "sortkey" || joined == "rangekey") return 9;
  if (name == "id") return 1;
  if (name == "key" || name == "uuid") return 2;
  return name.ends_with("_id") ? 3 : 5;
}

int sort_rank(std::string_view attribute) {
  std::string name = snake_case(attribute);
  std::string joined = name;
  std::erase(joined, '_');
  if (joined == "sk" || joined == "rk" || joined == "sortkey" || joined == "rangekey") return 0;
  return name.find("time") != std::string::npos || name.ends_with("_at") ||
                 name.find("date") != std::string::npos
             ? 2
             : 3;
}

bool tells_apart(const ddb::ItemBatch& sample, const Candidate& a, const Candidate* b) {
  std::unordered_set<uint64_t> seen;
  for (size_t i = 0; i < sample.size(); ++i) {
    std::string_view first = sample.item(i).find(a.name).bytes();
    uint64_t hash = XXH3_64bits(first.data(), first.size());
    if (b) {
      std::string_view second = sample.item(i).find(b->name).bytes();
      hash = XXH3_64bits_withSeed(second.data(), second.size(), hash);
    }
    if (!seen.insert(hash).second) return false;
  }
  return true;
}

}  // namespace

std::optional<model::KeySchema> guess_key(const Profile& profile) {
  const ddb::ItemBatch& sample = profile.sample;
  if (sample.size() == 0) return std::nullopt;
  std::vector<Candidate> candidates;
  for (ddb::ValueView value : sample.item(0))
    if (value.type() == ddb::Type::kS || value.type() == ddb::Type::kN ||
        value.type() == ddb::Type::kB)
      candidates.push_back(
          {std::string(value.name()), value.type(), 0, partition_rank(value.name())});
  std::ranges::stable_sort(candidates, {}, &Candidate::rank);
  // Names first, so the bound does not depend on the order in the item.
  if (candidates.size() > kCandidatesMax) candidates.resize(kCandidatesMax);
  std::erase_if(candidates, [&](const Candidate& candidate) {
    for (size_t i = 0; i < sample.size(); ++i) {
      ddb::ValueView value = sample.item(i).find(candidate.name);
      if (!value || value.type() != candidate.type || value.bytes().empty()) return true;
    }
    return false;
  });
  auto key_attribute = [](const Candidate& candidate) {
    return model::KeyAttribute{candidate.name, candidate.type};
  };
  // PK and SK by name are a pair even when PK alone would do for the sample.
  if (!candidates.empty() && candidates[0].rank == 0)
    for (const Candidate& sort : candidates)
      if (sort_rank(sort.name) == 0 && tells_apart(sample, candidates[0], &sort))
        return model::KeySchema{key_attribute(candidates[0]), key_attribute(sort)};
  for (const Candidate& candidate : candidates)
    if (candidate.rank <= 5 && tells_apart(sample, candidate, nullptr))
      return model::KeySchema{key_attribute(candidate), std::nullopt};
  for (const Candidate& partition : candidates) {
    std::vector<const Candidate*> sorts;
    for (const Candidate& sort : candidates)
      if (sort.name != partition.name) sorts.push_back(&sort);
    std::ranges::stable_sort(sorts, {}, [](const Candidate* c) { return sort_rank(c->name); });
    for (const Candidate* sort : sorts)
      if (tells_apart(sample, partition, sort))
        return model::KeySchema{key_attribute(partition), key_attribute(*sort)};
  }
  return std::nullopt;
}

}  // namespace offramp::mapping::profile
