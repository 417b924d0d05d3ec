// Which SQL columns and indexes the reads of a served table go along, and the indexes' SQL.
//
// Of a table made here: for each of its secondary indexes an SQL index with the index's attributes
// and then the table's key, of the rows that have all of them (sparse). SQLite keeps numbers of
// more than 17 digits as text, behind all others; a small index of such rows for each numeric
// column that orders an index tells in no time that there are none.
#pragma once

#include "mapping/key_order.h"
#include "target/sqlite/serve/statements.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

// Along the key of any parent table.
Path key_path(const mapping::CompiledMapping& mapping, uint32_t table);
// Along index `number` of a table made here.
Path index_path(const ServedTable& table, size_t number);

// CREATE INDEX … of all indexes of a table made here, the key's included.
std::vector<std::string> create_indexes_sql(const ServedTable& table);
// The names of the relations that a table made here needs.
std::vector<std::string> relation_names(const ServedTable& table);

// Rows of `table` whose `column` (SQL) is a number kept as text.
std::string text_numbers_sql(const mapping::Table& table, const std::string& column);

}  // namespace offramp::target::sqlite::serve
