// Store: a database that serves DynamoDB tables: point reads, ordered pages, atomic conditional
// writes, a catalog.
//
// A served table is a compiled mapping with a key and indexes. Two kinds are served alike: tables
// that CreateTable made
// (`made_here`: key and index attributes are columns, the rest is in `extra`) and tables that a
// plan has loaded (typed columns, key templates, several parent tables, child tables). Items are
// always rebuilt from the rows, so whoever writes with SQL is seen (C8); items in a mapping's
// overflow table belong to the table like any other. Order is the service's: text and binary by
// unsigned bytes, numbers by value; entries of an index with equal keys are ordered by the table's
// key, so that a page can be continued after any item. Errors: kUnavailable (the database is lost;
// the session may be used again, it connects anew), kConflict "store.conflict" (the database gave
// up after retries because others wrote the same items), kBadItem "store.refused" (the database
// refuses what the item holds, e.g. a constraint that its owner added), kConfig "store.no_table"
// (the tables are gone: dropped by another process).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "mapping/compiled_mapping.h"
#include "model/table_spec.h"
#include "target/change_log.h"

namespace offramp::target {

struct ServedIndex {
  std::string name;
  // A GSI has up to four of each, an LSI the table's partition key and one sort key. An item is in
  // the index when it has all of them with these types.
  std::vector<model::KeyAttribute> partition, sort;
  bool local = false;
  // Made here, but not with the table: the name that the store keeps it under, which no other index
  // ever had. It is there when build_index() has said so; writers keep it up before that already.
  std::string into;
};

// Constant once made; shared by sessions on any thread.
struct ServedTable {
  std::string name;  // DynamoDB's name of the table
  std::string id;    // unique per creation: a table that was dropped and made again has another one
  std::string into;  // made here: the name of the SQL table; kept in the catalog's entry, because
                     // mapping is made of it
  model::KeySchema key;
  std::vector<ServedIndex> indexes;
  // Made here: the indexes that the table was made with, if these are others by now. The SQL
  // table's columns are theirs for ever, so that adding and removing indexes changes no row and no
  // mapping (ADR 0012).
  std::optional<std::vector<ServedIndex>> layout;
  std::shared_ptr<const mapping::CompiledMapping> mapping;
  bool made_here =
      true;  // by create_table; else a plan's, whose tables the store never creates or drops
};

// The item of a table that has exactly these key attributes (a map; further attributes are
// ignored).
struct ItemRef {
  const ServedTable* table = nullptr;
  ddb::ItemView key;
};

// What a write leaves under a key.
struct Decision {
  enum class Kind { kKeep, kPut, kDelete };
  Kind kind = Kind::kKeep;
  ddb::ItemView item;  // kPut: the whole item; must live until write() returns
};

// A bound on an index's (or the table's) sort attributes, in their order; may name fewer than there
// are.
struct SortBound {
  std::vector<ddb::ValueView> values;
  bool inclusive = true;
};

// One page in key order. Query: `partition` has a value for every partition attribute. Scan:
// `partition` is empty, the order is any that stays the same, and `segment` of `segments` cuts by a
// hash of the table's partition key (of the index's, for an index).
struct PageRequest {
  const ServedTable* table = nullptr;
  const ServedIndex* index = nullptr;  // nullptr: the table itself
  std::vector<ddb::ValueView> partition;
  std::vector<ddb::ValueView> sort_equal;  // the leading sort attributes that must be equal
  // On the sort attributes after sort_equal (one each, of one value), whatever the direction of
  // reading.
  std::optional<SortBound> lower, upper;
  ddb::ValueView prefix;  // begins_with on the sort attribute after sort_equal; empty view: none
  bool forward = true;
  ddb::ItemView after;  // exclusive start: the table's key attributes and the index's; empty view:
                        // from the start
  uint32_t segment = 0, segments = 1;
  size_t items_max = SIZE_MAX;
  size_t bytes_max =
      1 << 20;  // the page ends with the item that brings ddb::item_size's sum to this
};

struct Page {
  ddb::ItemBatch items;  // whole items
  bool more = false;  // the page ended because of items_max or bytes_max, not because the range did
};

// One thread at a time. Keeps connections, prepared statements and memory between calls.
class StoreSession {
 public:
  virtual ~StoreSession() = default;

  // found[i] is the item of refs[i] or an empty view; the items live in `batch` (reset first). One
  // snapshot: a transaction of write() is seen whole or not at all.
  virtual Status get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
                     std::vector<ddb::ItemView>& found) = 0;

  // Resets and fills `page`.
  virtual Status read(const PageRequest& request, Page& page) = 0;

  // Reads the current items, lets `decide` choose what to leave under each key, and writes that;
  // atomic, serializable with every other write() of any process, durable when it returns.
  // decide(old, decisions): old[i] is the item of refs[i] or an empty view; its error rolls all
  // back and is returned as it is. It may be called again (with fresh items) when another writer
  // came between, so it must not keep state from the call before. No key twice in `refs`.
  using Decide =
      std::function<Status(std::span<const ddb::ItemView> old, std::span<Decision> decisions)>;
  virtual Status write(std::span<const ItemRef> refs, const Decide& decide) = 0;

  // As write() with decisions that do not depend on what is there, without reading it where that
  // can be avoided. kKeep is not allowed.
  virtual Status write_blind(std::span<const ItemRef> refs,
                             std::span<const Decision> decisions) = 0;

  // The label of this session's writes from now on; "" for none.
  virtual Status set_origin(std::string_view origin);

  // Resets and fills `page` with the changes that have a number in (after, until], in order, at
  // most `changes_max` and about `bytes_max`. page.next is the number up to which all changes are
  // known: `until`, or that of the last change, or less than `until` when a transaction that is
  // still open may log a lower number than what is there already. `table`: as it was when the log
  // was switched on, or is now.
  virtual Status changes(const ServedTable& table, const ChangeLogName& log, uint64_t after,
                         uint64_t until, size_t changes_max, size_t bytes_max, ChangePage& page);
};

struct CatalogEntry {
  std::string name;
  std::string json;  // what the engine knows of the table; the store does not look into it
};

struct TableSize {
  uint64_t items = 0, bytes = 0;
};

// Any thread, unless said otherwise.
class Store {
 public:
  virtual ~Store() = default;
  virtual const mapping::Limits& limits() const = 0;
  // For people: "PostgreSQL 15.20 at db.internal/app".
  virtual std::string description() const = 0;

  virtual Result<std::unique_ptr<StoreSession>> session() = 0;

  // The catalog of tables made here. The version changes with every change of it, by any process;
  // asking is cheap.
  virtual Result<uint64_t> catalog_version() = 0;
  virtual Result<std::vector<CatalogEntry>> catalog() = 0;
  // Creates tables, indexes and the catalog's entry in one transaction. kConflict
  // "store.table_exists" when the catalog has the name already, "store.name_taken" when some other
  // table of the database is named as one of these. In milliseconds.
  virtual Status create_table(const ServedTable& table, std::string_view json) = 0;
  // Replaces the entry, if it still is `expected_json`; kConflict "store.catalog_changed"
  // otherwise.
  virtual Status update_entry(std::string_view name, std::string_view expected_json,
                              std::string_view json) = 0;
  // Gives a plan's table an entry, which from then on is changed as one of a table made here, and
  // never dropped. kConflict "store.table_exists" when its name has an entry.
  virtual Status adopt(const ServedTable& table, std::string_view json);
  // As update_entry(), and in the same transaction begins the table's change log `entry.name`,
  // which has the entry then; or ends the one that is on. drop_table() ends it too.
  virtual Status begin_log(const ServedTable& table, const ChangeLogEntry& entry,
                           std::string_view expected_json, std::string_view json);
  virtual Status end_log(const ServedTable& table, const ChangeLogName& name,
                         std::string_view expected_json, std::string_view json);
  // All logs that are kept, by table id and label; the version is of all their entries, as
  // catalog_version().
  virtual Result<uint64_t> logs_version();
  virtual Result<std::vector<ChangeLogEntry>> logs();
  // Replaces the entry's JSON, if it still is `expected_json`; kConflict "store.catalog_changed"
  // otherwise.
  virtual Status update_log(const ChangeLogName& name, std::string_view expected_json,
                            std::string_view json);
  // What the log has. kConfig "store.no_log" when there is none (any more).
  virtual Result<ChangeLogRange> log_range(const ChangeLogName& log);
  // Gives out a number of the log that no change has: a place to cut it.
  virtual Result<uint64_t> log_mark(const ChangeLogName& log);
  // Forgets changes made before `before_ms`, a bounded number in a call; how many.
  virtual Result<uint64_t> trim_log(const ChangeLogName& log, int64_t before_ms);
  // Forgets a log that has ended.
  virtual Status drop_log(const ChangeLogName& log);

  // Made here: makes table.indexes[index], which has a name (`into`), of the items that there are,
  // or goes on where another call or process was stopped; the entry has it already. Writes go on
  // meanwhile, none waits more than a moment. May take long; ends early with kCancelled when `stop`
  // is requested. False: another process is at it.
  virtual Result<bool> build_index(const ServedTable& table, size_t index, std::stop_token stop);
  // Removes it, or one that the table was made with. Nobody may read by it any more. False: as
  // above.
  virtual Result<bool> remove_index(const ServedTable& table, size_t index);

  // Drops tables and entry. kConfig "store.no_table" when there is no such entry any more.
  virtual Status drop_table(const ServedTable& table) = 0;

  // Makes what a plan's table needs to be served (indexes for ordered reads); never changes its
  // rows.
  virtual Status attach(const ServedTable& table) = 0;

  // Approximate where exact is not cheap.
  virtual Result<TableSize> table_size(const ServedTable& table) = 0;
};

}  // namespace offramp::target
