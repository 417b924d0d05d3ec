#include "engine/page_view.h"

#include <algorithm>

#include "ddb/item_size.h"

namespace offramp::engine {

bool IndexView::is_index_key(std::string_view attribute) const {
  bool found = false;
  for_each_key([&](const model::KeyAttribute& key) { found |= key.name == attribute; });
  return found;
}

bool IndexView::projects(std::string_view attribute) const {
  if (whole() || table_.is_key(attribute) || is_index_key(attribute)) return true;
  const std::vector<std::string>& included = info().included;
  return info().projection == IndexInfo::Projection::kInclude &&
         std::find(included.begin(), included.end(), attribute) != included.end();
}

bool IndexView::is_partition(std::string_view attribute) const {
  if (is_table()) return table_.partition().name == attribute;
  const std::vector<model::KeyAttribute>& keys = index().partition;
  return std::any_of(keys.begin(), keys.end(),
                     [&](const model::KeyAttribute& key) { return key.name == attribute; });
}

bool IndexView::has_entry(ddb::ItemView item) const {
  bool all = true;
  for_each_key([&](const model::KeyAttribute& key) {
    const ddb::ValueView value = item.find(key.name);
    all = all && value && value.type() == key.type;
  });
  return all;
}

ddb::ItemView IndexView::entry(ddb::ItemView item, ddb::ItemBatch& out) const {
  if (whole()) return item;
  const auto start = static_cast<uint32_t>(out.nodes().size());
  ddb::ItemBuilder builder(out.nodes());
  const uint32_t root = builder.open(ddb::Type::kM);
  uint32_t members = 0;
  for (ddb::ValueView value : item)
    if (projects(value.name())) {
      builder.copy(value, value.name());
      ++members;
    }
  builder.close(root, members);
  out.add_root(start, 0);
  return out.item(out.size() - 1);
}

size_t IndexView::entry_size(ddb::ItemView item) const {
  if (whole()) return ddb::item_size(item);
  size_t bytes = 0;
  for (ddb::ValueView value : item)
    if (projects(value.name())) bytes += value.name().size() + ddb::value_size(value);
  return bytes;
}

bool IndexView::same_key(ddb::ItemView a, ddb::ItemView b) const {
  bool same = true;
  for_each_key([&](const model::KeyAttribute& key) {
    same = same && ddb::equal(a.find(key.name), b.find(key.name));
  });
  return same;
}

bool IndexView::same_entry(ddb::ItemView a, ddb::ItemView b) const {
  if (whole()) return ddb::equal(a, b);
  const auto covers = [this](ddb::ItemView some, ddb::ItemView other) {
    for (ddb::ValueView value : some) {
      if (!projects(value.name())) continue;
      const ddb::ValueView there = other.find(value.name());
      if (!there || !ddb::equal(value, there)) return false;
    }
    return true;
  };
  return covers(a, b) && covers(b, a);
}

}  // namespace offramp::engine
