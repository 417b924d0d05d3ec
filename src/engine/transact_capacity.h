// TransactCapacity: what a transaction or a batch of statements consumed, summed by table.
#pragma once

#include <list>

#include "engine/capacity.h"
#include "engine/json_writer.h"

namespace offramp::engine {

class TransactCapacity {
 public:
  TransactCapacity(ConsumedCapacity::Kind kind, CapacityDetail detail)
      : kind_(kind), detail_(detail) {}

  bool wanted() const { return detail_ != CapacityDetail::kNone; }
  void clear() { tables_.clear(); }
  void add_read(const Table& table, size_t bytes, bool consistent = true) {
    if (wanted()) of(table).add_read(bytes, consistent);
  }
  void add_write(const Table& table, ddb::ItemView before, ddb::ItemView after) {
    if (wanted()) of(table).add_write(before, after);
  }
  void add(const ConsumedCapacity& consumed) {
    if (wanted()) of(*consumed.table()).add(consumed);
  }
  // The member ConsumedCapacity, when it is wanted.
  void append_json(JsonWriter& write) const {
    if (!wanted()) return;
    write.name("ConsumedCapacity");
    write.open('[');
    for (const ConsumedCapacity& consumed : tables_) {
      write.element();
      consumed.append_json(detail_, write.out());
    }
    write.close(']');
  }

 private:
  ConsumedCapacity& of(const Table& table) {
    for (ConsumedCapacity& known : tables_)
      if (known.table() == &table) return known;
    tables_.emplace_back().reset(table, kind_);
    return tables_.back();
  }
  const ConsumedCapacity::Kind kind_;
  const CapacityDetail detail_;
  std::list<ConsumedCapacity> tables_;
};

}  // namespace offramp::engine
