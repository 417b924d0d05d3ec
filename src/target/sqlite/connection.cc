// Opening with clear errors; prepare in one transaction.
//
// synchronous=FULL: with NORMAL a power loss may take back committed transactions, rows and
// positions alike; that would be consistent, but `status` would have shown a position that is gone,
// and apply() would have acknowledged changes that are lost. FULL syncs the log once per commit of
// 50,000 rows, which the checkpoint right after it has to do anyway, so the CPU per row is the same
// (1.4 us, README.md). A killed process loses nothing in either mode (C9).
#include "target/sqlite/connection.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>

#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

using mapping::Table;

namespace {

Error file_error(ErrorKind kind, const std::string& path, const std::string& what) {
  return Error(kind, "sqlite.open", "the SQLite file " + path + " " + what);
}

Result<bool> has_row(io::SqliteDb& db, std::string_view sql, std::string_view parameter) {
  io::SqliteStatement statement = TRY(db.prepare(sql));
  statement.bind(1, parameter);
  bool found = TRY(statement.step());
  statement.reset();
  return found;
}

Result<bool> has_bookkeeping(io::SqliteDb& db) {
  return has_row(db, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1",
                 "_offramp_migration");
}

Result<bool> has_migration(io::SqliteDb& db, const std::string& migration) {
  if (!TRY(has_bookkeeping(db))) return false;
  return has_row(db, "SELECT 1 FROM _offramp_migration WHERE migration = ?1", migration);
}

Status check_version(io::SqliteDb& db, const std::string& migration) {
  io::SqliteStatement statement =
      TRY(db.prepare("SELECT version FROM _offramp_migration WHERE migration = ?1"));
  statement.bind(1, std::string_view(migration));
  if (TRY(statement.step()) && statement.int64(0) != kFormatVersion)
    return Error(ErrorKind::kConfig, "sqlite.version",
                 "migration " + migration + " in " + db.path() +
                     " was made by another version of offramp (format " +
                     std::to_string(statement.int64(0)) + "); go on with that version");
  statement.reset();
  return {};
}

enum class Found { kNothing, kOurs };

// What stands under the table's name: nothing, ours as it should be, or an error.
Result<Found> find_table(io::SqliteDb& db, const Table& table, const std::string& migration) {
  auto conflict = [&](const std::string& what) {
    return Error(ErrorKind::kConflict, "sqlite.table_exists",
                 "table " + table.name + " in " + db.path() + " " + what);
  };
  bool exists =
      TRY(has_row(db, "SELECT 1 FROM sqlite_master WHERE name = ?1 COLLATE NOCASE", table.name));
  io::SqliteStatement ours =
      TRY(db.prepare("SELECT migration, sql FROM _offramp_table WHERE name = ?1 COLLATE NOCASE"));
  ours.bind(1, std::string_view(table.name));
  if (!TRY(ours.step())) {
    if (exists)
      return conflict(
          "exists and was not made by this migration; rename or drop it, or choose another name in "
          "the plan");
    return Found::kNothing;
  }
  if (ours.text(0) != migration)
    return conflict("belongs to migration " + std::string(ours.text(0)) +
                    "; choose another name in the plan or another file");
  if (!exists) {
    return Error(
        ErrorKind::kGap, "sqlite.table_gone",
        "table " + table.name + " of migration " + migration + " has been dropped from " +
            db.path() +
            "; its rows are lost there: remove the file and begin again with a new migration");
  }
  if (ours.text(1) != create_table_sql(table))
    return conflict(
        "was made from another plan; begin a new migration for the changed plan, or undo the "
        "change");
  return Found::kOurs;
}

Status make_bookkeeping(io::SqliteDb& db) {
  return db.execute(
      "CREATE TABLE IF NOT EXISTS _offramp_migration (migration TEXT PRIMARY KEY, version INTEGER "
      "NOT NULL, "
      "finished INTEGER NOT NULL) STRICT;"
      "CREATE TABLE IF NOT EXISTS _offramp_table (name TEXT PRIMARY KEY, migration TEXT NOT NULL, "
      "sql TEXT NOT NULL) "
      "STRICT;"
      "CREATE TABLE IF NOT EXISTS _offramp_checkpoint (migration TEXT NOT NULL, partition TEXT NOT "
      "NULL, "
      "records INTEGER NOT NULL, token BLOB NOT NULL, done INTEGER NOT NULL, PRIMARY KEY "
      "(migration, partition)) "
      "STRICT, WITHOUT ROWID");
}

}  // namespace

Status check_path(const std::string& path, Access access) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode))
      return file_error(ErrorKind::kConfig, path, "is a directory; name a file in it");
    if (!S_ISREG(status.st_mode))
      return file_error(ErrorKind::kConfig, path, "is not a regular file; name another");
    if (access != Access::kRead && ::access(path.c_str(), W_OK) != 0)
      return file_error(ErrorKind::kConfig, path,
                        "may not be written (" + std::string(std::strerror(errno)) +
                            "); change its rights or name another");
    return {};
  }
  if (errno != ENOENT && errno != ENOTDIR)
    return file_error(ErrorKind::kConfig, path,
                      "cannot be reached: " + std::string(std::strerror(errno)));
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
    return file_error(ErrorKind::kConfig, path,
                      "cannot be made: there is no directory " + folder + "; make it first");
  if (access != Access::kCreate)
    return file_error(ErrorKind::kConfig, path,
                      "does not exist; `offramp run` makes it, or correct the plan's target");
  if (::access(folder.c_str(), W_OK) != 0)
    return file_error(ErrorKind::kConfig, path,
                      "cannot be made: the directory " + folder + " may not be written");
  return {};
}

namespace {

constexpr int kBusyPauseMs = 4;

int wait_while_busy(void* timeout_ms, int calls) {
  if (static_cast<intptr_t>(calls) * kBusyPauseMs >= reinterpret_cast<intptr_t>(timeout_ms))
    return 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(kBusyPauseMs));
  return 1;
}

}  // namespace

void set_busy_timeout(io::SqliteDb& db, int milliseconds) {
  sqlite3_busy_handler(db.get(), wait_while_busy,
                       reinterpret_cast<void*>(static_cast<intptr_t>(milliseconds)));
}

Result<io::SqliteDb> open_connection(const Options& options, Access access) {
  const std::string& path = options.path;
  TRY(check_path(path, access));
  // An existing file is never opened with create: that would close a second descriptor of the file,
  // and with it drop the POSIX locks of this process's other connections.
  bool exists = std::filesystem::exists(path);
  auto mode = access == Access::kRead ? io::SqliteDb::Mode::kReadOnly
              : exists                ? io::SqliteDb::Mode::kReadWrite
                                      : io::SqliteDb::Mode::kReadWriteCreate;
  auto opened = io::SqliteDb::open(path, mode);
  if (!opened.ok())
    return file_error(ErrorKind::kConfig, path, "cannot be opened: " + opened.error().message());
  io::SqliteDb db = std::move(opened).value();
  set_busy_timeout(db, options.busy_timeout_ms);
  auto readable = db.query_int64("SELECT count(*) FROM sqlite_master");
  if (!readable.ok()) {
    if (readable.error().kind() == ErrorKind::kCorrupt)
      return file_error(ErrorKind::kConfig, path, "is not a SQLite database; name another file");
    return std::move(readable).error();
  }
  if (access == Access::kRead) return db;
  if (sqlite3_db_readonly(db.get(), "main") == 1)
    return file_error(ErrorKind::kConfig, path,
                      "may not be written; change its rights or name another");
  TRY(db.execute("PRAGMA journal_mode = WAL"));
  TRY(db.execute("PRAGMA synchronous = FULL; PRAGMA cache_size = -32768"));
  if (options.page_count_max > 0)
    TRY(db.execute("PRAGMA max_page_count = " + std::to_string(options.page_count_max)));
  return db;
}

Status prepare_tables(io::SqliteDb& db, const mapping::CompiledMapping& mapping,
                      const std::string& migration, Target::Start start) {
  TRY(check_names(mapping));
  return in_transaction(db, [&]() -> Status {
    bool known = TRY(has_migration(db, migration));
    if (!known && start == Target::Start::kResuming)
      return Error(ErrorKind::kGap, "sqlite.migration_gone",
                   "there is no trace of migration " + migration + " in " + db.path() +
                       ": the file was replaced or emptied; put the right file back, or begin a "
                       "new migration");
    TRY(make_bookkeeping(db));
    if (known) TRY(check_version(db, migration));
    for (const Table& table : mapping.tables()) {
      if (TRY(find_table(db, table, migration)) == Found::kOurs) continue;
      if (known)
        return Error(
            ErrorKind::kConflict, "sqlite.plan_changed",
            "the plan names table " + table.name + ", which migration " + migration + " in " +
                db.path() +
                " does not have; begin a new migration for the changed plan, or undo the change");
      std::string sql = create_table_sql(table);
      TRY(db.execute(sql));
      io::SqliteStatement insert =
          TRY(db.prepare("INSERT INTO _offramp_table VALUES (?1, ?2, ?3)"));
      insert.bind(1, std::string_view(table.name));
      insert.bind(2, std::string_view(migration));
      insert.bind(3, std::string_view(sql));
      TRY(insert.run());
    }
    if (known) return {};
    io::SqliteStatement insert =
        TRY(db.prepare("INSERT INTO _offramp_migration VALUES (?1, ?2, 0)"));
    insert.bind(1, std::string_view(migration));
    insert.bind(2, int64_t{kFormatVersion});
    return insert.run();
  });
}

Status check_attached(io::SqliteDb& db, const mapping::CompiledMapping& mapping,
                      const std::string& migration) {
  if (!TRY(has_migration(db, migration)))
    return Error(ErrorKind::kConfig, "sqlite.not_here",
                 db.path() + " holds no migration " + migration +
                     "; run `offramp run` first, or correct the target");
  TRY(check_version(db, migration));
  for (const Table& table : mapping.tables())
    if (TRY(find_table(db, table, migration)) == Found::kNothing)
      return Error(ErrorKind::kConflict, "sqlite.plan_changed",
                   "migration " + migration + " in " + db.path() + " has no table " + table.name +
                       "; use the plan that it was loaded with");
  return {};
}

Result<std::map<std::string, model::Position>> read_positions(io::SqliteDb& db,
                                                              const std::string& migration) {
  io::SqliteStatement rows = TRY(db.prepare(
      "SELECT partition, records, token, done FROM _offramp_checkpoint WHERE migration = ?1"));
  rows.bind(1, std::string_view(migration));
  std::map<std::string, model::Position> out;
  while (TRY(rows.step()))
    out[std::string(rows.text(0))] = model::Position{static_cast<uint64_t>(rows.int64(1)),
                                                     std::string(rows.text(2)), rows.int64(3) != 0};
  return out;
}

}  // namespace offramp::target::sqlite
