// The limit of applying changes to SQLite: prepared upserts of rows prepared beforehand, by one
// thread.
//
//   bench_sqlite_upsert_limit FILE TABLE KEY ROWS_PER_TRANSACTION
// Changes FILE: every row of TABLE, in the order of KEY (the column that they conflict on), with
// its integers one higher. The rows are in memory before the clock starts. WAL, synchronous=FULL
// and the checkpoints as of a table that is being followed. Prints JSON.
#include <vector>

#include "sqlite.h"

namespace offramp::bench {
namespace {

struct Cell {
  int type;
  int size;
  int64_t integer;  // or where the bytes begin
  double real;
};

struct Rows {
  std::vector<std::string> columns;
  std::vector<Cell> cells;
  std::string bytes;
};

Rows read_rows(sqlite3* db, const std::string& table, const std::string& key) {
  Rows rows;
  sqlite3_stmt* statement = prepare(db, "SELECT * FROM " + table + " ORDER BY " + key);
  int columns = sqlite3_column_count(statement);
  for (int i = 0; i < columns; ++i) rows.columns.push_back(sqlite3_column_name(statement, i));
  while (sqlite3_step(statement) == SQLITE_ROW) {
    for (int i = 0; i < columns; ++i) {
      Cell cell{sqlite3_column_type(statement, i), 0, 0, 0};
      if (cell.type == SQLITE_INTEGER) {
        cell.integer = sqlite3_column_int64(statement, i) + 1;
      } else if (cell.type == SQLITE_FLOAT) {
        cell.real = sqlite3_column_double(statement, i);
      } else if (cell.type != SQLITE_NULL) {
        const void* bytes = sqlite3_column_blob(statement, i);
        cell.size = sqlite3_column_bytes(statement, i);
        cell.integer = static_cast<int64_t>(rows.bytes.size());
        if (cell.size > 0)
          rows.bytes.append(static_cast<const char*>(bytes), static_cast<size_t>(cell.size));
      }
      rows.cells.push_back(cell);
    }
  }
  sqlite3_finalize(statement);
  return rows;
}

uint64_t upsert(sqlite3* db, const std::string& table, const std::string& key, const Rows& rows,
                uint64_t rows_max) {
  std::string marks, set;
  for (const std::string& column : rows.columns) {
    marks += marks.empty() ? "?" : ",?";
    if (column != key) set += (set.empty() ? "" : ", ") + column + " = excluded." + column;
  }
  sqlite3_stmt* statement = prepare(db, "INSERT INTO " + table + " VALUES (" + marks +
                                            ") ON CONFLICT (" + key + ") DO UPDATE SET " + set);
  uint64_t count = 0;
  execute(db, "BEGIN IMMEDIATE");
  for (size_t at = 0; at < rows.cells.size(); at += rows.columns.size()) {
    for (size_t i = 0; i < rows.columns.size(); ++i) {
      const Cell& cell = rows.cells[at + i];
      int mark = static_cast<int>(i) + 1;
      switch (cell.type) {
        case SQLITE_INTEGER:
          sqlite3_bind_int64(statement, mark, cell.integer);
          break;
        case SQLITE_FLOAT:
          sqlite3_bind_double(statement, mark, cell.real);
          break;
        case SQLITE_TEXT:
          sqlite3_bind_text(statement, mark, rows.bytes.data() + cell.integer, cell.size,
                            SQLITE_STATIC);
          break;
        case SQLITE_BLOB:
          sqlite3_bind_blob(statement, mark, rows.bytes.data() + cell.integer, cell.size,
                            SQLITE_STATIC);
          break;
        default:
          sqlite3_bind_null(statement, mark);
      }
    }
    if (sqlite3_step(statement) != SQLITE_DONE) die(sqlite3_errmsg(db));
    sqlite3_reset(statement);
    if (++count % rows_max == 0) execute(db, "COMMIT; BEGIN IMMEDIATE");
  }
  execute(db, "COMMIT");
  sqlite3_finalize(statement);
  return count;
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp::bench;
  if (argc != 5) die("bench_sqlite_upsert_limit FILE TABLE KEY ROWS_PER_TRANSACTION");
  sqlite3* db = nullptr;
  if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK)
    die(sqlite3_errmsg(db));
  execute(db,
          "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; "
          "PRAGMA wal_autocheckpoint = 4000");
  Rows rows = read_rows(db, argv[2], argv[3]);
  Stopwatch watch;
  uint64_t count = upsert(db, argv[2], argv[3], rows, std::stoul(argv[4]));
  std::printf("{\"seconds\":%.6f,\"rows\":%lu}\n", watch.seconds(), count);
  sqlite3_close(db);
}
