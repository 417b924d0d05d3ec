// SQLite's C API with the one way the benchmarks end when something is wrong.
#pragma once

#include <sqlite3.h>

#include <string>

#include "program.h"

namespace offramp::bench {

inline void execute(sqlite3* db, const std::string& sql) {
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    die(sql + ": " + sqlite3_errmsg(db));
}

inline sqlite3_stmt* prepare(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr) != SQLITE_OK)
    die(sql + ": " + sqlite3_errmsg(db));
  return statement;
}

}  // namespace offramp::bench
