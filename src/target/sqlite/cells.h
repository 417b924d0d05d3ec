// Cells between the mapping's form and SQLite's storage classes, both ways (C8).
//
// The storage form is a Cell of kind kNull, kInt64, kDouble, kText (also kJson) or kBytes (kBool
// binds as an integer).
//   text → TEXT · bigint, boolean → INTEGER · double → REAL · bytea → BLOB · jsonb, attribute →
//   TEXT numeric → INTEGER when it fits 64 bits, else REAL when the shortest decimal of the double
//   is the same number, else
//     TEXT: one number has exactly one storage form, so a unique index on it is a unique index on
//     the number (C11).
//   uuid → TEXT of 36 characters · date → TEXT YYYY-MM-DD
//   timestamptz → TEXT YYYY-MM-DDTHH:MM:SS.ffffffZ, always six digits so that text order is time
//   order text[] → JSON strings · numeric[] → JSON numbers with all digits · bytea[] → JSON strings
//   of base64
// Encoder and Decoder are for one thread each.
#pragma once

#include <sqlite3.h>

#include <string>

#include "base/arena.h"
#include "base/result.h"
#include "ddb/wire_json.h"
#include "mapping/compiled_mapping.h"
#include "mapping/rows.h"

namespace offramp::target::sqlite {

// True when the storage form of the type is not simply the cell itself.
bool needs_encoding(model::ColumnType type);

class Encoder {
 public:
  // The storage form of `cell`; bytes that have to be made are made in `arena`.
  mapping::Cell encode(model::ColumnType type, const mapping::Cell& cell, base::Arena& arena);
  // Encodes all rows of a table in place.
  void encode_rows(const mapping::Table& table, mapping::TableRows& rows, base::Arena& arena);

 private:
  std::string scratch_;
};

class Decoder {
 public:
  // The mapping's form of what a column holds. Text points to the storage cell's bytes where
  // nothing is converted. kCorrupt, naming table and column, when the column cannot have been
  // written by Encoder.
  Result<mapping::Cell> decode(const mapping::Table& table, const mapping::Column& column,
                               const mapping::Cell& storage, base::Arena& arena,
                               base::Arena& cell_arena);

 private:
  Result<mapping::Cell> decode_array(const mapping::Table& table, const mapping::Column& column,
                                     std::string_view json, base::Arena& arena,
                                     base::Arena& cell_arena);
  ddb::JsonDecoder json_;
  ddb::ItemBatch parsed_;
  std::string padded_;
};

// Binds a storage cell; its bytes must live until the statement is reset or bound anew.
inline void bind_cell(sqlite3_stmt* statement, int index, const mapping::Cell& cell) {
  using mapping::CellKind;
  switch (cell.kind) {
    case CellKind::kInt64:
      sqlite3_bind_int64(statement, index, cell.integer);
      break;
    case CellKind::kDouble:
      sqlite3_bind_double(statement, index, cell.real);
      break;
    case CellKind::kBool:
      sqlite3_bind_int64(statement, index, cell.boolean ? 1 : 0);
      break;
    case CellKind::kText:
    case CellKind::kJson:
    case CellKind::kNumber:
      sqlite3_bind_text64(statement, index, cell.size ? cell.data : "", cell.size, SQLITE_STATIC,
                          SQLITE_UTF8);
      break;
    case CellKind::kBytes:
      sqlite3_bind_blob64(statement, index, cell.size ? cell.data : "", cell.size, SQLITE_STATIC);
      break;
    case CellKind::kNull:
    case CellKind::kArray:
      sqlite3_bind_null(statement, index);
      break;
  }
}

// The current row's column in storage form; bytes live until the statement moves on.
mapping::Cell storage_cell(sqlite3_stmt* statement, int column);

// SQLite's own order of stored values (BINARY collation): numbers < text < blob. <0, 0, >0.
int compare_storage(const mapping::Cell& a, const mapping::Cell& b);

}  // namespace offramp::target::sqlite
