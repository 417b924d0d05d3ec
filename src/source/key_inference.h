// KeyInference: which attributes of a sample could be the table's key, when the source does not
// say.
//
// A key attribute is a top-level S, N or B that every item has, always with one type, not empty and
// within DynamoDB's limits (partition 2048 bytes, sort 1024); the key is unique in the sample.
// Readings are returned best first:
//   1. a unique pair with conventional names (pk/sk, PartitionKey/SortKey, hash/range …), in that
//   order only;
//   2. single attributes that are unique, those called like an identifier (pk, id, …Id) first, else
//   in name order;
//   3. only when there is neither: unique pairs, the attribute with fewer different values as
//   partition key first, both
//      orders listed.
// So one reading comes out when one attribute is unique and nothing is called pk/sk, or when only
// pk/sk fits. More than one means that a person decides: names rank readings, they do not prove
// them. A sample proves nothing about items outside it either.
//
// Bounded (C10): the first kItemsMax items and kAttributesMax attributes are looked at;
// kReadingsMax readings come out. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ddb/value.h"
#include "model/table_spec.h"

namespace offramp::source {

class KeyInference {
 public:
  static constexpr size_t kItemsMax = 20'000;
  static constexpr size_t kAttributesMax = 48;
  static constexpr size_t kReadingsMax = 16;

  void add(ddb::ItemView item);
  std::vector<model::KeySchema> candidates() const;
  uint64_t items() const { return items_; }

 private:
  struct Attribute {
    std::string name;
    ddb::Type type;
    size_t bytes_max = 0;
    std::vector<uint64_t> hashes;  // of each item's value, in item order
  };
  void start(ddb::ItemView item);

  std::vector<Attribute> attributes_;  // in name order; those that some item lacks are gone
  uint64_t items_ = 0;
};

// The key schema of key attributes whose roles are not known: one attribute is the partition key,
// two are told apart by conventional names, otherwise it stays open.
std::optional<model::KeySchema> key_from_names(const std::vector<model::KeyAttribute>& names);

}  // namespace offramp::source
