// The mapping of a table that CreateTable makes: key and index attributes as columns, all else in
// `extra`.
//
// Its parent table is the mapping's first; tables()[0].indexes[i] has the columns of the index i
// that the table was made with (made_with()): the index's attributes, then the table's key, none
// twice.
#pragma once

#include <string>

#include "target/store.h"

namespace offramp::target {

// The name of the SQL table for a DynamoDB table, within `limits`: the plain one, and one that no
// other creation has.
std::string plain_table_name(const ServedTable& table, const mapping::Limits& limits);
std::string unique_table_name(const ServedTable& table, const mapping::Limits& limits);

// The indexes that the table was made with.
inline const std::vector<ServedIndex>& made_with(const ServedTable& table) {
  return table.layout ? *table.layout : table.indexes;
}
// The number in made_with() of an index that was made with the table; it is there.
size_t layout_number(const ServedTable& table, const ServedIndex& index);
// A name for a new index of a table made here: `unique` is unlike that of every other index of it.
std::string index_name(const ServedTable& table, std::string_view index, std::string_view unique,
                       const mapping::Limits& limits);

// Fills table.mapping from name, key, made_with() and `into`. Column names are the attributes',
// made so that any database takes them: characters other than letters, digits and '_' are replaced,
// and what is too long, reserved or differs from another one in case only ends in a hash.
Status make_mapping(ServedTable& table, const mapping::Limits& limits);

}  // namespace offramp::target
