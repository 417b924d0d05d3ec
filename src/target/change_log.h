// Change log: what a store keeps of the changes of a served table, for its stream.
//
// What is true:
// - A change is logged in the transaction that makes it, by triggers of the database: whoever
//   writes, through the API or with SQL, is seen.
// - A log has one order, its numbers. Of two changes of one item the later has the higher number,
//   and a number is given out only when no lower one can appear any more. Numbers have gaps.
// - Of a table made here each change of a row is a change. Of a plan's table, whose items may have
//   rows in several tables, it is what a transaction did to an item: the item as it was before, and
//   as it was left. (SQLite cannot tell a transaction of SQL writers from several: there each
//   statement's change of a row may be one.)
// - A log belongs to one time of being switched on: switching off ends it, and what it has can be
//   read until it is trimmed.
// - A writer may label its transaction; the label is told with each change: the origin. With SQL:
//   PostgreSQL `SET LOCAL offramp.origin = 'label'`; SQLite `INSERT INTO _offramp_origin VALUES
//   ('label')`, deleted again before the commit.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"

namespace offramp::target {

// The origin of what the sweep of expired items deletes.
constexpr std::string_view kExpiryOrigin = "offramp:ttl";

// Names a log in the store: of the table that had this id when it was switched on.
struct ChangeLogName {
  std::string table_id;
  std::string label;  // unique per switching on; the stream's label
};

// What a store remembers of a log, also when the table is gone.
struct ChangeLogEntry {
  ChangeLogName name;
  std::string json;  // what the engine knows of the stream (its shards too); the store does not
                     // look into it
  bool on = false;
};

struct Change {
  uint64_t number = 0;
  int64_t at_ms = 0;                      // since 1970: when it was made
  uint32_t old_root = 0, new_root = 0;    // into ChangePage::items, when has_…
  bool has_old = false, has_new = false;  // neither, never; both: it was there and still is
  std::string origin;                     // empty: none
};

struct ChangePage {
  ddb::ItemBatch items;  // whole items
  std::vector<Change> changes;
  uint64_t next = 0;  // read on after this number
  // Not all changes behind `next` are known yet; all are that were made longer ago than this. Zero:
  // nothing is held back, or what is told ends before it.
  std::chrono::milliseconds behind{0};
};

struct ChangeLogRange {
  uint64_t first = 0;  // the oldest number that is still kept, or `next` when there is none
  uint64_t next = 0;   // the number that the next change will have, at least
};

}  // namespace offramp::target
