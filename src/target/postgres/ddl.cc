#include "target/postgres/ddl.h"

#include <fmt/format.h>

namespace offramp::target::postgres {

using model::ColumnType;

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string quote_literal(std::string_view text) {
  // E'' reads the same whatever standard_conforming_strings says.
  std::string out = "E'";
  for (char c : text) {
    if (c == '\'' || c == '\\') out += c;
    out += c;
  }
  return out + '\'';
}

std::string qualified(std::string_view schema, std::string_view table) {
  return quote_identifier(schema) + "." + quote_identifier(table);
}

std::string_view catalog_type_name(ColumnType type) {
  switch (type) {
    case ColumnType::kText:
      return "text";
    case ColumnType::kBigint:
      return "bigint";
    case ColumnType::kNumeric:
      return "numeric";
    case ColumnType::kDouble:
      return "double precision";
    case ColumnType::kBoolean:
      return "boolean";
    case ColumnType::kBytea:
      return "bytea";
    case ColumnType::kTimestamptz:
      return "timestamp with time zone";
    case ColumnType::kDate:
      return "date";
    case ColumnType::kUuid:
      return "uuid";
    case ColumnType::kJsonb:
    case ColumnType::kAttribute:
      return "jsonb";
    case ColumnType::kTextArray:
      return "text[]";
    case ColumnType::kNumericArray:
      return "numeric[]";
    case ColumnType::kByteaArray:
      return "bytea[]";
  }
  return "text";
}

std::string column_sql_type(ColumnType type) {
  bool collates = type == ColumnType::kText || type == ColumnType::kTextArray;
  return std::string(catalog_type_name(type)) + (collates ? " COLLATE \"C\"" : "");
}

std::string create_table_sql(std::string_view schema, const mapping::Table& table) {
  std::string sql = "CREATE TABLE " + qualified(schema, table.name) + " (";
  for (uint32_t i = 0; i < table.columns.size(); ++i)
    sql += fmt::format("{}{} {}{}", i ? ", " : "", quote_identifier(table.columns[i].name),
                       column_sql_type(table.columns[i].type),
                       i < table.key_columns ? " NOT NULL" : "");
  return sql + ")";
}

std::string add_primary_key_sql(std::string_view schema, const mapping::Table& table) {
  return fmt::format("ALTER TABLE {} ADD PRIMARY KEY ({})", qualified(schema, table.name),
                     column_list(table, table.key_columns));
}

std::string create_index_sql(std::string_view schema, const mapping::Table& table,
                             const mapping::Index& index) {
  std::string columns;
  for (uint32_t column : index.columns)
    columns += (columns.empty() ? "" : ", ") + quote_identifier(table.columns[column].name);
  return fmt::format("CREATE INDEX {} ON {} ({})", quote_identifier(index.name),
                     qualified(schema, table.name), columns);
}

std::string column_list(const mapping::Table& table, uint32_t count, std::string_view prefix) {
  std::string out;
  for (uint32_t i = 0; i < count; ++i)
    out += fmt::format("{}{}{}", i ? ", " : "", prefix, quote_identifier(table.columns[i].name));
  return out;
}

std::string table_label(std::string_view migration) {
  return "offramp migration " + std::string(migration);
}

}  // namespace offramp::target::postgres
