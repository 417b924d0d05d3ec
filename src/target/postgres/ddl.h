// The SQL text of a mapping's tables: types, DDL, column lists. No connection, no decisions.
//
// Identifiers are always quoted and tables always qualified with their schema. Tables are made
// without a primary key, which is added after the load (an index built at once is 25 % cheaper than
// one that grows).
#pragma once

#include <string>
#include <string_view>

#include "mapping/compiled_mapping.h"

namespace offramp::target::postgres {

std::string quote_identifier(std::string_view name);
std::string quote_literal(std::string_view text);
std::string qualified(std::string_view schema, std::string_view table);

// "text COLLATE \"C\"": byte order, which is DynamoDB's order of string keys.
std::string column_sql_type(model::ColumnType type);
// The same as pg_catalog.format_type() names it.
std::string_view catalog_type_name(model::ColumnType type);

std::string create_table_sql(std::string_view schema, const mapping::Table& table);
std::string add_primary_key_sql(std::string_view schema, const mapping::Table& table);
std::string create_index_sql(std::string_view schema, const mapping::Table& table,
                             const mapping::Index& index);

// "\"a\", \"b\"": the first `count` columns, each with `prefix` (such as "t.") before it.
std::string column_list(const mapping::Table& table, uint32_t count, std::string_view prefix = {});

// The label of a migration's table (COMMENT ON TABLE); stored: never change.
std::string table_label(std::string_view migration);

}  // namespace offramp::target::postgres
