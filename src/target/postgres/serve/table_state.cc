#include "target/postgres/serve/table_state.h"

#include <xxhash.h>

#include <algorithm>

#include "target/served_mapping.h"

namespace offramp::target::postgres {

using mapping::Table;
using mapping::TableRole;

namespace {

ChildState make_child(const TableState& state, uint32_t index) {
  TableNames names = state.names(index);
  const Table& table = *names.table;
  return {.table = index,
          .rows = CopyEncoder(table, table.column_count()),
          .decoder = CopyDecoder(table, table.column_count()),
          .find = find_children_statement(names, Find::kPlain),
          .lock = find_children_statement(names, Find::kLock),
          .upsert = upsert_statement(names),
          .remove_from = remove_children_statement(names)};
}

ParentState make_parent(const TableState& state, uint32_t index) {
  TableNames names = state.names(index);
  const Table& table = *names.table;
  uint32_t partition_columns = table.role == TableRole::kParent
                                   ? mapping::key_order(*state.mapping, index).partition_columns
                                   : table.key_columns;
  ParentState parent{.table = index,
                     .key_columns = table.key_columns,
                     .rows = CopyEncoder(table, table.column_count()),
                     .keys = CopyEncoder(table, table.key_columns),
                     .partition = CopyEncoder(table, partition_columns),
                     .decoder = CopyDecoder(table, table.column_count()),
                     .find = find_statement(names, Find::kPlain),
                     .lock = find_statement(names, Find::kLock),
                     .insert = insert_statement(names),
                     .upsert = upsert_statement(names),
                     .remove = remove_statement(names)};
  for (uint32_t child : table.children) parent.children.push_back(make_child(state, child));
  return parent;
}

}  // namespace

TableState::TableState(const ServedTable& served, std::string schema_name)
    : id(served.id),
      schema(std::move(schema_name)),
      mapping(served.mapping),
      splitter(mapping),
      assembler(mapping),
      partition_cells(mapping),
      overflow(make_parent(*this, mapping->overflow_table())) {
  for (uint32_t i = 0; i < mapping->tables().size(); ++i)
    if (table(i).role == TableRole::kParent) parents.push_back(make_parent(*this, i));
  std::string name = names(mapping->overflow_table()).name();
  lock_seed = XXH3_64bits(name.data(), name.size());
  if (served.made_here)
    for (const ServedIndex& index : made_with(served))
      for (const auto* part : {&index.partition, &index.sort})
        for (const model::KeyAttribute& attribute : *part)
          if (attribute.type == ddb::Type::kS) text_attributes.push_back(attribute.name);
  if (!simple()) return;
  TableNames parent = names(parents[0].table), other = names(overflow.table);
  // Besides its key, only the values of an index send an item of a made-here table to the overflow.
  const TableNames* reachable = served.made_here && made_with(served).empty() ? nullptr : &other;
  find_simple = find_simple_statement(parent, reachable, Version::kWithout);
  find_version = find_simple_statement(parent, reachable, Version::kWith);
  put_simple = put_simple_statement(parent, reachable);
  remove_simple = remove_simple_statement(parent, reachable);
  insert_absent = insert_absent_statement(parent, other);
  update_same = update_same_statement(parent);
  remove_same = remove_same_statement(parent);
  lock_shared = lock_table_statement(parent, TableLock::kShared);
  lock_exclusive = lock_table_statement(parent, TableLock::kExclusive);
}

bool TableState::has_children() const {
  return std::any_of(parents.begin(), parents.end(),
                     [](const ParentState& parent) { return !parent.children.empty(); });
}

void TableState::each_statement(const std::function<void(Statement&)>& visit) {
  for (Statement* statement :
       {&find_simple, &find_version, &put_simple, &remove_simple, &insert_absent, &update_same,
        &remove_same, &lock_shared, &lock_exclusive})
    visit(*statement);
  auto visit_parent = [&](ParentState& parent) {
    for (Statement* statement :
         {&parent.find, &parent.lock, &parent.insert, &parent.upsert, &parent.remove})
      visit(*statement);
    for (ChildState& child : parent.children)
      for (Statement* statement : {&child.find, &child.lock, &child.upsert, &child.remove_from})
        visit(*statement);
  };
  for (ParentState& parent : parents) visit_parent(parent);
  visit_parent(overflow);
  for (auto& [shape, statement] : reads) visit(statement);
}

Status decode_row(const PGresult* result, int row, int first, uint32_t columns,
                  CopyDecoder& decoder, std::vector<mapping::Cell>& cells,
                  mapping::RowBatch& memory) {
  for (uint32_t i = 0; i < columns; ++i) {
    int field = first + static_cast<int>(i);
    mapping::Cell& cell = cells.emplace_back();
    if (PQgetisnull(result, row, field)) continue;
    std::string_view wire(PQgetvalue(result, row, field),
                          static_cast<size_t>(PQgetlength(result, row, field)));
    TRY(decoder.decode_field(wire, i, cell, memory.arena, memory.cell_arena));
  }
  return {};
}

}  // namespace offramp::target::postgres
