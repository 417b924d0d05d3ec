// A thin owner of SQLite handles: open, statements, errors as Error. Used by the journal, scratch
// files and the sqlite target. One connection and its statements belong to one thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace offramp::io {

class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* get() const { return statement_.get(); }

  // 1-based parameters. The bytes must live until the next reset().
  void bind(int index, int64_t value) { sqlite3_bind_int64(get(), index, value); }
  void bind(int index, std::string_view text) {
    sqlite3_bind_text64(get(), index, text.data() ? text.data() : "", text.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
  }
  void bind_blob(int index, std::string_view bytes) {
    sqlite3_bind_blob64(get(), index, bytes.data() ? bytes.data() : "", bytes.size(),
                        SQLITE_STATIC);
  }
  void bind_null(int index) { sqlite3_bind_null(get(), index); }

  // True when there is a row, false when the statement has ended (it is then reset).
  Result<bool> step();
  // For statements without rows: step to the end and reset.
  Status run();
  void reset() { sqlite3_reset(get()); }

  // 0-based columns of the current row.
  int64_t int64(int column) const { return sqlite3_column_int64(get(), column); }
  std::string_view text(int column) const {
    const void* bytes = sqlite3_column_blob(get(), column);  // no conversion: text stays UTF-8
    return {static_cast<const char*>(bytes),
            static_cast<size_t>(sqlite3_column_bytes(get(), column))};
  }
  bool is_null(int column) const { return sqlite3_column_type(get(), column) == SQLITE_NULL; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

class SqliteDb {
 public:
  enum class Mode { kReadWriteCreate, kReadWrite, kReadOnly };
  // Creates the file with mode 0600. ":memory:" and "" (a private temporary file) are as in SQLite.
  static Result<SqliteDb> open(const std::string& path, Mode mode);

  Status execute(const std::string& sql);  // one or more statements without parameters
  Result<SqliteStatement> prepare(std::string_view sql);
  // A statement with one integer as its first result; the error when there is no row.
  Result<int64_t> query_int64(std::string_view sql);
  sqlite3* get() const { return db_.get(); }
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> db_;
  std::string path_;
};

// SQLite's state as an Error: full disk and I/O → kUnavailable, busy → kRetry, not a database →
// kCorrupt, constraint → kConflict. Names the file.
Error sqlite_error(sqlite3* db, int code, std::string_view doing);

}  // namespace offramp::io
