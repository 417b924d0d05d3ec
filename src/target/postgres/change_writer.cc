#include "target/postgres/change_writer.h"

#include <fmt/format.h>

namespace offramp::target::postgres {

using mapping::Cell;
using mapping::Table;
using mapping::TableRole;
using mapping::TableRows;

namespace {

constexpr size_t kKeptBytesMax = 16u << 20;  // per staging table, between transactions (C10)

const TableRows& rows_of(const mapping::RowBatch& batch, uint32_t table) {
  static const TableRows kNone;
  return table < batch.tables.size() ? batch.tables[table] : kNone;
}

std::string upsert_text(const Binding& binding, const Table& table, const std::string& stage) {
  std::string columns = column_list(table, table.column_count());
  std::string set;
  for (size_t i = table.key_columns; i < table.columns.size(); ++i) {
    std::string name = quote_identifier(table.columns[i].name);
    set += fmt::format("{}{} = EXCLUDED.{}", set.empty() ? "" : ", ", name, name);
  }
  return fmt::format("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT ({}) DO {}",
                     binding.name(table), columns, columns, stage,
                     column_list(table, table.key_columns),
                     set.empty() ? "NOTHING" : "UPDATE SET " + set);
}

// A child's rows go from an ordinal on.
std::string delete_text(const Binding& binding, const Table& table, const std::string& stage) {
  std::string on;
  for (uint32_t i = 0; i < table.key_columns; ++i) {
    bool ordinal = table.role == TableRole::kChild && i + 1 == table.key_columns;
    std::string name = quote_identifier(table.columns[i].name);
    on += fmt::format("{}t.{} {} k.{}", i ? " AND " : "", name, ordinal ? ">=" : "=", name);
  }
  return fmt::format("DELETE FROM {} t USING {} k WHERE {}", binding.name(table), stage, on);
}

}  // namespace

ChangeWriter::ChangeWriter(std::shared_ptr<const Binding> binding)
    : binding_(std::move(binding)), staging_(binding_) {
  for (uint32_t t = 0; t < binding_->tables().size(); ++t) {
    const Table& table = binding_->tables()[t];
    tables_.push_back(
        TableState{.rows = CopyEncoder(table, table.column_count()),
                   .keys = CopyEncoder(table, table.key_columns),
                   .exists_sql = fmt::format("EXISTS (SELECT 1 FROM {})", binding_->name(table)),
                   .upsert_sql = upsert_text(*binding_, table, staging_.name(t, Stage::kRows)),
                   .delete_sql = delete_text(*binding_, table, staging_.name(t, Stage::kKeys)),
                   .images = {}});
  }
}

Status ChangeWriter::configure(Connection& connection) {
  // A staging table is small and has no statistics: each of its rows looks up an index, whatever
  // the planner would guess. Compiling statements that run for milliseconds costs more than it
  // wins.
  return connection.execute(
      "SET jit = off; SET enable_seqscan = off; SET enable_hashjoin = off; "
      "SET enable_mergejoin = off; SET temp_buffers = '32MB'",
      "set up the session");
}

Status ChangeWriter::encode_rows(const mapping::RowBatch& rows) {
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const TableRows& of = rows_of(rows, t);
    if (of.rows == 0) continue;
    Status status = tables_[t].rows.append(of, 0, of.rows);
    if (status.ok()) continue;
    if (status.error().kind() != ErrorKind::kBadItem) return status;
    return Error(ErrorKind::kBadItem, "applier.refused", status.error().message());
  }
  return {};
}

// The tables from which rows may have to go.
void ChangeWriter::find_looks(const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const Table& table = binding_->tables()[t];
    if (table.role == TableRole::kChild) continue;
    const TableRows &of_keys = rows_of(keys, t), &images = rows_of(rows, t);
    if (of_keys.rows == 0) continue;
    tables_[t].images.build(images, table.columns.size(), table.key_columns);
    for (uint32_t row = 0; row < of_keys.rows && !tables_[t].looked_at; ++row)
      tables_[t].looked_at =
          !tables_[t].images.contains(&of_keys.cells[size_t{row} * table.key_columns]);
    for (uint32_t child : table.children) tables_[child].looked_at = true;
  }
}

// True when a staging table had to be made, which a transaction that has begun must not see.
Result<bool> ChangeWriter::make_staging(Connection& connection) {
  bool made = false;
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const TableState& table = tables_[t];
    auto make = [&](Stage stage) -> Status {
      if (staging_.has(t, stage)) return {};
      if (!made) connection.rollback();
      made = true;
      return staging_.make(connection, t, stage);
    };
    if (!table.rows.empty()) TRY(make(Stage::kRows));
    if (!table.keys.empty()) TRY(make(Stage::kKeys));
  }
  return made;
}

// Begins the transaction. The first statement waits for whoever is writing the same lane; the look
// at the tables comes after it, so it sees what that one has committed. False: see write().
Result<bool> ChangeWriter::begin(Connection& connection, const std::string& first) {
  script_.clear();
  script_.add("BEGIN", {.doing = "begin a transaction"});
  if (!first.empty()) script_.add(first, {.doing = "move the position"});
  std::string looks;
  for (const TableState& table : tables_)
    if (table.looked_at) looks += (looks.empty() ? "SELECT " : ", ") + table.exists_sql;
  if (!looks.empty()) script_.add(looks, {.doing = "look at the tables"});
  size_t at = 0;
  auto results = connection.run(script_, at);
  if (!results.ok()) return explain(connection, std::move(results).error(), at);
  if (!first.empty() && (*results)[1].affected() != 1) return false;
  int column = 0;
  for (TableState& table : tables_)
    if (table.looked_at) table.empty = results->back().text(0, column++) == "f";
  return true;
}

Status ChangeWriter::append_child_end(uint32_t child, const Cell* key, uint32_t key_columns,
                                      int64_t end) {
  scratch_.cells.assign(key, key + key_columns);
  scratch_.cells.push_back(Cell::int64(end));
  return tables_[child].keys.append(scratch_, 0, 1);
}

// Where the list of each key ends now: behind its last ordinal, or at once when the key has no
// image in this table. The child rows of one item follow each other in the order of their parents.
Status ChangeWriter::encode_child_ends(uint32_t parent, uint32_t child,
                                       const mapping::RowBatch& keys,
                                       const mapping::RowBatch& rows) {
  const Table &table = binding_->tables()[parent], &of_child = binding_->tables()[child];
  const TableRows &images = rows_of(rows, parent), &children = rows_of(rows, child);
  const TableRows& of_keys = rows_of(keys, parent);
  scratch_.rows = 1;
  for (uint32_t row = 0; row < of_keys.rows; ++row) {
    const Cell* key = &of_keys.cells[size_t{row} * table.key_columns];
    if (!tables_[parent].images.contains(key))
      TRY(append_child_end(child, key, table.key_columns, 0));
  }
  uint32_t at = 0;
  for (uint32_t row = 0; row < images.rows; ++row) {
    const Cell* key = &images.cells[row * table.columns.size()];
    int64_t end = 0;
    for (; at < children.rows; ++at) {
      const Cell* cells = &children.cells[at * of_child.columns.size()];
      if (!same_row_key(cells, key, table.key_columns)) break;
      if (cells[table.key_columns].integer != end++)
        return Error(
            ErrorKind::kInternal, "postgres.ordinals",
            fmt::format("changes for table {}: ordinals do not follow each other", of_child.name));
    }
    TRY(append_child_end(child, key, table.key_columns, end));
  }
  if (at != children.rows)
    return Error(
        ErrorKind::kInternal, "postgres.rows_without_parent",
        fmt::format("changes for table {} hold child rows without their parents", of_child.name));
  return {};
}

Status ChangeWriter::encode_keys(const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    const Table& table = binding_->tables()[t];
    const TableRows& of_keys = rows_of(keys, t);
    if (table.role == TableRole::kChild || of_keys.rows == 0) continue;
    TableState& state = tables_[t];
    for (uint32_t row = 0; state.looked_at && !state.empty && row < of_keys.rows; ++row)
      if (!state.images.contains(&of_keys.cells[size_t{row} * table.key_columns]))
        TRY(state.keys.append(of_keys, row, row + 1));
    for (uint32_t child : table.children)
      if (!tables_[child].empty) TRY(encode_child_ends(t, child, keys, rows));
  }
  return {};
}

Status ChangeWriter::send(Connection& connection) {
  script_.clear();
  auto copy = [&](uint32_t t, Stage stage, CopyEncoder& encoder) {
    script_.add(staging_.copy_sql(t, stage),
                {"send rows of " + binding_->tables()[t].name, t, encoder.finish()});
  };
  auto change = [&](const std::string& sql, const char* what, uint32_t t) {
    script_.add(sql, {what + binding_->tables()[t].name, t});
  };
  for (uint32_t t = 0; t < tables_.size(); ++t) {
    if (!tables_[t].keys.empty()) copy(t, Stage::kKeys, tables_[t].keys);
    if (!tables_[t].rows.empty()) copy(t, Stage::kRows, tables_[t].rows);
  }
  for (bool children : {true, false})
    for (uint32_t t = 0; t < tables_.size(); ++t)
      if (!tables_[t].keys.empty() && (binding_->tables()[t].role == TableRole::kChild) == children)
        change(tables_[t].delete_sql, "delete old rows of ", t);
  for (bool children : {false, true})
    for (uint32_t t = 0; t < tables_.size(); ++t)
      if (!tables_[t].rows.empty() && (binding_->tables()[t].role == TableRole::kChild) == children)
        change(tables_[t].upsert_sql, "write rows of ", t);
  script_.add("COMMIT", {.doing = "commit the new images"});
  size_t at = 0;
  auto results = connection.run(script_, at);
  if (!results.ok()) return explain(connection, std::move(results).error(), at);
  return {};
}

// What the owner of a table has done to it, said without what the row holds (C12): of the server's
// message only the names of constraint and column are kept.
Error ChangeWriter::explain(Connection& connection, Error error, size_t step) const {
  const std::string& state = connection.last_sqlstate();
  uint32_t t = step < script_.steps.size() ? script_.steps[step].table : Script::kNoTable;
  std::string table = t == Script::kNoTable ? "the target" : "table " + binding_->tables()[t].name;
  for (std::string_view refusing : {"22", "23", "44", "54", "P0"}) {
    if (!state.starts_with(refusing)) continue;
    std::string by;
    if (!connection.last_constraint().empty())
      by = " by constraint " + connection.last_constraint();
    else if (!connection.last_column().empty())
      by = " for column " + connection.last_column();
    return Error(ErrorKind::kBadItem, "applier.refused",
                 fmt::format("{}: {} refuses a row{} (SQLSTATE {}); remove what refuses it until "
                             "the migration is over, or map the attribute otherwise",
                             connection.where(), table, by, state));
  }
  if (state.starts_with("42") && state != "42501")
    return Error(ErrorKind::kConflict, "applier.table_changed",
                 fmt::format("{}; it is not as offramp made it: undo the change, then run the same "
                             "command again",
                             error.message()));
  return error;
}

void ChangeWriter::clear() {
  for (TableState& table : tables_) {
    for (CopyEncoder* encoder : {&table.rows, &table.keys}) {
      encoder->clear();
      encoder->shrink(kKeptBytesMax);
    }
    table.looked_at = table.empty = false;
  }
}

Result<bool> ChangeWriter::write(Connection& connection, const std::string& first,
                                 const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  clear();
  TRY(encode_rows(rows));
  find_looks(keys, rows);
  TRY(make_staging(connection));
  auto written = write_encoded(connection, first, keys, rows);
  if (!written.ok() || !*written) connection.rollback();
  return written;
}

Result<bool> ChangeWriter::write_encoded(Connection& connection, const std::string& first,
                                         const mapping::RowBatch& keys,
                                         const mapping::RowBatch& rows) {
  for (;;) {
    if (!TRY(begin(connection, first))) return false;
    TRY(encode_keys(keys, rows));
    if (!TRY(make_staging(connection))) break;
    // Made for good: the transaction begins again, at most once per table and connection.
    for (TableState& table : tables_) table.keys.clear();
  }
  TRY(send(connection));
  return true;
}

}  // namespace offramp::target::postgres
