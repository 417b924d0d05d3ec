// The walk over the plan's tables. A mistake is noted and the walk goes on, so that all are told at
// once.
#include "mapping/compiler.h"

#include "mapping/path_tree.h"

namespace offramp::mapping {

using model::ColumnSpec;
using model::ColumnType;
using model::NullMeans;
using model::TableMapping;
using Place = PathNode::Place;

Result<std::unique_ptr<CompiledMapping::Impl>> Compiler::run() {
  if (spec_.empty())
    mistakes_.add({}, "the plan has no tables: it needs at least one entry in `tables`");
  for (uint32_t i = 0; i < spec_.size(); ++i) compile_table(i);
  check_reachable();
  check_table_names();
  add_overflow();
  check_columns();
  compile_indexes();
  if (!mistakes_.none()) return mistakes_.error();
  impl_->shape_of_table.assign(impl_->tables.size(), -1);
  for (size_t i = 0; i < impl_->shapes.size(); ++i) {
    TableShape& shape = impl_->shapes[i];
    if (shape.skip) continue;
    impl_->shape_of_table[shape.row.table] = static_cast<int>(i);
    seal(shape.row, shape.names);
    for (uint32_t member = 0; member < shape.row.root.members.size(); ++member)
      if (shape.row.root.members[member].null_is_value)
        shape.row.null_value_places.push_back(member);
    for (RowShape& child : shape.children) {
      seal(child, shape.names);
      for (uint32_t member = 0; member < child.root.members.size(); ++member)
        if (child.root.members[member].null_is_value) child.null_value_places.push_back(member);
    }
  }
  return std::move(impl_);
}

void Compiler::compile_table(uint32_t number) {
  const TableMapping& mapping = spec_[number];
  TableShape shape;
  shape.mapping = number;
  shape.skip = mapping.skip;
  if (mapping.match) {
    auto match = Match::parse(*mapping.match);
    if (match.ok())
      shape.match = std::move(match).value();
    else
      mistakes_.add(mapping.at, "`match`: " + match.error().message());
  }
  Table table;
  table.name = mapping.into;
  table.source_mapping = number;
  compile_key(mapping, table, shape);
  if (mapping.skip) {
    if (!mapping.into.empty() || !mapping.columns.empty() || !mapping.children.empty())
      mistakes_.add(mapping.at,
                    "a table with `skip: true` takes no `into`, `columns` or `children`: its items "
                    "stay behind");
    impl_->shapes.push_back(std::move(shape));
    return;
  }
  if (mapping.into.empty())
    mistakes_.add(mapping.at, "`into` is missing: it names the table that these items go to");
  shape.row.table = static_cast<uint32_t>(impl_->tables.size());
  compile_columns(mapping.columns, table, shape.row);
  std::vector<Table> children;
  compile_children(mapping, table, shape, children);
  compile_drops(mapping, shape.row);
  finish_row(table, shape.row, mapping.extra);
  impl_->tables.push_back(std::move(table));
  for (Table& child : children) impl_->tables.push_back(std::move(child));
  impl_->shapes.push_back(std::move(shape));
}

void Compiler::check_column(const ColumnSpec& column) {
  if (column.time_format != model::TimeFormat::kIso && column.type != ColumnType::kTimestamptz)
    mistakes_.add(column.at, "column '" + column.name +
                                 "' has a time format, which only the type timestamptz takes");
  if (column.null_means == NullMeans::kNullValue && column.from.size() != 1)
    mistakes_.add(column.at, "column '" + column.name +
                                 "': SQL NULL can mean NULL only for a top-level attribute");
}

void Compiler::compile_columns(const std::vector<ColumnSpec>& columns, Table& table,
                               RowShape& row) {
  for (const ColumnSpec& column : columns) {
    check_column(column);
    if (column.from.empty()) {
      // Key columns of a parent have been typed by compile_key.
      if (table.role == TableRole::kChild)
        mistakes_.add(column.at, "column '" + column.name +
                                     "' has no `from`: it must name the member it comes from");
      continue;
    }
    PathNode leaf;
    leaf.place = Place::kColumn;
    leaf.index = table.column_count();
    leaf.null_is_value = column.null_means == NullMeans::kNullValue;
    if (auto conflict = add_path(row.root, column.from, std::move(leaf)))
      mistakes_.add(column.at, "column '" + column.name + "': " + *conflict);
    table.columns.push_back({column.name, column.type, column.time_format, false, false});
  }
}

void Compiler::compile_children(const TableMapping& mapping, Table& parent, TableShape& shape,
                                std::vector<Table>& children) {
  for (const model::ChildSpec& spec : mapping.children) {
    Table child;
    child.name = spec.name;
    child.role = TableRole::kChild;
    child.parent = shape.row.table;
    child.source_mapping = shape.mapping;
    child.columns.assign(parent.columns.begin(), parent.columns.begin() + parent.key_columns);
    child.columns.push_back({spec.ordinal, ColumnType::kBigint, {}, true, false});
    child.key_columns = parent.key_columns + 1;
    if (spec.ordinal.empty())
      mistakes_.add(spec.at, "child '" + spec.name + "': `ordinal` is empty");
    PathNode leaf;
    leaf.place = Place::kChild;
    leaf.index = static_cast<uint32_t>(children.size());
    if (auto conflict = add_path(shape.row.root, spec.from, std::move(leaf)))
      mistakes_.add(spec.at, "child '" + spec.name + "': " + *conflict);
    RowShape row;
    row.table = shape.row.table + 1 + static_cast<uint32_t>(children.size());
    compile_columns(spec.columns, child, row);
    finish_row(child, row, mapping.extra);
    parent.children.push_back(row.table);
    shape.children.push_back(std::move(row));
    children.push_back(std::move(child));
  }
}

void Compiler::compile_drops(const TableMapping& mapping, RowShape& row) {
  for (const std::vector<std::string>& path : mapping.drop) {
    std::string text = path_text(path);
    int member = path.empty() ? -1 : row.root.find(path[0]);
    if (member >= 0 && row.root.members[static_cast<size_t>(member)].place == Place::kKey) {
      mistakes_.add(mapping.at,
                    "`drop` names '" + text + "', a key attribute: a key cannot be left behind");
      continue;
    }
    PathNode leaf;
    leaf.place = Place::kDrop;
    if (auto conflict = add_path(row.root, path, std::move(leaf)))
      mistakes_.add(mapping.at, "`drop`: " + *conflict);
  }
}

void Compiler::finish_row(Table& table, RowShape& row, const std::string& extra) {
  row.extra_column = table.column_count();
  table.columns.push_back({extra, ColumnType::kJsonb, {}, false, true});
  for (const Column& column : table.columns) row.conversions.push_back(conversion(column));
}

bool Compiler::takes_every_item(const TableShape& shape) const {
  if (!shape.match.every_item()) return false;
  if (spec_[shape.mapping].match) return false;  // it was wrong, which has been told
  for (const KeyPart& part : shape.key) {
    if (!part.pattern.whole()) return false;
    if (part.repeated[0]) return false;
    ColumnType type = shape.key_conversions[part.columns[0]].type;
    if (type != ColumnType::kText && type != ColumnType::kNumeric && type != ColumnType::kBytea)
      return false;
  }
  return shape.key.size() == key_attributes().size();
}

void Compiler::check_reachable() {
  auto title = [&](const TableShape& shape) {
    const std::string& into = spec_[shape.mapping].into;
    return into.empty() ? "table " + std::to_string(shape.mapping + 1) : "table '" + into + "'";
  };
  const TableShape* every = nullptr;
  for (const TableShape& shape : impl_->shapes) {
    if (every)
      mistakes_.add(spec_[shape.mapping].at,
                    title(shape) + " can never match: " + title(*every) +
                        " before it takes every item (move it to the end, or give it a `match`)");
    else if (takes_every_item(shape))
      every = &shape;
  }
}

std::vector<const model::KeyAttribute*> Compiler::key_attributes() const {
  std::vector<const model::KeyAttribute*> out{&impl_->key.partition};
  if (impl_->key.sort) out.push_back(&*impl_->key.sort);
  return out;
}

}  // namespace offramp::mapping
