// PlanAccess: how the rows of a plan's table that can be in one partition of an index are found.
//
// An index attribute is a column, a key's template or inside `extra`; where all partition
// attributes of the index can be said in SQL, an index over these expressions finds the rows, and
// the items are decided one by one. Rows whose `extra` has text with a NUL character keep it in
// another form (mapping/extra.h); they are few, have an index of their own, and are looked at
// always.
#pragma once

#include "mapping/key_order.h"
#include "target/sqlite/serve/statements.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

struct PlanAccess {
  enum class Kind {
    kColumn,        // the value is the column
    kPartitionKey,  // the cells of the table's partition key
    kSortKey,       // KeyOrder::sort_column, without the literal
    kText,          // of `extra`: S and N are JSON strings
    kBase64,        // of `extra`: B
  };
  bool usable = false;
  std::vector<Kind> kinds;  // by partition attribute
  // Path::partition columns that are equal, then the first sort attribute where its SQL value has
  // its order; without the odd rows.
  Path path;
  std::optional<Kind> sort;  // of that column
};

PlanAccess plan_access(const ServedTable& served, uint32_t table, const ServedIndex& index);

// SELECT of the rows with text in another form.
std::string odd_rows_sql(const mapping::Table& table);

// CREATE INDEX IF NOT EXISTS … of what the reads of a plan's table need.
std::vector<std::string> plan_indexes_sql(const ServedTable& served);

}  // namespace offramp::target::sqlite::serve
