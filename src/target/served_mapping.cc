// Attribute names → column names, and the MappingSpec that the plan's compiler takes.
#include "target/served_mapping.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/assert.h"
#include "mapping/identifiers.h"

namespace offramp::target {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c += 'a' - 'A';
  return out;
}

model::ColumnType column_type(ddb::Type key_type) {
  return key_type == ddb::Type::kN   ? model::ColumnType::kNumeric
         : key_type == ddb::Type::kB ? model::ColumnType::kBytea
                                     : model::ColumnType::kText;
}

// Gives each attribute one column name; the same attribute always the same.
class ColumnNames {
 public:
  explicit ColumnNames(const mapping::Limits& limits) : limits_(limits) {}

  const std::string& of(const std::string& attribute) {
    auto known = names_.find(attribute);
    if (known != names_.end()) return known->second;
    return names_.emplace(attribute, claim(attribute)).first->second;
  }
  std::string claim(const std::string& wanted) {
    std::string name = mapping::plain_identifier(wanted);
    bool plain = name == wanted && !name.empty() && name.size() <= limits_.identifier_bytes_max &&
                 !reserved(lower(name));
    if (!plain || taken_.contains(lower(name))) {
      // Room for the hash: what is cut off is in it.
      std::string tail = mapping::hash_tail(wanted);
      name = name.substr(0, limits_.identifier_bytes_max - tail.size()) + tail;
    }
    taken_.insert(lower(name));
    return name;
  }

 private:
  bool reserved(const std::string& name) const {
    const auto& names = limits_.column_names_reserved;
    return std::find(names.begin(), names.end(), name) != names.end();
  }
  const mapping::Limits& limits_;
  std::map<std::string, std::string> names_;
  std::set<std::string> taken_;
};

void add_unique(std::vector<std::string>& names, const std::string& name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

std::string with_tail(std::string name, const std::string& tail, size_t bytes_max) {
  // A child or an index is named after the table: room for that too.
  return name.substr(0, bytes_max - tail.size() - 8) + tail;
}

}  // namespace

std::string plain_table_name(const ServedTable& table, const mapping::Limits& limits) {
  std::string name = mapping::plain_identifier(table.name);
  bool plain = name == table.name && name.size() + 8 <= limits.identifier_bytes_max &&
               !name.starts_with("sqlite_") && !name.starts_with("_offramp");
  return plain ? name
               : with_tail(name, mapping::hash_tail(table.name), limits.identifier_bytes_max);
}

std::string unique_table_name(const ServedTable& table, const mapping::Limits& limits) {
  return with_tail(mapping::plain_identifier(table.name), mapping::hash_tail(table.id),
                   limits.identifier_bytes_max);
}

size_t layout_number(const ServedTable& table, const ServedIndex& index) {
  const std::vector<ServedIndex>& all = made_with(table);
  size_t i = 0;
  while (i < all.size() && all[i].name != index.name) ++i;
  ASSERT(i < all.size());
  return i;
}

std::string index_name(const ServedTable& table, std::string_view index, std::string_view unique,
                       const mapping::Limits& limits) {
  std::string tail =
      mapping::hash_tail(table.id + "/" + std::string(index) + "/" + std::string(unique));
  std::string name = table.into + "_" + mapping::plain_identifier(std::string(index));
  // Room for the names of what belongs to it.
  return with_tail(std::move(name), tail, limits.identifier_bytes_max);
}

Status make_mapping(ServedTable& table, const mapping::Limits& limits) {
  model::TableMapping spec;
  spec.into = table.into;
  ColumnNames columns(limits);
  std::vector<std::string> key_columns;
  auto add_key = [&](const model::KeyAttribute& attribute) {
    const std::string& name = columns.of(attribute.name);
    key_columns.push_back(name);
    spec.key.push_back({attribute.name, "{" + name + "}", {}});
    spec.columns.push_back({name, {}, column_type(attribute.type), {}, {}, {}});
  };
  add_key(table.key.partition);
  if (table.key.sort) add_key(*table.key.sort);

  std::set<std::string> attributes = {table.key.partition.name};
  if (table.key.sort) attributes.insert(table.key.sort->name);
  for (const ServedIndex& index : made_with(table)) {
    model::IndexSpec index_spec;
    for (const auto* part : {&index.partition, &index.sort})
      for (const model::KeyAttribute& attribute : *part) {
        const std::string& name = columns.of(attribute.name);
        if (attributes.insert(attribute.name).second)
          spec.columns.push_back({name, {attribute.name}, column_type(attribute.type), {}, {}, {}});
        add_unique(index_spec.columns, name);
      }
    for (const std::string& name : key_columns) add_unique(index_spec.columns, name);
    spec.indexes.push_back(std::move(index_spec));
  }
  spec.extra = columns.claim("extra");
  table.mapping = TRY(mapping::CompiledMapping::compile({spec}, table.key, limits, table.into));
  return {};
}

}  // namespace offramp::target
