#include "target/sqlite/serve/table_reader.h"

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite::serve {

using mapping::Cell;
using mapping::Table;

namespace {

std::string select_by_key(const Table& from, uint32_t key_columns) {
  return "SELECT " + all_columns(from) + " FROM " + quote_name(from.name) + " WHERE " +
         key_condition(from, key_columns, "=");
}

}  // namespace

TableReader::TableReader(io::SqliteDb& db, std::shared_ptr<const mapping::CompiledMapping> mapping,
                         uint32_t table)
    : db_(db),
      mapping_(std::move(mapping)),
      number_(table),
      spec_(mapping_->tables()[table]),
      rows_(mapping_) {}

Result<bool> TableReader::step(sqlite3_stmt* statement) {
  int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(statement);
    return false;
  }
  Error error = io::sqlite_error(sqlite3_db_handle(statement), code, "reading a table");
  sqlite3_reset(statement);
  return error;
}

Result<bool> TableReader::fetch(const Cell* key, uint64_t ordinal, ddb::ItemBatch& batch) {
  if (!by_key_.get()) by_key_ = TRY(db_.prepare(select_by_key(spec_, spec_.key_columns)));
  arena_.reset();
  for (uint32_t i = 0; i < spec_.key_columns; ++i)
    bind_cell(by_key_.get(), static_cast<int>(i) + 1,
              encoder_.encode(spec_.columns[i].type, key[i], arena_));
  StatementReset reset(by_key_.get());
  if (!TRY(step(by_key_.get()))) return false;
  TRY(append(by_key_.get(), batch));
  return true;
}

Result<bool> TableReader::exists(const Cell* key) {
  if (!exists_.get())
    exists_ = TRY(db_.prepare("SELECT 1 FROM " + quote_name(spec_.name) + " WHERE " +
                              key_condition(spec_, spec_.key_columns, "=")));
  arena_.reset();
  for (uint32_t i = 0; i < spec_.key_columns; ++i)
    bind_cell(exists_.get(), static_cast<int>(i) + 1,
              encoder_.encode(spec_.columns[i].type, key[i], arena_));
  StatementReset reset(exists_.get());
  return step(exists_.get());
}

Result<bool> TableReader::empty() {
  if (!any_.get()) any_ = TRY(db_.prepare("SELECT 1 FROM " + quote_name(spec_.name) + " LIMIT 1"));
  StatementReset reset(any_.get());
  return !TRY(step(any_.get()));
}

Result<sqlite3_stmt*> TableReader::statement(const Path& path, const Read& read) {
  auto found = statements_.find(read.code());
  if (found != statements_.end()) return found->second.get();
  return statement(read.code(), read_sql(spec_, path, read));
}

Result<sqlite3_stmt*> TableReader::statement(uint64_t number, const std::string& sql) {
  io::SqliteStatement& statement = statements_[number];
  if (!statement.get()) statement = TRY(db_.prepare(sql));
  return statement.get();
}

Status TableReader::append(sqlite3_stmt* row, ddb::ItemBatch& batch) {
  TRY(rows_.begin(number_, row));
  if (!spec_.children.empty()) TRY(add_children(row));
  return rows_.finish(batch.size(), batch);
}

Status TableReader::add_children(sqlite3_stmt* row) {
  const auto& tables = mapping_->tables();
  while (children_.size() < spec_.children.size()) {
    const Table& child = tables[spec_.children[children_.size()]];
    children_.push_back(TRY(db_.prepare(select_by_key(child, spec_.key_columns) + " ORDER BY " +
                                        quote_name(child.columns[child.key_columns - 1].name))));
  }
  for (size_t i = 0; i < children_.size(); ++i) {
    sqlite3_stmt* child = children_[i].get();
    // What is bound is the parent row's own bytes: they live while it stands still.
    for (uint32_t column = 0; column < spec_.key_columns; ++column)
      bind_cell(child, static_cast<int>(column) + 1, storage_cell(row, static_cast<int>(column)));
    StatementReset reset(child);
    while (TRY(step(child))) TRY(rows_.add_child(i, child));
  }
  return {};
}

}  // namespace offramp::target::sqlite::serve
