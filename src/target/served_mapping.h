// The mapping of a table that CreateTable makes: key and index attributes as columns, all else in `extra`.
//
// Its parent table is the mapping's first; tables()[0].indexes[i] has the columns of ServedTable::indexes[i]: the index's
// attributes, then the table's key, none twice.
#pragma once

#include <string>

#include "target/store.h"

namespace offramp::target {

// The name of the SQL table for a DynamoDB table, within `limits`: the plain one, and one that no other creation has.
std::string plain_table_name(const ServedTable& table, const mapping::Limits& limits);
std::string unique_table_name(const ServedTable& table, const mapping::Limits& limits);

// Fills table.mapping from name, key, indexes and `into`. Column names are the attributes', made so that any database
// takes them: characters other than letters, digits and '_' are replaced, and what is too long, reserved or differs
// from another one in case only ends in a hash.
Status make_mapping(ServedTable& table, const mapping::Limits& limits);

}  // namespace offramp::target
