// Which rows go and which stay; see apply.h.
#include "target/sqlite/apply.h"

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::Table;
using mapping::TableRole;
using mapping::TableRows;

namespace {

// What the owner of a table has done to it. SQLite's messages name constraints, tables and columns,
// never a value.
Error table_error(Error error, const Table& table) {
  if (error.code() == "sqlite.constraint" || error.code() == "sqlite.too_big")
    return Error(ErrorKind::kBadItem, "applier.refused",
                 "table " + table.name + " refuses a row: " + error.message() +
                     "; remove the constraint until the migration is over");
  if (error.kind() == ErrorKind::kInternal)
    return Error(ErrorKind::kConflict, "applier.table_changed",
                 "table " + table.name + " is not as it was made: " + error.message() +
                     "; undo the change, then run the same command again");
  return std::move(error).with_context("table " + table.name);
}

std::string upsert_sql(const Table& table) {
  std::string out = insert_sql(table, 1, false) + " ON CONFLICT (" +
                    column_list(table, table.key_columns) + ") DO ";
  if (table.key_columns == table.columns.size()) return out + "NOTHING";
  out += "UPDATE SET ";
  for (size_t i = table.key_columns; i < table.columns.size(); ++i) {
    std::string name = quote_name(table.columns[i].name);
    out += (i > table.key_columns ? ", " : "") + name + " = excluded." + name;
  }
  return out;
}

}  // namespace

ChangeWriter::ChangeWriter(io::SqliteDb& db,
                           std::shared_ptr<const mapping::CompiledMapping> mapping)
    : db_(db), mapping_(std::move(mapping)), statements_(mapping_->tables().size()) {}

Status ChangeWriter::prepare(io::SqliteStatement& statement, const Table& table,
                             const std::string& sql) {
  auto prepared = db_.prepare(sql);
  if (!prepared.ok()) return table_error(std::move(prepared).error(), table);
  statement = std::move(prepared).value();
  return {};
}

void ChangeWriter::bind(io::SqliteStatement& statement, const Table& table, const Cell* cells,
                        size_t count) {
  for (size_t i = 0; i < count; ++i)
    bind_cell(statement.get(), static_cast<int>(i) + 1,
              encoder_.encode(table.columns[i].type, cells[i], arena_));
}

Result<bool> ChangeWriter::has_rows(uint32_t table) {
  io::SqliteStatement& any = statements_[table].any;
  const Table& spec = mapping_->tables()[table];
  if (!any.get()) TRY(prepare(any, spec, "SELECT 1 FROM " + quote_name(spec.name) + " LIMIT 1"));
  auto found = any.step();
  any.reset();
  if (!found.ok()) return table_error(std::move(found).error(), spec);
  return *found;
}

Status ChangeWriter::remove_key(uint32_t of, const Table& parent, const Cell* key) {
  const Table& spec = mapping_->tables()[of];
  io::SqliteStatement& remove = statements_[of].remove;
  if (!remove.get())
    TRY(prepare(remove, spec,
                "DELETE FROM " + quote_name(spec.name) + " WHERE " +
                    key_condition(spec, parent.key_columns, "=")));
  arena_.reset();
  bind(remove, parent, key, parent.key_columns);
  Status status = remove.run();
  return status.ok() ? std::move(status) : Status(table_error(std::move(status).error(), spec));
}

// `index_` holds the keys whose new image is in this table.
Status ChangeWriter::remove_absent(uint32_t table, const TableRows& keys) {
  const Table& spec = mapping_->tables()[table];
  auto remove_from = [&](uint32_t from) -> Status {
    if (!TRY(has_rows(from))) return {};
    for (uint32_t row = 0; row < keys.rows; ++row) {
      const Cell* key = &keys.cells[row * spec.key_columns];
      if (!index_.contains(key)) TRY(remove_key(from, spec, key));
    }
    return {};
  };
  for (uint32_t child : spec.children) TRY(remove_from(child));
  return remove_from(table);
}

Status ChangeWriter::upsert_rows(uint32_t table, const TableRows& rows) {
  const Table& spec = mapping_->tables()[table];
  io::SqliteStatement& upsert = statements_[table].upsert;
  if (!upsert.get()) TRY(prepare(upsert, spec, upsert_sql(spec)));
  const size_t stride = spec.columns.size();
  for (uint32_t row = 0; row < rows.rows; ++row) {
    arena_.reset();
    bind(upsert, spec, &rows.cells[row * stride], stride);
    Status status = upsert.run();
    if (!status.ok()) return table_error(std::move(status).error(), spec);
  }
  return {};
}

// The child rows of one item follow each other, in the order of their parents and ordinals.
Status ChangeWriter::replace_children(uint32_t parent, uint32_t child,
                                      const mapping::RowBatch& rows) {
  const Table& spec = mapping_->tables()[parent];
  const Table& child_spec = mapping_->tables()[child];
  const TableRows& parents = rows.tables[parent];
  const TableRows& children = rows.tables[child];
  const size_t stride = child_spec.columns.size();
  io::SqliteStatement& rest = statements_[child].remove_rest;
  if (!rest.get()) {
    std::string ordinal = quote_name(child_spec.columns[spec.key_columns].name);
    std::string first = "?" + std::to_string(spec.key_columns + 1);
    std::string last = "?" + std::to_string(spec.key_columns + 2);
    TRY(prepare(rest, child_spec,
                "DELETE FROM " + quote_name(child_spec.name) + " WHERE " +
                    key_condition(child_spec, spec.key_columns, "=") + " AND (" + ordinal + " < " +
                    first + " OR " + ordinal + " > " + last + ")"));
  }
  const bool had_rows = TRY(has_rows(child));
  uint32_t at = 0;
  for (uint32_t row = 0; row < parents.rows; ++row) {
    const Cell* key = &parents.cells[row * spec.columns.size()];
    int64_t first = 0, last = -1;
    bool dense = true;
    for (uint32_t begin = at; at < children.rows; ++at) {
      const Cell* cells = &children.cells[at * stride];
      if (!same_row_key(cells, key, spec.key_columns)) break;
      int64_t ordinal = cells[spec.key_columns].integer;
      if (at == begin) first = ordinal;
      dense &= ordinal - first == static_cast<int64_t>(at - begin);
      last = ordinal;
    }
    if (!had_rows) continue;
    if (!dense) {
      TRY(remove_key(child, spec, key));
      continue;
    }
    arena_.reset();
    bind(rest, spec, key, spec.key_columns);
    rest.bind(static_cast<int>(spec.key_columns) + 1, first);
    rest.bind(static_cast<int>(spec.key_columns) + 2, last);
    Status status = rest.run();
    if (!status.ok()) return table_error(std::move(status).error(), child_spec);
  }
  if (at != children.rows)
    return Error(ErrorKind::kInternal, "sqlite.rows_without_parent",
                 "changes for table " + child_spec.name + " hold child rows without their parents");
  return children.rows ? upsert_rows(child, children) : Status();
}

Status ChangeWriter::write(const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  static const TableRows kNone;
  const auto& tables = mapping_->tables();
  // All that goes away goes first: a constraint that the owner added over several keys sees the
  // new state, as far as one statement at a time can show it.
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    if (keys.tables[t].rows == 0) continue;
    const TableRows& images = t < rows.tables.size() ? rows.tables[t] : kNone;
    index_.build(images, tables[t].columns.size(), tables[t].key_columns);
    TRY(remove_absent(t, keys.tables[t]));
  }
  for (uint32_t t = 0; t < rows.tables.size(); ++t) {
    if (rows.tables[t].rows == 0 || tables[t].role == TableRole::kChild) continue;
    TRY(upsert_rows(t, rows.tables[t]));
    for (uint32_t child : tables[t].children) TRY(replace_children(t, child, rows));
  }
  return {};
}

}  // namespace offramp::target::sqlite
