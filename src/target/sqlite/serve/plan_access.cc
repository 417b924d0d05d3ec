#include "target/sqlite/serve/plan_access.h"

#include "mapping/identifiers.h"
#include "mapping/row_shape.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/json_path.h"

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

// One attribute as SQL: its kind and columns.
struct Part {
  Kind kind;
  std::vector<std::string> columns;
  std::vector<model::ColumnType> types;

  void add(const mapping::Column& column) {
    columns.push_back(quote_name(column.name));
    types.push_back(column.type);
  }
};

std::optional<Part> key_part(const ServedTable& served, uint32_t number, uint32_t key) {
  const Table& table = served.mapping->tables()[number];
  mapping::KeyOrder order = mapping::key_order(*served.mapping, number);
  Part out{key == 0 ? Kind::kPartitionKey : Kind::kSortKey, {}, {}};
  if (key == 0) {
    for (uint32_t i = 0; i < order.partition_columns; ++i) out.add(table.columns[i]);
    return out;
  }
  if (order.sort != mapping::SortOrder::kByColumn) return std::nullopt;
  out.add(table.columns[order.sort_column]);
  return out;
}

std::optional<Part> part_of(const ServedTable& served, uint32_t number,
                            const model::KeyAttribute& attribute) {
  const Table& table = served.mapping->tables()[number];
  const mapping::CompiledMapping::Impl& impl = served.mapping->impl();
  const PathNode& root = impl.shapes[static_cast<size_t>(impl.shape_of_table[number])].row.root;
  int found = root.find(attribute.name);
  const PathNode* place = found < 0 ? nullptr : &root.members[static_cast<size_t>(found)];
  if (place && place->place == PathNode::Place::kKey) return key_part(served, number, place->index);
  if (place && place->place == PathNode::Place::kColumn) {
    auto column = mapping::attribute_column(*served.mapping, number, attribute);
    if (!column) return std::nullopt;
    Part out{Kind::kColumn, {}, {}};
    out.add(table.columns[column->column]);
    return out;
  }
  auto path = json_path(attribute.name, attribute.type);
  if (!path) return std::nullopt;
  return Part{attribute.type == ddb::Type::kB ? Kind::kBase64 : Kind::kText,
              {"json_extract(" + quote_name(extra_name(table)) + ", " + *path + ")"},
              {model::ColumnType::kText}};
}

// Whether SQL orders the part's values as the service orders the attribute's.
bool in_order(const Part& part, ddb::Type type) {
  return part.kind == Kind::kColumn || part.kind == Kind::kSortKey ||
         (part.kind == Kind::kText && type == ddb::Type::kS);
}

// As an index of older versions says it.
std::string odd_rows_of(const Table& table) {
  std::string extra = quote_name(extra_name(table));
  return "ifnull(instr(" + extra + ", '{\"$S64\":') + instr(" + extra + ", '{\"$M64\":'), 0)";
}

}  // namespace

PlanAccess plan_access(const ServedTable& served, uint32_t table, const ServedIndex& index) {
  PlanAccess out;
  auto add = [&](const Part& part) {
    out.path.columns.insert(out.path.columns.end(), part.columns.begin(), part.columns.end());
    out.path.types.insert(out.path.types.end(), part.types.begin(), part.types.end());
  };
  for (const model::KeyAttribute& attribute : index.partition) {
    std::optional<Part> part = part_of(served, table, attribute);
    if (!part) return {};
    out.kinds.push_back(part->kind);
    add(*part);
  }
  out.usable = true;
  out.path.partition = static_cast<uint32_t>(out.path.columns.size());
  out.path.not_null = " AND NOT " + odd_rows_of(served.mapping->tables()[table]);
  std::optional<Part> sort;
  if (!index.sort.empty()) sort = part_of(served, table, index.sort[0]);
  if (!sort || !in_order(*sort, index.sort[0].type)) return out;
  out.sort = sort->kind;
  add(*sort);
  out.path.not_null += " AND " + sort->columns[0] + " IS NOT NULL";
  return out;
}

std::string odd_rows_sql(const Table& table) {
  return "SELECT " + all_columns(table) + " FROM " + quote_name(table.name) + " WHERE " +
         odd_rows_of(table);
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
      // The key's own index finds the partitions of a local index.
      if (!access.usable || (index.local && !access.sort)) continue;
      std::string columns;
      for (const std::string& column : access.path.columns)
        columns += (columns.empty() ? "" : ", ") + column;
      out.push_back(
          "CREATE INDEX IF NOT EXISTS " +
          quote_name(tables[t].name + "_served" + mapping::hash_tail(index.name + columns)) +
          " ON " + quote_name(tables[t].name) + " (" + columns + ")");
    }
    out.push_back("CREATE INDEX IF NOT EXISTS " + quote_name(tables[t].name + "_nul") + " ON " +
                  quote_name(tables[t].name) + " (" + quote_name(tables[t].columns[0].name) +
                  ") WHERE " + odd_rows_of(tables[t]));
  }
  return out;
}

}  // namespace offramp::target::sqlite::serve
