// Capacity: the units that an operation costs, and the ConsumedCapacity that tells them.
//
// What is true:
// - A read unit is 4 KiB, half of it when the read is eventually consistent; a write unit is 1 KiB
// of the larger of the
//   old and the new item. Both round up and double in transactions. An item that is not there costs
//   the smallest amount.
// - An index costs where its entries change: one write when an entry comes, goes or changes in
// place, two when it moves
//   (its key changed), none when what it projects stays the same.
// - Query and Scan round up the sum of a page, not each item.
// Sources: the developer guide's "Capacity unit consumption"; observed for indexes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/json.h"
#include "engine/table.h"

namespace offramp::engine {

double read_units(size_t bytes, bool consistent, bool transactional);
double write_units(size_t old_bytes, size_t new_bytes, bool transactional);
// Of served.indexes[index] when `before` becomes `after`; an empty view: no item.
double index_write_units(const Table& table, size_t index, ddb::ItemView before,
                         ddb::ItemView after, bool transactional);

// ReturnConsumedCapacity, which has passed its check.
enum class CapacityDetail { kNone, kTotal, kIndexes };
CapacityDetail capacity_detail(Json return_consumed_capacity);

// What one operation consumed of one table. Keeps its memory; one thread at a time.
class ConsumedCapacity {
 public:
  enum class Kind { kRead, kWrite, kTransactRead, kTransactWrite };

  // `table` must outlive the use.
  void reset(const Table& table, Kind kind);
  const Table* table() const { return table_; }

  // The item (or page) of this size was read from the table.
  void add_read(size_t bytes, bool consistent);
  // The item was written; empty views: there was none, there is none left.
  void add_write(ddb::ItemView before, ddb::ItemView after);
  void add_units(double units) { table_units_ += units; }
  void add_index_units(size_t index, double units);
  // What something else consumed of the same table.
  void add(const ConsumedCapacity& other);
  double total() const;

  // {"TableName":…,"CapacityUnits":…}, with the parts of table and indexes when kIndexes; nothing
  // for kNone.
  void append_json(CapacityDetail detail, std::string& out) const;

 private:
  bool transactional() const {
    return kind_ == Kind::kTransactRead || kind_ == Kind::kTransactWrite;
  }
  void append_indexes(bool local, std::string& out) const;
  void append_units(double units, std::string& out) const;

  const Table* table_ = nullptr;
  Kind kind_ = Kind::kRead;
  double table_units_ = 0;
  std::vector<double> index_units_;  // as served.indexes; negative: not touched
};

}  // namespace offramp::engine
