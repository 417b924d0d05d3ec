#include "target/sqlite/serve/connection.h"

#include <xxhash.h>

#include <filesystem>

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite::serve {

using mapping::Cell;
using mapping::Table;
using mapping::TableRole;

namespace {

// How long another process's writing is waited for.
constexpr int kBusyTimeoutMs = 5'000;
// The write-ahead log is copied into the file every so many pages, beside the writer. It begins
// anew when all of it was copied and nobody reads it; while it is written to all the time that
// never is, so the writer itself copies the rest of it, and waits shortly for readers, when it has
// grown beyond the second number.
constexpr int kCheckpointPages = 4'000, kLogPagesMax = 16'000, kLogWaitMs = 250;

std::vector<std::unique_ptr<TableReader>> make_readers(io::SqliteDb& db, const ServedTable& table) {
  const auto& tables = table.mapping->tables();
  std::vector<std::unique_ptr<TableReader>> out(tables.size());
  for (uint32_t t = 0; t < tables.size(); ++t) {
    bool wanted = tables[t].role == TableRole::kParent ||
                  (tables[t].role == TableRole::kOverflow && !table.made_here);
    if (wanted) out[t] = std::make_unique<TableReader>(db, table.mapping, t);
  }
  return out;
}

// offramp_segment(SEGMENTS, VALUE …): a hash of the stored values, modulo SEGMENTS.
void segment_function(sqlite3_context* context, int count, sqlite3_value** values) {
  int64_t segments = sqlite3_value_int64(values[0]);
  uint64_t hash = 0;
  for (int i = 1; i < count; ++i) {
    if (int type = sqlite3_value_type(values[i]); type == SQLITE_INTEGER) {
      int64_t value = sqlite3_value_int64(values[i]);
      hash = XXH3_64bits_withSeed(&value, sizeof value, hash);
    } else if (type == SQLITE_FLOAT) {
      double value = sqlite3_value_double(values[i]);
      hash = XXH3_64bits_withSeed(&value, sizeof value, hash);
    } else {
      const void* bytes = sqlite3_value_blob(values[i]);
      hash = XXH3_64bits_withSeed(bytes, static_cast<size_t>(sqlite3_value_bytes(values[i])), hash);
    }
  }
  sqlite3_result_int64(
      context, segments > 0 ? static_cast<int64_t>(hash % static_cast<uint64_t>(segments)) : 0);
}

// After each commit. Only tidiness: what cannot be done now is done by a later commit.
int on_commit(void* self, sqlite3* db, const char*, int pages) {
  auto& connection = *static_cast<Connection*>(self);
  if (pages < connection.log_checked_at) connection.log_checked_at = 0;  // the log has begun anew
  if (pages - connection.log_checked_at < kCheckpointPages) return SQLITE_OK;
  connection.log_checked_at = pages;
  if (pages < kLogPagesMax) {
    connection.log_copier->wake();
    return SQLITE_OK;
  }
  set_busy_timeout(connection.db, kLogWaitMs);
  sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  set_busy_timeout(connection.db, kBusyTimeoutMs);
  return SQLITE_OK;
}

}  // namespace

TableAccess::TableAccess(io::SqliteDb& db, const ServedTable& table)
    : db_(db),
      mapping_(table.mapping),
      made_here_(table.made_here),
      readers_(make_readers(db, table)),
      pages_(table, readers_) {
  needs_transaction_ = !made_here_;
}

Result<bool> TableAccess::get(const mapping::RowBatch& keys, ddb::ItemBatch& batch) {
  for (uint32_t t = 0; t < keys.tables.size(); ++t) {
    if (keys.tables[t].rows == 0 || !readers_[t]) continue;
    if (TRY(readers_[t]->fetch(keys.tables[t].cells.data(), batch.size(), batch))) return true;
  }
  return false;
}

Status TableAccess::put(const Cell* row) {
  const Table& table = mapping_->tables()[0];
  if (!put_.get()) {
    std::string sql = insert_sql(table, 1, false) + " ON CONFLICT (" +
                      column_list(table, table.key_columns) + ") DO UPDATE SET ";
    // There is always a column behind the key: `extra`.
    for (size_t i = table.key_columns; i < table.columns.size(); ++i) {
      std::string name = quote_name(table.columns[i].name);
      sql += (i > table.key_columns ? ", " : "") + name + " = excluded." + name;
    }
    put_ = TRY(db_.prepare(sql));
  }
  arena_.reset();
  for (size_t i = 0; i < table.columns.size(); ++i)
    bind_cell(put_.get(), static_cast<int>(i) + 1,
              encoder_.encode(table.columns[i].type, row[i], arena_));
  return put_.run();
}

Status TableAccess::remove(const Cell* key) {
  const Table& table = mapping_->tables()[0];
  if (!remove_.get())
    remove_ = TRY(db_.prepare("DELETE FROM " + quote_name(table.name) + " WHERE " +
                              key_condition(table, table.key_columns, "=")));
  arena_.reset();
  for (uint32_t i = 0; i < table.key_columns; ++i)
    bind_cell(remove_.get(), static_cast<int>(i) + 1,
              encoder_.encode(table.columns[i].type, key[i], arena_));
  return remove_.run();
}

Status TableAccess::write(const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  if (!made_here_) {
    if (!changes_) changes_ = std::make_unique<ChangeWriter>(db_, mapping_);
    return changes_->write(keys, rows);
  }
  const Table& table = mapping_->tables()[0];
  const mapping::TableRows& removed = keys.tables[0];
  for (uint32_t i = 0; i < removed.rows; ++i) TRY(remove(&removed.cells[i * table.key_columns]));
  const mapping::TableRows& put_rows = rows.tables[0];
  for (uint32_t i = 0; i < put_rows.rows; ++i) TRY(put(&put_rows.cells[i * table.columns.size()]));
  return {};
}

Result<std::unique_ptr<Connection>> open_store_connection(const std::string& path, Use use) {
  auto out = std::make_unique<Connection>();
  if (path == ":memory:") {
    out->db = TRY(io::SqliteDb::open(path, io::SqliteDb::Mode::kReadWriteCreate));
  } else {
    Options options;
    options.path = path;
    options.busy_timeout_ms = kBusyTimeoutMs;
    bool exists = std::filesystem::exists(path);
    out->db = TRY(open_connection(options, use == Use::kRead ? Access::kRead
                                           : exists          ? Access::kWrite
                                                             : Access::kCreate));
    // Taken as it is needed; a session's statements find the upper pages of their tables in it.
    if (use == Use::kRead) TRY(out->db.execute("PRAGMA cache_size = -16384"));
    if (use == Use::kWrite) {
      out->log_copier = std::make_unique<LogCopier>(path);
      sqlite3_wal_hook(out->db.get(), &on_commit, out.get());
    }
  }
  sqlite3_create_function_v2(out->db.get(), kSegmentFunction, -1,
                             SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr,
                             &segment_function, nullptr, nullptr, nullptr);
  out->begin = TRY(out->db.prepare("BEGIN"));
  out->commit = TRY(out->db.prepare("COMMIT"));
  out->begin_writing = TRY(out->db.prepare("BEGIN IMMEDIATE"));
  out->save = TRY(out->db.prepare("SAVEPOINT job"));
  out->release = TRY(out->db.prepare("RELEASE job"));
  return out;
}

}  // namespace offramp::target::sqlite::serve
