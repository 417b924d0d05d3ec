// An attribute of an item as an SQL expression over its row: what the service compares, as text
// COLLATE "C", numeric or bytea; NULL when the item does not have the attribute with this type.
//
// Expressions are immutable, so that they can be indexed. Text with a NUL character cannot be a
// value of PostgreSQL's: the expression is NULL then (see nul_rows_sql).
#pragma once

#include <optional>
#include <string>

#include "mapping/compiled_mapping.h"
#include "model/table_spec.h"

namespace offramp::target::postgres {

struct AttributeSql {
  std::string sql;
  // Every value in the table is this text followed by what `sql` says: the order is that of `sql`.
  std::string literal;
  int column = -1;  // `sql` is this plain column
  bool never_null = false;
};

// Of a parent table whose columns are named behind `alias` ("t.", or "" in an index's definition).
// Nothing when it cannot be said in SQL.
std::optional<AttributeSql> attribute_sql(const mapping::CompiledMapping& mapping, uint32_t table,
                                          const model::KeyAttribute& attribute,
                                          std::string_view alias);

// A condition on the rows of a parent table that may hold a value of this attribute which its
// expression does not show; empty when there are none such.
std::string hidden_values_sql(const mapping::CompiledMapping& mapping, uint32_t table,
                              const model::KeyAttribute& attribute, std::string_view alias);

}  // namespace offramp::target::postgres
