// Applying `skip` and `drop` to an item without going through rows, so that a defect of the mapping
// cannot hide itself.
#include "migrate/verify/expected_item.h"

#include <algorithm>

namespace offramp::migrate::verify {

ExpectedItem::ExpectedItem(std::shared_ptr<const mapping::CompiledMapping> mapping,
                           const model::MappingSpec& spec)
    : mapping_(mapping), spec_(spec), splitter_(mapping) {
  for (const model::TableMapping& table : spec) filters_ |= table.skip || !table.drop.empty();
}

ddb::ItemView ExpectedItem::of(ddb::ItemView item) {
  if (!filters_) return item;
  rows_.reset(mapping_->tables().size());
  mapping::Outcome outcome = splitter_.split(item, rows_, why_);
  if (outcome == mapping::Outcome::kSkipped) {
    ++skipped_;
    return {};
  }
  if (outcome == mapping::Outcome::kRefused) return item;
  const model::TableMapping& table = spec_[splitter_.source_mapping()];
  if (table.drop.empty()) return item;
  std::vector<const std::vector<std::string>*> paths;
  for (const auto& path : table.drop) paths.push_back(&path);
  nodes_.clear();
  uint32_t root = ddb::ItemBuilder(nodes_).open(ddb::Type::kM);
  uint32_t kept = copy_without(item, paths, 0);
  ddb::ItemBuilder(nodes_).close(root, kept);
  return ddb::ItemView(nodes_.data());
}

uint32_t ExpectedItem::copy_without(ddb::ValueView map,
                                    const std::vector<const std::vector<std::string>*>& paths,
                                    size_t depth) {
  ddb::ItemBuilder builder(nodes_);
  uint32_t kept = 0;
  for (ddb::ValueView member : map) {
    std::vector<const std::vector<std::string>*> inside;
    bool dropped = false;
    for (const auto* path : paths) {
      if ((*path)[depth] != member.name()) continue;
      if (path->size() == depth + 1)
        dropped = true;
      else
        inside.push_back(path);
    }
    if (dropped) {
      ++dropped_values_;
      continue;
    }
    ++kept;
    if (inside.empty() || member.type() != ddb::Type::kM) {
      builder.copy(member, member.name());
      continue;
    }
    uint32_t at = builder.open(ddb::Type::kM, member.name());
    uint32_t members = copy_without(member, inside, depth + 1);
    builder.close(at, members);
  }
  return kept;
}

}  // namespace offramp::migrate::verify
