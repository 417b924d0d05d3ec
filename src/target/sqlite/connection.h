// Connections with the target's settings, and the bookkeeping tables of a migration.
//
//   _offramp_migration (migration, version, finished)              one row per migration
//   _offramp_table (name, migration, sql)                          which data tables are ours, and
//   as what made _offramp_checkpoint (migration, partition, records, token, done)   durable
//   positions, written with the rows (C5)
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "io/sqlite_db.h"
#include "mapping/compiled_mapping.h"
#include "model/position.h"
#include "target/target.h"

namespace offramp::target::sqlite {

constexpr int kFormatVersion = 1;  // stored in _offramp_migration

struct Options {
  std::string path;
  int64_t rows_per_transaction = 50'000;
  int64_t bytes_per_transaction = 32 << 20;
  int busy_timeout_ms = 10'000;  // how long another process's writing is waited for
  int checkpoint_pages = 4'000;  // 16 MiB of changes: a page that changes often is copied once
  int log_pages_max = 32'000;    // 128 MiB: beyond, a commit of changes waits shortly for readers
  int64_t page_count_max = 0;    // 0 = as large as the disk; tests make a full disk of it
};

enum class Access { kCreate, kWrite, kRead };

// How long the connection waits for others' writing, in this process and outside, before kRetry. It
// looks again every few milliseconds: SQLite's own pauses grow to 100 ms, and a writer that commits
// one transaction after the other lets nobody in who sleeps so long.
void set_busy_timeout(io::SqliteDb& db, int milliseconds);

// What can be said about the path without opening it.
Status check_path(const std::string& path, Access access);
// Opens the file and reads its header. kConfig, naming the path and what to do, for a missing
// directory, a missing file (unless kCreate), a directory, a file that is no SQLite database, a
// file that may not be written.
Result<io::SqliteDb> open_connection(const Options& options, Access access);

// BEGIN IMMEDIATE … COMMIT around `body`, ROLLBACK when it fails.
template <class Body>
Status in_transaction(io::SqliteDb& db, Body body) {
  TRY(db.execute("BEGIN IMMEDIATE"));
  Status status = body();
  if (status.ok()) status = db.execute("COMMIT");
  if (!status.ok() && !sqlite3_get_autocommit(db.get())) (void)db.execute("ROLLBACK");
  return status;
}

// As Target::prepare.
Status prepare_tables(io::SqliteDb& db, const mapping::CompiledMapping& mapping,
                      const std::string& migration, Target::Start start);
// kConfig when the file does not hold this migration.
Status check_attached(io::SqliteDb& db, const mapping::CompiledMapping& mapping,
                      const std::string& migration);
Result<std::map<std::string, model::Position>> read_positions(io::SqliteDb& db,
                                                              const std::string& migration);

}  // namespace offramp::target::sqlite
