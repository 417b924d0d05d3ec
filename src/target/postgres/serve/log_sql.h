// The SQL text of a change log: its table, the triggers that fill it, what reads it. No connection,
// no decisions.
//
// Stored form, in the schema of the served table; BASE is log_base_name(), and the mapping's
// columns are numbered in its order, those of the key first:
//   BASE (number bigint PRIMARY KEY, at timestamptz, origin text,
//         key_1 …, old_N …, new_N …)   a row's key, and its other columns before and after
//   BASE_moves (number bigint PRIMARY KEY, xid xid8, at timestamptz, origin text,
//         old_1 …, new_1 …             the row's columns before and after, the key's too
//         old_item, new_item jsonb     the overflow table's item before and after
//         key_hash bigint, key_1 …)    see below; key_1 … only of a row of the overflow table
//   BASE_number, the sequence of both; the functions BASE_insert, BASE_update, BASE_delete,
//   BASE_overflow and BASE_truncate, each with the triggers of its kind.
// What is true:
// 1. A change of a row that keeps its key is in BASE, every other one in BASE_moves. That is for
//    speed alone: most changes are of the first kind, and an INSERT costs by the columns and
//    indexes of its table.
// 2. A change has an old state, in old_… or old_item, a new state, in new_… or new_item, or both.
// 3. An item that goes from one table to the other within a transaction is one entry: whichever
//    row's trigger comes second completes what the first has written. For that, an entry that only
//    has an old or only a new state has a key_hash, until it is completed.
// 4. The first to come from the overflow table sets offramp.log_moved for the transaction: without
//    it no row's trigger looks.
// 5. Functions run as their owner, so that every role that may write the table is logged; they
//    trust nothing of the caller's search_path. A row's names every function and operator in full,
//    because setting a search_path for each row would cost as much as half of the rest.
// 6. An update that leaves every byte of a row as it was is not logged. Others that change nothing
//    as DynamoDB sees it are for the reader to leave out.
#pragma once

#include <string>

#include "target/postgres/serve/table_sql.h"
#include "target/store.h"

namespace offramp::target::postgres {

// "_offramp_log_" and 32 hexadecimal digits. Stored: never change it.
std::string log_base_name(const ChangeLogName& log);

struct LogNames {
  std::string_view schema;
  std::string base;
  std::string table() const;
  std::string moves() const;
  std::string sequence() const;
  // `kind`: "insert", "update", "delete" of a row, "overflow", "truncate".
  std::string function(std::string_view kind) const;
};

// Table, functions and triggers. The tables of `served` must be locked.
std::string create_log_sql(const LogNames& log, const ServedTable& served);
// The part of it that is about functions and triggers (log_triggers.cc).
std::string create_log_triggers_sql(const LogNames& log, const ServedTable& served);
std::string drop_log_triggers_sql(const LogNames& log, const ServedTable& served);
std::string drop_log_sql(const LogNames& log);

// → the last number that was given out (0: none).
Statement last_number_statement(const LogNames& log);
// → the oldest transaction that is under way (64 bits), the next one's number (32 bits of it).
Statement transactions_statement();
// → the first number that is there; NULL: none.
std::string first_number_sql(const LogNames& log);
// Changes after $1 up to $2, at most $3 → number, at, origin, old_item, new_item, old_1 …, new_1 ….
Statement read_log_statement(const LogNames& log, const mapping::Table& parent);
// Deletes the oldest, `entries_max` at most, as far as all before them are older than $1
// (milliseconds since 1970), so that what is kept has no holes → how many.
std::string trim_log_sql(const LogNames& log, int entries_max);

}  // namespace offramp::target::postgres
