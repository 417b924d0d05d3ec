// Opening, stepping and error translation for SQLite.
#include "io/sqlite_db.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace offramp::io {

Error sqlite_error(sqlite3* db, int code, std::string_view doing) {
  ErrorKind kind = ErrorKind::kInternal;
  std::string_view name = "sqlite.error";
  std::string next;
  switch (code & 0xff) {
    case SQLITE_FULL:
      kind = ErrorKind::kUnavailable, name = "sqlite.disk_full";
      next = "; free space on that disk and run the same command again";
      break;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      kind = ErrorKind::kUnavailable, name = "sqlite.io";
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      kind = ErrorKind::kRetry, name = "sqlite.busy";
      next = "; another process holds the file: stop it and run the same command again";
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      kind = ErrorKind::kCorrupt, name = "sqlite.corrupt";
      break;
    case SQLITE_CONSTRAINT:
      kind = ErrorKind::kConflict, name = "sqlite.constraint";
      break;
    case SQLITE_TOOBIG:
      kind = ErrorKind::kBadItem, name = "sqlite.too_big";
      break;
  }
  const char* file = db ? sqlite3_db_filename(db, "main") : nullptr;
  std::string message = std::string(doing) + ": SQLite says '" +
                        (db ? sqlite3_errmsg(db) : sqlite3_errstr(code)) + "'";
  if (file && *file) message += " for " + std::string(file);
  return Error(kind, std::string(name), message + next);
}

Result<bool> SqliteStatement::step() {
  int code = sqlite3_step(get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    sqlite3_reset(get());
    return false;
  }
  Error error = sqlite_error(sqlite3_db_handle(get()), code, "running a statement");
  sqlite3_reset(get());
  return error;
}

Status SqliteStatement::run() {
  while (TRY(step())) {
  }
  return {};
}

Result<SqliteDb> SqliteDb::open(const std::string& path, Mode mode) {
  SqliteDb out;
  out.path_ = path;
  bool file = !path.empty() && path != ":memory:";
  if (file && mode == Mode::kReadWriteCreate) {
    // Made by us first so that the file never exists with wider rights (it holds item content).
    int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0) ::close(fd);
  }
  int flags = mode == Mode::kReadOnly    ? SQLITE_OPEN_READONLY
              : mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE
                                         : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  out.db_.reset(db);
  if (code != SQLITE_OK) return sqlite_error(db, code, "opening " + path);
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, 10'000);
  return out;
}

Status SqliteDb::execute(const std::string& sql) {
  int code = sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return sqlite_error(get(), code, "running '" + sql.substr(0, 60) + "'");
  return {};
}

Result<SqliteStatement> SqliteDb::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(get(), sql.data(), static_cast<int>(sql.size()),
                                SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK)
    return sqlite_error(get(), code, "preparing '" + std::string(sql.substr(0, 60)) + "'");
  return SqliteStatement(statement);
}

Result<int64_t> SqliteDb::query_int64(std::string_view sql) {
  SqliteStatement statement = TRY(prepare(sql));
  if (!TRY(statement.step()))
    return Error(ErrorKind::kInternal, "sqlite.no_row", "no row from " + std::string(sql));
  int64_t value = statement.int64(0);
  statement.reset();
  return value;
}

}  // namespace offramp::io
