// Keys: whether the key attributes of a request's Key or Item are as the table and its indexes need
// them.
//
// Errors are ValidationExceptions with the service's texts; sources: the reference notes' §2 and
// §7.
#pragma once

#include <vector>

#include "base/result.h"
#include "ddb/value.h"
#include "engine/table.h"

namespace offramp::engine {

// Of the value of a key attribute.
constexpr size_t kPartitionBytesMax = 2048, kSortBytesMax = 1024;

// A Key parameter: exactly the key attributes, with their types, not empty, not too long.
Status check_key(const Table& table, ddb::ItemView key);
// An item to be put: has the key, and its index attributes have the indexes' types.
Status check_item_keys(const Table& table, ddb::ItemView item);
// An item's index attributes alone.
Status check_index_keys(const Table& table, ddb::ItemView item);

// "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key:
// a", if an expression with reads_below() goes below a key attribute of the table or of an index.
Error key_not_scalar(std::string_view attribute, bool of_index);
template <class Expression>
Status check_scalar_keys(const Table& table, const Expression& expression) {
  std::vector<std::string_view> names = {table.partition().name};
  if (table.sort()) names.push_back(table.sort()->name);
  if (auto below = expression.reads_below(names)) return key_not_scalar(*below, false);
  if (table.served.indexes.empty()) return {};
  names.clear();
  for (const target::ServedIndex& index : table.served.indexes)
    for (const auto* part : {&index.partition, &index.sort})
      for (const model::KeyAttribute& attribute : *part) names.push_back(attribute.name);
  if (auto below = expression.reads_below(names)) return key_not_scalar(*below, true);
  return {};
}

// Whether two items of one table have the same key.
bool same_key(const Table& table, ddb::ItemView a, ddb::ItemView b);

}  // namespace offramp::engine
