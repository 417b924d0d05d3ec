#include "target/sqlite/serve/index_paths.h"

#include <set>

#include "target/served_mapping.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/late_index.h"

namespace offramp::target::sqlite::serve {

using mapping::Table;
using model::KeyAttribute;

namespace {

std::string text_numbers_name(const Table& table, uint32_t column) {
  return table.name + "_text" + std::to_string(column);
}

// The numeric columns behind the partition columns of any index.
std::set<uint32_t> ordering_numbers(const ServedTable& served) {
  const Table& table = served.mapping->tables()[0];
  std::set<uint32_t> out;
  const std::vector<ServedIndex>& indexes = made_with(served);
  for (size_t i = 0; i < indexes.size(); ++i) {
    const std::vector<uint32_t>& columns = table.indexes[i].columns;
    for (size_t c = indexes[i].partition.size(); c < columns.size(); ++c)
      if (table.columns[columns[c]].type == model::ColumnType::kNumeric) out.insert(columns[c]);
  }
  return out;
}

std::string not_null(const Table& table, const std::vector<uint32_t>& columns) {
  std::string out;
  for (uint32_t column : columns)
    if (column >= table.key_columns)
      out += " AND " + quote_name(table.columns[column].name) + " IS NOT NULL";
  return out;
}

}  // namespace

Path key_path(const mapping::CompiledMapping& mapping, uint32_t number) {
  const Table& table = mapping.tables()[number];
  Path out;
  for (uint32_t i = 0; i < table.key_columns; ++i) {
    out.columns.push_back(quote_name(table.columns[i].name));
    out.types.push_back(table.columns[i].type);
  }
  out.partition = table.role == mapping::TableRole::kOverflow
                      ? 1
                      : mapping::key_order(mapping, number).partition_columns;
  return out;
}

Path index_path(const ServedTable& served, size_t number) {
  const Table& table = served.mapping->tables()[0];
  const ServedIndex& index = served.indexes[number];
  if (!index.into.empty()) return LateIndex(served, index).path();
  const mapping::Index& made = table.indexes[layout_number(served, index)];
  const std::vector<uint32_t>& columns = made.columns;
  std::vector<KeyAttribute> attributes = index.partition;
  attributes.insert(attributes.end(), index.sort.begin(), index.sort.end());
  attributes.push_back(served.key.partition);
  if (served.key.sort) attributes.push_back(*served.key.sort);
  Path out;
  out.partition = static_cast<uint32_t>(index.partition.size());
  out.not_null = not_null(table, columns);
  out.index_name = made.name;
  for (uint32_t column : columns) {
    out.columns.push_back(quote_name(table.columns[column].name));
    out.types.push_back(table.columns[column].type);
  }
  // In the same order as the columns, none twice.
  for (const KeyAttribute& attribute : attributes) {
    bool known = false;
    for (const KeyAttribute& other : out.attributes) known |= other.name == attribute.name;
    if (!known) out.attributes.push_back(attribute);
  }
  ASSERT(out.attributes.size() == out.columns.size());
  return out;
}

std::vector<std::string> create_indexes_sql(const ServedTable& served) {
  const Table& table = served.mapping->tables()[0];
  std::vector<std::string> out = {create_key_index_sql(table)};
  for (const mapping::Index& index : table.indexes) {
    std::string where = not_null(table, index.columns);
    out.push_back(create_index_sql(table, index) +
                  (where.empty() ? "" : " WHERE " + where.substr(5)));
  }
  for (uint32_t column : ordering_numbers(served)) {
    std::string name = quote_name(table.columns[column].name);
    out.push_back("CREATE INDEX " + quote_name(text_numbers_name(table, column)) + " ON " +
                  quote_name(table.name) + " (" + name + ") WHERE typeof(" + name + ") = 'text'");
  }
  return out;
}

std::vector<std::string> relation_names(const ServedTable& served) {
  const Table& table = served.mapping->tables()[0];
  std::vector<std::string> out = {table.name, key_index_name(table)};
  for (const mapping::Index& index : table.indexes) out.push_back(index.name);
  for (uint32_t column : ordering_numbers(served)) out.push_back(text_numbers_name(table, column));
  return out;
}

std::string text_numbers_sql(const Table& table, const std::string& column) {
  return "SELECT 1 FROM " + quote_name(table.name) + " WHERE typeof(" + column +
         ") = 'text' LIMIT 1";
}

}  // namespace offramp::target::sqlite::serve
