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
  std::string sql;      // over the table named t
  bool column = false;  // a plain column: `sql` needs no index of its own
  bool never_null = false;
  // In the rows of one partition this is a column in the expression's order (text behind a
  // literal).
};

// Of a parent table. Nothing when it cannot be said in SQL.
std::optional<AttributeSql> attribute_sql(const mapping::CompiledMapping& mapping, uint32_t table,
                                          const model::KeyAttribute& attribute);

// A condition on the rows of a parent table that may hold a value of this attribute which its
// expression does not show; empty when there are none such.
std::string hidden_values_sql(const mapping::CompiledMapping& mapping, uint32_t table,
                              const model::KeyAttribute& attribute);

}  // namespace offramp::target::postgres
