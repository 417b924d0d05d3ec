// The SQL text of a change log: its table, the triggers that fill it, what reads it. No connection,
// no decisions.
//
// Stored form, version 1, in the schema of the served table; BASE is log_base_name():
//   BASE (number bigint PRIMARY KEY, xid xid8, at timestamptz, origin text,
//         old_1 …, new_1 …           the row's columns in the mapping's order, before and after
//         old_item, new_item jsonb   the overflow table's item, before and after
//         key_hash bigint, key_1 …)  see below; key_1 … only of a row of the overflow table
//   BASE_number, its sequence; the functions BASE_row, BASE_overflow and BASE_truncate, each with
//   the triggers of its kind.
// What is true:
// 1. A change has an old state, in old_… or old_item, a new state, in new_… or new_item, or both.
// 2. An item that goes from one table to the other within a transaction is one entry: whichever
//    row's trigger comes second completes what the first has written. For that, an entry that only
//    has an old or only a new state has a key_hash, until it is completed.
// 3. The first to come from the overflow table sets offramp.log_moved for the transaction: without
//    it no row's trigger looks.
// 4. Functions run as their owner, so that every role that may write the table is logged; they
//    trust nothing of the caller's search_path. A row's names every function and operator in full,
//    because setting a search_path for each row would cost as much as half of the rest.
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
  std::string sequence() const;
  std::string row_function() const;
  std::string overflow_function() const;
  std::string truncate_function() const;
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
// Changes after $1 up to $2, at most $3 → number, at, origin, old_item, new_item, old_1 …, new_1 ….
Statement read_log_statement(const LogNames& log, const mapping::Table& parent);

}  // namespace offramp::target::postgres
