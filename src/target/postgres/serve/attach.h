// What a plan's tables need so that pages are read in order: expression indexes, where no index has
// that order yet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "target/postgres/connection.h"
#include "target/postgres/serve/access_path.h"
#include "target/store.h"

namespace offramp::target::postgres {

// An SQL index over expressions.
struct WantedIndex {
  std::vector<std::string> expressions;
  std::string where;  // may be empty
};
// "((…), (…)) WHERE …": what stands behind the table's name in CREATE INDEX.
std::string definition_of(const WantedIndex& index);
// Appends what the reads of an index of DynamoDB's need: its entries in order, sparse; and the rows
// that hide a value from SQL.
void want_for_index(const AccessPath& path, const AccessPath::Parent& parent,
                    const mapping::Table& table, std::vector<WantedIndex>& wanted);

// Creates what is missing; never changes rows.
Status attach_table(Connection& connection, std::string_view schema, const ServedTable& table);

}  // namespace offramp::target::postgres
