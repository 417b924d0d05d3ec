// ChangeWriter: the images of many keys into the tables, in one transaction (C4, C5).
//
// The rows go by COPY into staging tables and from there by INSERT … ON CONFLICT DO UPDATE. A key
// is deleted from the tables that its new image is not in; a table that is empty at that moment
// costs one look at it. Child rows are upserted by their ordinal, and those beyond the new list's
// end go away. Deletions come first, children before parents; then parents before children: so
// foreign keys and unique constraints that the owner added see no state that is not meant.
//
// Round trips: one for the position and the look at the tables, one for all statements, one per
// staging table. One thread; one connection at a time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mapping/rows.h"
#include "target/postgres/binding.h"
#include "target/postgres/connection.h"
#include "target/postgres/copy_encoder.h"
#include "target/postgres/staging.h"
#include "target/row_keys.h"

namespace offramp::target::postgres {

class ChangeWriter {
 public:
  explicit ChangeWriter(std::shared_ptr<const Binding> binding);

  // Settings that the statements count on; once per connection, before anything else.
  static Status configure(Connection& connection);

  // Runs the whole transaction. `first` is a statement that it begins with and that must touch one
  // row ("" = none): false, with nothing changed, when it touched none. Errors: kBadItem
  // "applier.refused" with the table and the constraint but no value; kConflict
  // "applier.table_changed" when a table or column is not as it was made.
  Result<bool> write(Connection& connection, const std::string& first,
                     const mapping::RowBatch& keys, const mapping::RowBatch& rows);

 private:
  struct TableState {
    CopyEncoder rows, keys;  // keys: to delete; of a child: with the ordinal from which on
    std::string exists_sql, upsert_sql, delete_sql;
    KeyIndex images;         // of a parent: keys that have an image in this table
    bool looked_at = false;  // its emptiness matters in this transaction
    bool empty = false;
  };
  Status encode_rows(const mapping::RowBatch& rows);
  void find_looks(const mapping::RowBatch& keys, const mapping::RowBatch& rows);
  Result<bool> make_staging(Connection& connection);
  Result<bool> write_encoded(Connection& connection, const std::string& first,
                             const mapping::RowBatch& keys, const mapping::RowBatch& rows);
  Result<bool> begin(Connection& connection, const std::string& first);
  Status encode_keys(const mapping::RowBatch& keys, const mapping::RowBatch& rows);
  Status encode_child_ends(uint32_t parent, uint32_t child, const mapping::RowBatch& keys,
                           const mapping::RowBatch& rows);
  Status append_child_end(uint32_t child, const mapping::Cell* key, uint32_t key_columns,
                          int64_t end);
  Status send(Connection& connection);
  Error explain(Connection& connection, Error error, size_t step) const;
  void clear();

  const std::shared_ptr<const Binding> binding_;
  Staging staging_;
  std::vector<TableState> tables_;
  Script script_;
  mapping::TableRows scratch_;  // one row
};

}  // namespace offramp::target::postgres
