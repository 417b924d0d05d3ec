// What values stand at which attribute path of one kind of items: counted once, then asked by
// columns.cc.
//
// Paths go kPathDepthMax maps deep; at most kPathsMax paths are followed, what is beyond counts as
// "other members" of its map (C10). Whether a value fits a column type is asked of
// mapping/convert.h itself, so that a proposal and the load never disagree.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/arena.h"
#include "ddb/value.h"
#include "model/mapping_spec.h"

namespace offramp::mapping::profile {

constexpr size_t kPathDepthMax = 3;
constexpr size_t kPathsMax = 4096;

constexpr size_t kColumnTypes = static_cast<size_t>(model::ColumnType::kByteaArray) + 1;
constexpr size_t kTimeFormats = static_cast<size_t>(model::TimeFormat::kEpochMs) + 1;

struct PathStats {
  std::vector<std::string> path;
  uint64_t present = 0;                            // NULL included
  std::array<uint64_t, 11> types{};                // by ddb::Type
  std::array<uint64_t, kColumnTypes> fits{};       // values that the column type holds exactly
  std::array<uint64_t, kTimeFormats> time_fits{};  // timestamptz in each format
  uint64_t zoneless_times = 0;            // S that only a missing zone keeps from timestamptz
  uint64_t epoch_s = 0, epoch_ms = 0;     // N that could be a time of our days
  uint64_t member_values = 0;             // members of the maps here, summed
  uint64_t map_lists = 0;                 // non-empty lists of maps
  uint64_t elements = 0;                  // their elements
  std::vector<uint32_t> members;          // paths of the maps' members, first seen first
  std::vector<uint32_t> element_members;  // paths of the list elements' members
  std::map<std::string, uint32_t, std::less<>> by_name, element_by_name;

  uint64_t nulls() const { return types[static_cast<size_t>(ddb::Type::kNull)]; }
  uint64_t of(ddb::Type type) const { return types[static_cast<size_t>(type)]; }
  uint64_t fit(model::ColumnType type) const { return fits[static_cast<size_t>(type)]; }
};

class ValueStats {
 public:
  ValueStats() : paths_(1) {}

  void add(ddb::ItemView item);
  uint64_t items() const { return items_; }
  // paths()[0] is the item itself; members refer to this list.
  const std::vector<PathStats>& paths() const { return paths_; }
  // Values that were not followed since kPathsMax was reached.
  uint64_t beyond_bound() const { return beyond_; }

 private:
  enum class Side { kMember, kElement };
  void add_value(uint32_t parent, Side side, ddb::ValueView value, size_t depth);
  void test(PathStats& stats, ddb::ValueView value);

  uint64_t items_ = 0;
  uint64_t beyond_ = 0;
  std::vector<PathStats> paths_;
  base::Arena bytes_, cells_;
};

}  // namespace offramp::mapping::profile
