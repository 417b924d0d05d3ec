// What we know about the source table: its name, key, indexes and TTL. Plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ddb/value.h"

namespace offramp::model {

struct KeyAttribute {
  std::string name;
  ddb::Type type = ddb::Type::kS;  // S, N or B
  bool operator==(const KeyAttribute&) const = default;
};

struct KeySchema {
  KeyAttribute partition;
  std::optional<KeyAttribute> sort;
  bool operator==(const KeySchema&) const = default;
};

struct SecondaryIndex {
  std::string name;
  std::vector<KeyAttribute> partition;  // a GSI may have up to four of each
  std::vector<KeyAttribute> sort;
  bool local = false;
  // Which attributes an entry has beside the keys.
  enum class Projection { kAll, kKeysOnly, kInclude };
  Projection projection = Projection::kAll;
  std::vector<std::string> included;  // kInclude
  bool operator==(const SecondaryIndex&) const = default;
};

struct TableSpec {
  std::string name;              // empty when the source does not say (a dump)
  std::optional<KeySchema> key;  // empty when the source does not say (an export)
  std::vector<SecondaryIndex> indexes;
  std::optional<std::string> ttl_attribute;
  std::optional<std::string> stream_view;  // StreamViewType while the table's stream is on
  std::optional<uint64_t> item_count;      // approximate unless the source is an export
};

}  // namespace offramp::model
