#include "target/postgres/serve/access_path.h"

#include <fmt/format.h>

#include <algorithm>

#include "mapping/key_order.h"

namespace offramp::target::postgres {

using model::KeyAttribute;

namespace {

// PostgreSQL's B-trees end at 2704 bytes an entry. Of a made table longer entries are in the
// overflow table.
constexpr size_t kEntryBytesMax = 2500;

std::string too_long_sql(const std::vector<std::optional<AttributeSql>>& all,
                         const std::vector<KeyAttribute>& attributes) {
  std::string sum;
  for (size_t i = 0; i < all.size(); ++i)
    if (all[i] && attributes[i].type != ddb::Type::kN)
      sum += fmt::format("{}COALESCE(octet_length({}), 0)", sum.empty() ? "" : " + ", all[i]->sql);
  return sum.empty() ? "" : fmt::format(" OR {} > {}", sum, kEntryBytesMax);
}

// No key of an index may be empty; items from before it was added may have such a value.
void leave_out_empty(ddb::Type type, std::optional<AttributeSql>& sql) {
  if (!sql || sql->never_null || type == ddb::Type::kN) return;
  sql->sql = fmt::format("NULLIF({}, '')", sql->sql);
  sql->column = -1;
}

}  // namespace

AccessPath::AccessPath(const ServedTable& table, const ServedIndex* of, std::string_view alias)
    : index(of != nullptr) {
  auto add = [&](const KeyAttribute& attribute) {
    auto same = [&](const KeyAttribute& other) { return other.name == attribute.name; };
    if (std::none_of(attributes.begin(), attributes.end(), same)) attributes.push_back(attribute);
  };
  std::vector<KeyAttribute> partition{table.key.partition}, sort;
  if (of) {
    partition = of->partition;
    sort = of->sort;
  } else if (table.key.sort) {
    sort.push_back(*table.key.sort);
  }
  for (const KeyAttribute& attribute : partition) add(attribute);
  partition_count = attributes.size();
  for (const KeyAttribute& attribute : sort) add(attribute);
  sort_count = attributes.size() - partition_count;
  ASSERT(partition_count == partition.size() && sort_count == sort.size());
  add(table.key.partition);
  if (table.key.sort) add(*table.key.sort);
  for (uint32_t i = 0; i < attributes.size(); ++i) {
    scan_order.push_back(i);
    if (i >= partition_count) query_order.push_back(i);
  }

  const bool late = of && !of->into.empty();
  const mapping::CompiledMapping& mapping = *table.mapping;
  for (uint32_t t = 0; t < mapping.tables().size(); ++t) {
    if (mapping.tables()[t].role != mapping::TableRole::kParent) continue;
    Parent parent{.table = t};
    if (!index) parent.partition_columns = mapping::key_order(mapping, t).partition_columns;
    bool partition_said = true, order_said = true;
    for (uint32_t i = 0; i < attributes.size(); ++i) {
      parent.sql.push_back(attribute_sql(mapping, t, attributes[i], alias));
      const bool column = parent.sql[i] && parent.sql[i]->column >= 0;
      if (late) leave_out_empty(attributes[i].type, parent.sql[i]);
      (i < partition_count ? partition_said : order_said) &= parent.sql[i].has_value();
      if (!index || i >= partition_count + sort_count) continue;
      // What CreateTable makes columns of never hides a value: such items are in the overflow
      // table.
      if (table.made_here && (!late || column)) continue;
      std::string hidden = hidden_values_sql(mapping, t, attributes[i], alias);
      if (!hidden.empty()) parent.hidden += (parent.hidden.empty() ? "" : " OR ") + hidden;
    }
    std::string too_long = too_long_sql(parent.sql, attributes);
    // The table's splitter knows nothing of the sizes of an index that was added.
    if (late && parent.hidden.empty() && !too_long.empty()) parent.hidden = "false";
    if (!parent.hidden.empty()) parent.hidden += too_long;
    parent.query_ordered = order_said && (!index || partition_said);
    parent.scan_ordered = order_said && partition_said;
    parents.push_back(std::move(parent));
  }
}

}  // namespace offramp::target::postgres
