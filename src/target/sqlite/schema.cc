// STRICT types per column type and the statements' text.
#include "target/sqlite/schema.h"

#include <array>
#include <set>

#include "base/ascii.h"

namespace offramp::target::sqlite {

using mapping::Table;
using mapping::TableRole;
using model::ColumnType;

namespace {

const char* storage_type(ColumnType type) {
  switch (type) {
    case ColumnType::kBigint:
    case ColumnType::kBoolean:
      return "INTEGER";
    case ColumnType::kNumeric:
      return "ANY";
    case ColumnType::kDouble:
      return "REAL";
    case ColumnType::kBytea:
      return "BLOB";
    default:
      return "TEXT";
  }
}

Error name_error(const std::string& what) {
  return Error(ErrorKind::kConfig, "sqlite.name", what + "; choose another name in the plan");
}

}  // namespace

std::string quote_name(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string quote_text(std::string_view text) {
  std::string out = "'";
  for (char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

std::string_view rowid_name(const Table& table) {
  static constexpr std::array<std::string_view, 3> kNames = {"rowid", "_rowid_", "oid"};
  for (std::string_view name : kNames) {
    bool taken = false;
    for (const mapping::Column& column : table.columns)
      taken |= base::same_letters(column.name, name);
    if (!taken) return name;
  }
  return {};
}

bool is_linked(const Table& table) {
  return table.role == TableRole::kChild || !table.children.empty();
}

Status check_names(const mapping::CompiledMapping& mapping) {
  std::set<std::string> names;
  for (const Table& table : mapping.tables()) {
    std::string name = base::lowered(table.name);
    if (name.empty() || name.starts_with("sqlite_") || name.starts_with("_offramp_migration") ||
        name.starts_with("_offramp_table") || name.starts_with("_offramp_checkpoint"))
      return name_error("the table name '" + table.name + "' is reserved");
    if (!names.insert(name).second)
      return name_error("SQLite does not tell two tables named '" + table.name +
                        "' apart (case does not count)");
    if (!names.insert(base::lowered(key_index_name(table))).second)
      return name_error("the name '" + key_index_name(table) + "' is needed for the key of " +
                        table.name);
    for (const mapping::Index& index : table.indexes)
      if (!names.insert(base::lowered(index.name)).second)
        return name_error("the index name '" + index.name + "' of table " + table.name +
                          " is used twice");
    std::set<std::string> columns;
    for (const mapping::Column& column : table.columns)
      if (!columns.insert(base::lowered(column.name)).second)
        return name_error("SQLite does not tell two columns '" + column.name + "' of table " +
                          table.name + " apart (case does not count)");
    if (rowid_name(table).empty())
      return name_error("table " + table.name +
                        " has columns rowid, _rowid_ and oid, so its rows have no number left");
  }
  return {};
}

std::string column_list(const Table& table, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (i ? ", " : "") + quote_name(table.columns[i].name);
  return out;
}

std::string all_columns(const Table& table) { return column_list(table, table.columns.size()); }

std::string create_table_sql(const Table& table) {
  std::string out = "CREATE TABLE " + quote_name(table.name) + " (";
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (i) out += ", ";
    out += quote_name(table.columns[i].name) + " " + storage_type(table.columns[i].type);
    if (i < table.key_columns) out += " NOT NULL";
  }
  return out + ") STRICT";
}

std::string insert_sql(const Table& table, int rows, bool linked) {
  std::string out = "INSERT INTO " + quote_name(table.name) + " (";
  if (linked) out += std::string(rowid_name(table)) + ", ";
  out += all_columns(table) + ") VALUES ";
  std::string row = "(";
  for (size_t i = 0; i < table.columns.size() + linked; ++i) row += i ? ",?" : "?";
  row += ")";
  for (int i = 0; i < rows; ++i) out += (i ? "," : "") + row;
  return out;
}

std::string key_index_name(const Table& table) { return table.name + "_pk"; }

std::string create_key_index_sql(const Table& table) {
  return "CREATE UNIQUE INDEX IF NOT EXISTS " + quote_name(key_index_name(table)) + " ON " +
         quote_name(table.name) + " (" + column_list(table, table.key_columns) + ")";
}

std::string create_index_sql(const Table& table, const mapping::Index& index) {
  std::string out = "CREATE INDEX IF NOT EXISTS " + quote_name(index.name) + " ON " +
                    quote_name(table.name) + " (";
  for (size_t i = 0; i < index.columns.size(); ++i)
    out += (i ? ", " : "") + quote_name(table.columns[index.columns[i]].name);
  return out + ")";
}

std::string key_condition(const Table& table, size_t count, std::string_view op,
                          int first_parameter) {
  std::string out, parameters;
  for (size_t i = 0; i < count; ++i) {
    std::string parameter = "?" + std::to_string(first_parameter + i);
    if (op == "=") {
      out += (i ? " AND " : "") + quote_name(table.columns[i].name) + " = " + parameter;
    } else {
      parameters += (i ? ", " : "") + parameter;
    }
  }
  if (op == "=") return out;
  return "(" + column_list(table, count) + ") " + std::string(op) + " (" + parameters + ")";
}

}  // namespace offramp::target::sqlite
