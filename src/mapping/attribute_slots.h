// AttributeSlots: attribute name → its place in a shape, at the price of one comparison for most
// attributes.
//
// Items of one table have their attributes in much the same order, so the slot that followed the
// previous one last time is compared first, then the one behind it (an attribute is missing); only
// then a hash map is asked. Names that the plan does not name get slots too, up to kUnnamedMax of
// up to kNameBytesMax bytes; all further share slot 0 (C10). Not thread-safe. Slots count what was
// seen, for the fidelity report.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ddb/value.h"
#include "mapping/row_shape.h"

namespace offramp::mapping {

constexpr size_t kUnnamedMax = 1000;
constexpr size_t kNameBytesMax = 255;

struct AttributeSlot {
  std::string_view name;
  const PathNode* place = nullptr;  // null: goes to `extra` by design
  uint64_t values = 0;
  uint32_t next = 0;   // the slot that followed last time
  uint16_t types = 0;  // bit per ddb::Type that was seen
};

class AttributeSlots {
 public:
  // `root` must outlive this.
  explicit AttributeSlots(const PathNode& root);

  // Call before an item's first attribute.
  void begin() { previous_ = 0; }
  AttributeSlot& find(std::string_view name) {
    uint32_t guess = slots_[previous_].next;
    if (slots_[guess].name == name) [[likely]] {
      previous_ = guess;
      return slots_[guess];
    }
    guess = slots_[guess].next;
    if (slots_[guess].name == name) {
      previous_ = guess;
      return slots_[guess];
    }
    return find_by_hash(name);
  }

  // Slot 0 counts "(others)".
  const std::vector<AttributeSlot>& slots() const { return slots_; }

 private:
  AttributeSlot& find_by_hash(std::string_view name);
  uint32_t add(std::string_view name, const PathNode* place);

  std::vector<AttributeSlot> slots_;
  std::deque<std::string> names_;
  std::unordered_map<std::string_view, uint32_t> by_name_;
  size_t unnamed_ = 0;
  uint32_t previous_ = 0;
};

}  // namespace offramp::mapping
