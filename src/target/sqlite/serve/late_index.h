// An index that was added to a table made here: a table of its own with the entries, kept up by
// triggers.
//
//   CREATE TABLE INTO (odd, c0, c1, …, PRIMARY KEY (odd, c0, c1, …)) WITHOUT ROWID
//
// What is true:
// - c0, c1, … are the index's attributes, then the table's key, none twice: what the row has in a
// column, or in `extra`.
//   A row that lacks one of the index's has no entry. Text is text, numbers of up to 15 characters
//   are numbers and longer ones are text, bytes are base64: equal values are equal, but only texts
//   and short numbers are in order.
// - Text with a NUL character is in `extra` in another form (mapping/extra.h). Rows with such text
// have an entry with
//   odd = 1 instead; they are looked at always.
// - Triggers see every write, SQL clients' too, so nothing depends on what other processes know of
// the index. (REPLACE
//   without recursive_triggers fires no trigger for the row that goes.) Making the table and its
//   triggers takes no time; then the rows that are there get their entries, some hundred in a
//   transaction, again from the first one after a kill.
#pragma once

#include <stop_token>

#include "target/sqlite/serve/statements.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

// Made of constants; one per index.
class LateIndex {
 public:
  LateIndex(const ServedTable& table, const ServedIndex& index);

  // An attribute's name may be one that SQLite cannot find in JSON: such an index has no table, and
  // all rows are read.
  bool usable() const { return usable_; }
  // To be read along.
  Path path() const;
  // SELECT of the table's rows with odd entries.
  std::string odd_sql() const;

  std::vector<std::string> create_sql() const;
  // Entries of the rows with rowids in (?1, ?2].
  std::string fill_sql() const;
  std::vector<std::string> drop_sql() const;

 private:
  struct Value {
    std::string column;  // of the row; empty: inside `extra`
    std::string extra;   // json_extract's path, as a literal
    ddb::Type type;
    bool key = false;  // the table's: never NULL
  };
  std::string value_sql(const Value& value, std::string_view row) const;
  std::string odd_of(std::string_view row) const;
  std::string entry_sql(std::string_view row, const std::string& from) const;
  std::string remove_sql() const;
  std::string entry_name(size_t i) const { return "c" + std::to_string(i); }

  const mapping::Table& rows_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  std::string into_, extra_;
  std::vector<model::KeyAttribute> attributes_;
  std::vector<Value> values_;
  uint32_t partition_ = 0;
  std::vector<size_t> keys_;  // by key column of the table: its place in values_
  bool usable_ = true;
};

// Names of the tables of all indexes that were added.
std::vector<std::string> late_tables(const ServedTable& table);

}  // namespace offramp::target::sqlite::serve
