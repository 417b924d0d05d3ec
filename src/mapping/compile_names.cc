// What the finished list of tables must satisfy at the target: names, counts, indexes; and the
// overflow table.
#include <algorithm>
#include <functional>
#include <map>

#include "base/ascii.h"
#include "mapping/compiler.h"
#include "mapping/identifiers.h"

namespace offramp::mapping {

using model::ColumnType;

namespace {

constexpr std::string_view kOverflowName = "offramp_overflow";

// "offramp_overflow_Orders": letters, digits and '_' of the source's table stay; others are
// replaced, and then a hash of the whole name keeps it unlike others.
std::string overflow_name(std::string_view table) {
  std::string name(kOverflowName);
  if (table.empty()) return name;
  std::string fit = plain_identifier(table);
  name += "_" + fit;
  return fit == table ? name : name + hash_tail(table);
}

}  // namespace

model::SourceLocation Compiler::place_of(const Table& table) const {
  const model::TableMapping& mapping = spec_[table.source_mapping];
  for (const model::ChildSpec& child : mapping.children)
    if (table.role == TableRole::kChild && child.name == table.name) return child.at;
  return mapping.at;
}

bool Compiler::check_identifier(const std::string& name, std::string_view what,
                                const model::SourceLocation& at) {
  std::string title = std::string(what) + " '" + name.substr(0, 100) + "'";
  if (name.find('\0') != std::string::npos)
    mistakes_.add(at, title + " has a NUL character in its name");
  else if (name.size() > limits_.identifier_bytes_max)
    mistakes_.add(at, title + " is longer than the target's " +
                          std::to_string(limits_.identifier_bytes_max) + " bytes for a name");
  else
    return true;
  return false;
}

void Compiler::check_table_names() {
  for (const Table& table : impl_->tables) {
    if (table.name.empty()) {
      if (table.role == TableRole::kChild)
        mistakes_.add(place_of(table), "a child table has no name");
      continue;
    }
    check_identifier(table.name, "table", place_of(table));
    if (!relation_names_.insert(base::lowered(table.name)).second)
      mistakes_.add(place_of(table), "two tables are named '" + table.name +
                                         "' (names that differ only in case are the same)");
  }
}

void Compiler::add_overflow() {
  Table table;
  const std::string name = shortened(overflow_name(overflow_of_), limits_.identifier_bytes_max);
  table.name = name;
  for (int i = 2; !relation_names_.insert(base::lowered(table.name)).second; ++i)
    table.name = name + "_" + std::to_string(i);
  table.role = TableRole::kOverflow;
  table.key_columns = 1;
  table.source_mapping = static_cast<uint32_t>(spec_.size());
  table.columns = {{"key_hash", ColumnType::kBytea, {}, true, false},
                   {"reason", ColumnType::kText, {}, false, false},
                   {"item", ColumnType::kAttribute, {}, false, false}};
  impl_->overflow = static_cast<uint32_t>(impl_->tables.size());
  impl_->tables.push_back(std::move(table));
}

void Compiler::check_columns() {
  for (const Table& table : impl_->tables) {
    if (table.role == TableRole::kOverflow) continue;
    const model::TableMapping& mapping = spec_[table.source_mapping];
    auto at_of = [&](const Column& column) {
      if (table.role == TableRole::kParent)
        for (const model::ColumnSpec& spec : mapping.columns)
          if (spec.name == column.name) return spec.at;
      for (const model::ChildSpec& child : mapping.children)
        if (table.role == TableRole::kChild && child.name == table.name)
          for (const model::ColumnSpec& spec : child.columns)
            if (spec.name == column.name) return spec.at;
      for (const model::KeyTemplateSpec& spec : mapping.key)
        if (spec.pattern.find("{" + column.name + "}") != std::string::npos) return spec.at;
      return place_of(table);
    };
    std::string in = " of table '" + table.name + "'";
    std::map<std::string, const Column*> seen;
    for (const Column& column : table.columns) {
      if (column.name.empty()) {
        mistakes_.add(
            place_of(table),
            std::string(column.extra ? "the `extra` column" : "a column") + in + " has no name");
        continue;
      }
      check_identifier(column.name, "column", at_of(column));
      if (std::find(limits_.column_names_reserved.begin(), limits_.column_names_reserved.end(),
                    base::lowered(column.name)) != limits_.column_names_reserved.end())
        mistakes_.add(at_of(column), "column '" + column.name + "'" + in +
                                         " has a name that the target keeps for itself; choose "
                                         "another");
      auto [other, added] = seen.emplace(base::lowered(column.name), &column);
      if (added) continue;
      auto role = [](const Column& c) {
        return c.extra ? "the `extra` column" : c.key ? "a key column" : "a column";
      };
      mistakes_.add(at_of(column), "column '" + column.name + "'" + in + " is there twice: as " +
                                       role(*other->second) + " and as " + role(column) +
                                       " (names that differ only in case are the same)");
    }
    if (table.columns.size() > limits_.columns_max)
      mistakes_.add(place_of(table),
                    "table '" + table.name + "' has " + std::to_string(table.columns.size()) +
                        " columns, the target takes " + std::to_string(limits_.columns_max));
  }
}

std::string Compiler::index_name(const Table& table, const std::vector<std::string>& columns) {
  std::string base = table.name;
  for (const std::string& column : columns) base += "_" + column;
  std::string name = shortened(base + "_idx", limits_.identifier_bytes_max);
  for (int i = 2; !relation_names_.insert(base::lowered(name)).second; ++i)
    name = shortened(base + "_idx" + std::to_string(i), limits_.identifier_bytes_max);
  return name;
}

void Compiler::compile_indexes() {
  // Names that people gave come first, so that made-up names go out of their way.
  for (bool named : {true, false}) {
    for (Table& table : impl_->tables) {
      if (table.role != TableRole::kParent) continue;
      std::vector<std::string> names;
      for (const Column& column : table.columns) names.push_back(column.name);
      for (const model::IndexSpec& spec : spec_[table.source_mapping].indexes) {
        if (spec.name.empty() == named) continue;
        Index index;
        if (spec.columns.empty())
          mistakes_.add(spec.at, "an index of table '" + table.name + "' has no columns");
        for (const std::string& column : spec.columns) {
          uint32_t i = 0;
          while (i < names.size() && base::lowered(names[i]) != base::lowered(column)) ++i;
          if (i == names.size())
            mistakes_.add(spec.at, "an index of table '" + table.name + "' names the column '" +
                                       column + "', which the table does not have" +
                                       did_you_mean(column, names));
          else if (table.columns[i].extra)
            mistakes_.add(spec.at, "an index of table '" + table.name +
                                       "' names the `extra` column, which cannot be indexed");
          else if (std::find(index.columns.begin(), index.columns.end(), i) != index.columns.end())
            mistakes_.add(spec.at, "an index of table '" + table.name + "' names the column '" +
                                       column + "' twice");
          else
            index.columns.push_back(i);
        }
        index.name = named ? spec.name : index_name(table, spec.columns);
        if (named && check_identifier(spec.name, "index", spec.at) &&
            !relation_names_.insert(base::lowered(spec.name)).second)
          mistakes_.add(spec.at,
                        "the index name '" + spec.name + "' is taken by a table or another index");
        table.indexes.push_back(std::move(index));
      }
    }
  }
}

}  // namespace offramp::mapping
