// RowFiller: one map (an item, or an element of a child list) → the cells of one row of its shape,
// `extra` included.
//
// Two passes: the first puts values into cells and notes what no column took, the second writes
// that to `extra`. Not thread-safe. C8: whatever is neither in a cell nor dropped is in `extra`.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "mapping/attribute_slots.h"
#include "mapping/extra.h"
#include "mapping/row_shape.h"
#include "mapping/rows.h"

namespace offramp::mapping {

enum class Fill {
  kDone,
  kTooLarge,      // a cell exceeds Limits::cell_bytes_max
  kTooWide,       // the row exceeds Limits::row_bytes_max (RowLimits, of a child row too)
  kIndexTooLong,  // an index's values exceed Limits::index_bytes_max
  kTwice,         // a named attribute occurs twice in the map
};

// What became of the values at one place of the plan.
struct PlaceCount {
  uint64_t values = 0;
  uint64_t through_extra = 0;
  uint64_t dropped = 0;
};

class RowFiller {
 public:
  RowFiller(const RowShape& shape, const Limits& limits);

  // Gets a non-empty list of maps that belongs to a child table.
  class ChildRows {
   public:
    virtual Fill add(uint32_t child, ddb::ValueView list) = 0;

   protected:
    ~ChildRows() = default;
  };

  // Fills the row's non-key cells, which must be SQL NULL. `children` may be null when the shape
  // has none.
  Fill fill(ddb::ValueView map, Cell* row, RowBatch& rows, ChildRows* children);

  const RowShape& shape() const { return shape_; }
  const std::vector<PlaceCount>& counts() const { return counts_; }  // by PathNode::leaf
  const AttributeSlots& slots() const { return slots_; }

 private:
  enum class State : uint8_t { kUnseen, kTaken, kLeft };
  struct Leftover {
    const ddb::Node* value;
    const PathNode*
        residual;  // of a map whose members are named one by one; else null: the whole value
  };

  Fill put(const PathNode& place, ddb::ValueView value, Cell* row, RowBatch& rows,
           ChildRows* children);
  Fill put_map(const PathNode& place, ddb::ValueView map, Cell* row, RowBatch& rows,
               ChildRows* children);
  Fill write_extra(Cell* row, RowBatch& rows);
  bool write_residual(ddb::ValueView map, const PathNode& place, NameForm form, ArenaText& out);

  const RowShape& shape_;
  const Limits& limits_;
  AttributeSlots slots_;
  std::vector<State> states_;  // by leaf, of the current map
  std::vector<PlaceCount> counts_;
  std::vector<Leftover> leftovers_;
  size_t extra_bytes_ = 256;  // a guess: a little more than the newest row's
};

}  // namespace offramp::mapping
