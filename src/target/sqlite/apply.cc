// Deletes by key, then inserts, table by table. Statements are prepared per call: a call brings
// many changes.
#include "target/sqlite/apply.h"

#include "target/sqlite/cells.h"
#include "target/sqlite/connection.h"
#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::Table;
using mapping::TableRows;

namespace {

class Applier {
 public:
  Applier(io::SqliteDb& db, const mapping::CompiledMapping& mapping) : db_(db), mapping_(mapping) {}

  Status remove(uint32_t index, const TableRows& keys) {
    const Table& table = mapping_.tables()[index];
    std::vector<uint32_t> from = table.children;
    from.push_back(index);
    for (uint32_t target : from) {
      const Table& spec = mapping_.tables()[target];
      io::SqliteStatement statement =
          TRY(db_.prepare("DELETE FROM " + quote_name(spec.name) + " WHERE " +
                          key_condition(spec, table.key_columns, "=")));
      for (uint32_t row = 0; row < keys.rows; ++row)
        TRY(run(statement, table, &keys.cells[row * table.key_columns], table.key_columns));
    }
    return {};
  }

  Status insert(uint32_t index, const TableRows& rows) {
    const Table& table = mapping_.tables()[index];
    io::SqliteStatement statement = TRY(db_.prepare(insert_sql(table, 1, false)));
    for (uint32_t row = 0; row < rows.rows; ++row)
      TRY_CONTEXT(
          "table " + table.name,
          run(statement, table, &rows.cells[row * table.columns.size()], table.columns.size()));
    return {};
  }

 private:
  Status run(io::SqliteStatement& statement, const Table& table, const Cell* cells, size_t count) {
    arena_.reset();
    for (size_t i = 0; i < count; ++i)
      bind_cell(statement.get(), static_cast<int>(i) + 1,
                encoder_.encode(table.columns[i].type, cells[i], arena_));
    return statement.run();
  }

  io::SqliteDb& db_;
  const mapping::CompiledMapping& mapping_;
  Encoder encoder_;
  base::Arena arena_;
};

}  // namespace

Status apply_rows(io::SqliteDb& db, const mapping::CompiledMapping& mapping,
                  const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  return in_transaction(db, [&]() -> Status {
    Applier applier(db, mapping);
    for (uint32_t t = 0; t < keys.tables.size(); ++t)
      if (keys.tables[t].rows > 0) TRY(applier.remove(t, keys.tables[t]));
    for (uint32_t t = 0; t < rows.tables.size(); ++t)
      if (rows.tables[t].rows > 0) TRY(applier.insert(t, rows.tables[t]));
    return {};
  });
}

}  // namespace offramp::target::sqlite
