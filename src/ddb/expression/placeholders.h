// What a request's expressions stand on: ExpressionAttributeNames and ExpressionAttributeValues,
// and which of them were used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/value.h"

namespace offramp::ddb::expression {

// One request's. Not thread-safe: looking a placeholder up marks it as used. Keeps its memory when
// cleared.
class Placeholders {
 public:
  // Keys with their '#' or ':', each once. The bytes must outlive this object.
  void add_name(std::string_view placeholder, std::string_view name);
  void add_value(std::string_view placeholder, ValueView value);
  bool empty() const { return names_.entries.empty() && values_.entries.empty(); }
  void clear();

  // nullptr and an empty view when not defined.
  const std::string_view* name(std::string_view placeholder);
  ValueView value(std::string_view placeholder);

  // "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}", then the
  // same for values; keys in the service's order.
  Status check_all_used() const;

 private:
  struct Entry {
    std::string_view placeholder, name;
    ValueView value;
    bool used = false;
  };
  // Few entries are searched one by one; many (a request may hold thousands) through a hash table.
  struct Table {
    std::vector<Entry> entries;
    std::vector<uint32_t> slots;  // index + 1 of an entry; 0 is free
    void add(const Entry& entry);
    Entry* find(std::string_view placeholder);
    void rebuild(size_t slot_count);
    Status check_used(std::string_view member) const;
  };
  Table names_, values_;
};

}  // namespace offramp::ddb::expression
