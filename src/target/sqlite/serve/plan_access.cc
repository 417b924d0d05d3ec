#include "target/sqlite/serve/plan_access.h"

#include "mapping/identifiers.h"
#include "mapping/row_shape.h"
#include "target/sqlite/schema.h"

namespace offramp::target::sqlite::serve {

using mapping::PathNode;
using mapping::Table;
using mapping::TableRole;
using Kind = PlanAccess::Kind;

namespace {

const std::string& extra_name(const Table& table) {
  for (const mapping::Column& column : table.columns)
    if (column.extra) return column.name;
  ASSERT(false);
  return table.name;
}

std::string sql_text(const std::string& text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

// SQLite looks for a name in JSON text as it stands there, so it may not be one that JSON escapes.
bool plain_in_json(std::string_view name) {
  for (char c : name)
    if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return !name.empty();
}

bool add_key_attribute(const ServedTable& served, uint32_t number, uint32_t key, PlanAccess& out) {
  const Table& table = served.mapping->tables()[number];
  mapping::KeyOrder order = mapping::key_order(*served.mapping, number);
  if (key == 0) {
    out.kinds.push_back(Kind::kPartitionKey);
    for (uint32_t i = 0; i < order.partition_columns; ++i)
      out.columns.push_back(quote_name(table.columns[i].name));
    return true;
  }
  if (order.sort != mapping::SortOrder::kByColumn) return false;
  out.kinds.push_back(Kind::kSortKey);
  out.columns.push_back(quote_name(table.columns[order.sort_column].name));
  return true;
}

bool add_attribute(const ServedTable& served, uint32_t number, const model::KeyAttribute& attribute,
                   PlanAccess& out) {
  const Table& table = served.mapping->tables()[number];
  const mapping::CompiledMapping::Impl& impl = served.mapping->impl();
  const PathNode& root = impl.shapes[static_cast<size_t>(impl.shape_of_table[number])].row.root;
  int found = root.find(attribute.name);
  const PathNode* place = found < 0 ? nullptr : &root.members[static_cast<size_t>(found)];
  if (place && place->place == PathNode::Place::kKey)
    return add_key_attribute(served, number, place->index, out);
  if (place && place->place == PathNode::Place::kColumn) {
    auto column = mapping::attribute_column(*served.mapping, number, attribute);
    if (!column) return false;
    out.kinds.push_back(Kind::kColumn);
    out.columns.push_back(quote_name(table.columns[column->column].name));
    return true;
  }
  if (!plain_in_json(attribute.name)) return false;
  out.kinds.push_back(attribute.type == ddb::Type::kB ? Kind::kBase64 : Kind::kText);
  out.columns.push_back(
      "json_extract(" + quote_name(extra_name(table)) + ", " +
      sql_text("$.\"" + attribute.name + "\"." + std::string(ddb::type_tag(attribute.type))) + ")");
  return true;
}

std::string odd_rows(const Table& table) {
  std::string extra = quote_name(extra_name(table));
  return "ifnull(instr(" + extra + ", '{\"$S64\":') + instr(" + extra + ", '{\"$M64\":'), 0)";
}

}  // namespace

PlanAccess plan_access(const ServedTable& served, uint32_t table, const ServedIndex& index) {
  PlanAccess out;
  out.usable = true;
  for (const model::KeyAttribute& attribute : index.partition)
    out.usable = out.usable && add_attribute(served, table, attribute, out);
  return out;
}

std::string plan_access_sql(const Table& table, const PlanAccess& access) {
  std::string where;
  for (size_t i = 0; i < access.columns.size(); ++i)
    where += (i ? " AND " : "") + access.columns[i] + " = ?" + std::to_string(i + 1);
  return "SELECT " + all_columns(table) + " FROM " + quote_name(table.name) + " WHERE " + where +
         " AND NOT " + odd_rows(table);
}

std::string odd_rows_sql(const Table& table) {
  return "SELECT " + all_columns(table) + " FROM " + quote_name(table.name) + " WHERE " +
         odd_rows(table);
}

std::vector<std::string> plan_indexes_sql(const ServedTable& served) {
  std::vector<std::string> out;
  const auto& tables = served.mapping->tables();
  for (uint32_t t = 0; t < tables.size(); ++t) {
    // finish_load makes it; without it a change would not find the row of its key.
    out.push_back(create_key_index_sql(tables[t]));
    if (tables[t].role != TableRole::kParent || served.indexes.empty()) continue;
    for (const ServedIndex& index : served.indexes) {
      PlanAccess access = plan_access(served, t, index);
      // The key's own index does for the partitions of a local index.
      if (!access.usable || index.local) continue;
      std::string columns;
      for (const std::string& column : access.columns)
        columns += (columns.empty() ? "" : ", ") + column;
      out.push_back(
          "CREATE INDEX IF NOT EXISTS " +
          quote_name(tables[t].name + "_served" + mapping::hash_tail(index.name + columns)) +
          " ON " + quote_name(tables[t].name) + " (" + columns + ")");
    }
    out.push_back("CREATE INDEX IF NOT EXISTS " + quote_name(tables[t].name + "_nul") + " ON " +
                  quote_name(tables[t].name) + " (" + quote_name(tables[t].columns[0].name) +
                  ") WHERE " + odd_rows(tables[t]));
  }
  return out;
}

}  // namespace offramp::target::sqlite::serve
