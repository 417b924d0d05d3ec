// The limit of loading SQLite: prepared inserts of rows prepared beforehand, by one thread, then
// the indexes.
//
//   bench_sqlite_limit FROM.sqlite NEW.sqlite
// Takes all tables but the tool's own (offramp…) and SQLite's from FROM into memory, then the clock
// starts. WAL, synchronous=NORMAL, 10,000 rows a transaction: as durable as a load that can be
// resumed. Prints JSON.
#include <vector>

#include "sqlite.h"

namespace offramp::bench {
namespace {

struct Cell {
  int type;
  uint32_t size;
  union {
    int64_t integer;
    double real;
    uint64_t offset;
  };
};

struct TableRows {
  std::string name, create;
  int columns = 0;
  std::vector<Cell> cells;
  std::string bytes;
};

std::string quoted(const std::string& name) {
  std::string out = "\"";
  for (char c : name) out.append(c == '"' ? 2 : 1, c);
  return out + "\"";
}

void read_rows(sqlite3* db, TableRows& table) {
  sqlite3_stmt* rows = prepare(db, "SELECT * FROM " + quoted(table.name));
  table.columns = sqlite3_column_count(rows);
  while (sqlite3_step(rows) == SQLITE_ROW) {
    for (int i = 0; i < table.columns; ++i) {
      Cell cell{sqlite3_column_type(rows, i), 0, {}};
      if (cell.type == SQLITE_INTEGER) {
        cell.integer = sqlite3_column_int64(rows, i);
      } else if (cell.type == SQLITE_FLOAT) {
        cell.real = sqlite3_column_double(rows, i);
      } else if (cell.type != SQLITE_NULL) {
        const void* bytes = sqlite3_column_blob(rows, i);
        cell.size = static_cast<uint32_t>(sqlite3_column_bytes(rows, i));
        cell.offset = table.bytes.size();
        if (cell.size > 0) table.bytes.append(static_cast<const char*>(bytes), cell.size);
      }
      table.cells.push_back(cell);
    }
  }
  sqlite3_finalize(rows);
}

uint64_t insert(sqlite3* db, const TableRows& table) {
  std::string marks = "?";
  for (int i = 1; i < table.columns; ++i) marks += ",?";
  sqlite3_stmt* statement =
      prepare(db, "INSERT INTO " + quoted(table.name) + " VALUES (" + marks + ")");
  uint64_t rows = 0;
  execute(db, "BEGIN");
  for (size_t at = 0; at < table.cells.size(); at += static_cast<size_t>(table.columns)) {
    for (int i = 0; i < table.columns; ++i) {
      const Cell& cell = table.cells[at + static_cast<size_t>(i)];
      const char* bytes = table.bytes.data() + cell.offset;
      switch (cell.type) {
        case SQLITE_INTEGER:
          sqlite3_bind_int64(statement, i + 1, cell.integer);
          break;
        case SQLITE_FLOAT:
          sqlite3_bind_double(statement, i + 1, cell.real);
          break;
        case SQLITE_TEXT:
          sqlite3_bind_text(statement, i + 1, bytes, static_cast<int>(cell.size), SQLITE_STATIC);
          break;
        case SQLITE_BLOB:
          sqlite3_bind_blob(statement, i + 1, bytes, static_cast<int>(cell.size), SQLITE_STATIC);
          break;
        default:
          sqlite3_bind_null(statement, i + 1);
      }
    }
    if (sqlite3_step(statement) != SQLITE_DONE) die(sqlite3_errmsg(db));
    sqlite3_reset(statement);
    if (++rows % 10000 == 0) execute(db, "COMMIT; BEGIN");
  }
  execute(db, "COMMIT");
  sqlite3_finalize(statement);
  return rows;
}

}  // namespace
}  // namespace offramp::bench

int main(int argc, char** argv) {
  using namespace offramp::bench;
  if (argc != 3) die("bench_sqlite_limit FROM.sqlite NEW.sqlite");
  sqlite3 *from = nullptr, *to = nullptr;
  if (sqlite3_open_v2(argv[1], &from, SQLITE_OPEN_READONLY, nullptr) != SQLITE_OK)
    die(sqlite3_errmsg(from));
  if (sqlite3_open(argv[2], &to) != SQLITE_OK) die(sqlite3_errmsg(to));
  std::vector<TableRows> tables;
  std::vector<std::string> indexes;
  sqlite3_stmt* schema = prepare(from,
                                 "SELECT type, name, sql FROM sqlite_master WHERE tbl_name NOT "
                                 "LIKE '%offramp\_%' ESCAPE '\\' AND "
                                 "tbl_name NOT LIKE 'sqlite%' AND sql IS NOT NULL");
  while (sqlite3_step(schema) == SQLITE_ROW) {
    auto text = [&](int i) {
      return std::string(reinterpret_cast<const char*>(sqlite3_column_text(schema, i)));
    };
    if (text(0) == "table") tables.push_back({text(1), text(2), 0, {}, {}});
    if (text(0) == "index") indexes.push_back(text(2));
  }
  sqlite3_finalize(schema);
  for (TableRows& table : tables) read_rows(from, table);
  Stopwatch watch;
  execute(to, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-65536");
  uint64_t rows = 0;
  for (const TableRows& table : tables) {
    execute(to, table.create);
    rows += insert(to, table);
  }
  double inserted = watch.seconds();
  for (const std::string& index : indexes) execute(to, index);
  execute(to, "PRAGMA wal_checkpoint(TRUNCATE)");
  std::printf(
      "{\"seconds\":%.6f,\"insert_seconds\":%.6f,\"rows\":%lu,\"tables\":%zu,\"indexes\":%zu}\n",
      watch.seconds(), inserted, rows, tables.size(), indexes.size());
  sqlite3_close(from);
  sqlite3_close(to);
}
