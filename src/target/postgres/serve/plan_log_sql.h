// The SQL text of the change log of a plan's table: its tables, functions and triggers, what reads
// it. No connection, no decisions.
//
// Stored form, in the schema of the served table; BASE is log_base_name(), I the number of a table
// in the mapping, whose columns are numbered in its order:
//   BASE (number bigint PRIMARY KEY, at timestamptz, origin text, item bytea, key_1, key_2 bytea)
//        an entry: what one transaction did to one item
//   BASE_items (item bytea PRIMARY KEY, xid xid8, number bigint)   each item's newest entry; and
//        one row of the item '': the log has begun, and with the number 1 it has ended
//   BASE_I (number bigint, item bytea, there boolean, c_1 …)   a row of that table as it was before
//        the entry's transaction touched it; not `there`: it was absent (never of a child table)
//   BASE_number, a sequence; the functions BASE_entry, BASE_touch_I (a parent's or the overflow
//   table's), BASE_rows_I, BASE_trim; the triggers "~BASE" and "~BASE_truncate".
// What is true:
// 1. An item is known by the SHA-256 of its DynamoDB key, whichever table its rows are in.
// 2. A transaction that is about to change a row first locks its item's row of BASE_items, until it
//    ends: so an item's entries have the order of the commits. With the first lock it draws its
//    number. Then it copies the row and the child rows that belong to it, once: nobody else can
//    have changed them since the commit before.
// 3. So what a row was before number N is its first copy with a number >= N; if there is none, it
//    is as it is in the table. That is the old state of entry N, and the new one of the entry
//    before: it is found when the log is read.
// 4. A log that has ended logs no entry. Its items' rows are copied once more before they change,
//    under the number kClosing, until it is dropped.
// 5. A transaction whose snapshot is older than the log, or than its end, or than another one's
//    change of the item, fails to serialize.
// 6. A row is locked before its item, also where it is inserted anew, so that two writers of one
//    row do not wait for each other.
// 7. A row's trigger comes last of those that may change the row (by its name), and its functions
//    run as their owner with a fixed search_path. They look rows up by index only: a plan that was
//    made while a table was small would stay, through all of a statement that makes it large.
// 8. TRUNCATE first copies each row. Readers lock the tables before they take their snapshot.
#pragma once

#include <string>
#include <vector>

#include "target/postgres/serve/log_sql.h"

namespace offramp::target::postgres {

// Of the copies that are made after the end of a log.
constexpr const char* kClosing = "9223372036854775807";

struct PlanLogNames : LogNames {
  PlanLogNames(std::string_view s, std::string b) : LogNames{s, std::move(b)} {}
  std::string items() const;
  std::string part(size_t table) const;
  std::string trigger() const { return "~" + base; }  // not quoted
};

enum class PlanLogMode { kLogging, kClosing };

// kUnsupported when SQL cannot say the key of one of the tables' rows.
Status check_plan_log(const ServedTable& served);
// Tables, functions and triggers. The tables of `served` must be locked.
std::string create_plan_log_sql(const PlanLogNames& log, const ServedTable& served);
// From now on it has ended. The tables of `served` must be locked.
std::string end_plan_log_sql(const PlanLogNames& log, const ServedTable& served);
// The parts of the two (plan_log_triggers.cc): the functions that copy; all others, and triggers.
std::string plan_log_copying_sql(const PlanLogNames& log, const ServedTable& served,
                                 PlanLogMode mode);
std::string plan_log_triggers_sql(const PlanLogNames& log, const ServedTable& served);
// Everything that has BASE in its name.
std::string drop_plan_log_sql(const PlanLogNames& log);
// Its entries and triggers, where they are left.
std::string empty_plan_log_sql(const PlanLogNames& log);
// → how many of the tables have the log's trigger.
std::string plan_log_triggers_there_sql(const PlanLogNames& log, const ServedTable& served);

// What reads a log's entries and the states of items.
struct PlanLogReading {
  struct Part {
    // Item, number, then the row's key → its state before the number, or no row.
    Statement row;
    std::vector<Statement> children;  // the same → the child rows
  };
  PlanLogReading(const PlanLogNames& log, const ServedTable& served);

  // Entries after $1 up to $2, at most $3 → number, at, origin, item, key_1, key_2.
  Statement entries;
  // Keeps the tables as they are, before the snapshot: one that is emptied by TRUNCATE, or made
  // anew, is so for older snapshots too.
  Statement lock;
  Statement triggers_there;
  std::vector<Part> parents;  // in the order of the mapping's tables
  // Item, number, hash of the key → as a parent's row; it may hold another item.
  Part overflow;
};

}  // namespace offramp::target::postgres
