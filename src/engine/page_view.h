// IndexView: what a reader of a table or of one of its indexes sees of whole items.
//
// The store always reads whole items. An index has the items that have all its key attributes with
// their types; an entry has the attributes of both keys and what the projection adds.
#pragma once

#include <string_view>

#include "ddb/item_batch.h"
#include "engine/table.h"

namespace offramp::engine {

// Of served.indexes[index], or of the table itself when index is negative. A small view; `table`
// outlives it.
class IndexView {
 public:
  IndexView(const Table& table, int index) : table_(table), index_(index) {}

  const Table& table() const { return table_; }
  int number() const { return index_; }
  bool is_table() const { return index_ < 0; }
  bool is_local() const { return !is_table() && index().local; }
  bool is_global() const { return !is_table() && !index().local; }
  const target::ServedIndex& index() const {
    return table_.served.indexes[static_cast<size_t>(index_)];
  }

  // Whether every attribute of an item is in its entry.
  bool whole() const { return is_table() || info().projection == IndexInfo::Projection::kAll; }
  bool projects(std::string_view attribute) const;
  // Whether it is a partition attribute of the key that is queried.
  bool is_partition(std::string_view attribute) const;
  bool has_entry(ddb::ItemView item) const;
  // What a reader of the entry sees of the item: the item itself, or a new root of `out` with what
  // is projected. Bytes are not copied; `item` must not live in `out`.
  ddb::ItemView entry(ddb::ItemView item, ddb::ItemBatch& out) const;
  // The entry's attributes, counted like an item's.
  size_t entry_size(ddb::ItemView item) const;
  // Of two items that both have an entry: whether it has the same key, and the same content.
  bool same_key(ddb::ItemView a, ddb::ItemView b) const;
  bool same_entry(ddb::ItemView a, ddb::ItemView b) const;

  // Calls visit(const model::KeyAttribute&) for the key that is queried: partition attributes, then
  // sort attributes.
  template <class F>
  void for_each_key(F&& visit) const {
    if (is_table()) return for_each_table_key(visit);
    for (const model::KeyAttribute& key : index().partition) visit(key);
    for (const model::KeyAttribute& key : index().sort) visit(key);
  }
  template <class F>
  void for_each_table_key(F&& visit) const {
    visit(table_.partition());
    if (table_.sort()) visit(*table_.sort());
  }

 private:
  const IndexInfo& info() const { return table_.indexes[static_cast<size_t>(index_)]; }
  bool is_index_key(std::string_view attribute) const;

  const Table& table_;
  int index_;
};

}  // namespace offramp::engine
