// The compiled form of the plan's tables: what Splitter and Assembler walk. Built by compile.cc,
// constant afterwards.
//
// A RowShape says how one map (an item, or an element of a child list) becomes one row. Its
// document paths form a tree: no path is a prefix of another, so every named place is exactly one
// of column, child, drop, key or a map of further places.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mapping/compiled_mapping.h"
#include "mapping/convert.h"
#include "mapping/key_template.h"
#include "mapping/match.h"

namespace offramp::mapping {

struct PathNode {
  enum class Place : uint8_t { kColumn, kChild, kDrop, kKey, kMap };

  std::string name;
  Place place = Place::kMap;
  bool null_is_value = false;  // column: SQL NULL means NULL:true
  uint32_t index = 0;          // kColumn: column; kChild: index into Table::children; kKey: 0 or 1
  uint32_t leaf = 0;           // number of this place within its shape: per-item state and counters
  uint32_t name_offset = 0;    // in TableShape::names
  std::vector<PathNode> members;
  std::unordered_map<std::string_view, uint32_t> by_name;  // only of large maps; built by seal()

  // Index of the member, or -1.
  int find(std::string_view member) const {
    if (!by_name.empty()) {
      auto found = by_name.find(member);
      return found == by_name.end() ? -1 : static_cast<int>(found->second);
    }
    for (size_t i = 0; i < members.size(); ++i)
      if (members[i].name == member) return static_cast<int>(i);
    return -1;
  }
};

struct RowShape {
  uint32_t table = 0;  // index into tables()
  uint32_t extra_column = 0;
  uint32_t leaves = 0;
  PathNode root;
  std::vector<Conversion> conversions;      // per column of the table
  std::vector<uint32_t> null_value_places;  // root members whose SQL NULL means NULL:true
};

// How one key attribute and the key columns give each other.
struct KeyPart {
  KeyTemplate pattern;
  std::vector<uint32_t> columns;  // key column per placeholder of the pattern
  std::vector<bool> repeated;     // this placeholder was already taken from an earlier attribute
};

struct TableShape {
  bool skip = false;
  uint32_t mapping = 0;  // index into the MappingSpec
  Match match;
  std::vector<KeyPart> key;                 // per key attribute
  std::vector<Conversion> key_conversions;  // per key column
  std::vector<ddb::Type> key_types;         // per key column: the Type its text is converted from
  RowShape row;
  std::vector<RowShape> children;
  std::string names;  // the names of all places, one behind another
};

struct CompiledMapping::Impl {
  model::KeySchema key;
  Limits limits;
  std::vector<Table> tables;
  uint32_t overflow = 0;
  std::vector<TableShape> shapes;   // in plan order
  std::vector<int> shape_of_table;  // parent table → shape, else -1
};

}  // namespace offramp::mapping
