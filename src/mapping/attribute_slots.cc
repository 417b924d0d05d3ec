// The slow path: an attribute that did not follow its predecessor as last time.
#include "mapping/attribute_slots.h"

namespace offramp::mapping {

AttributeSlots::AttributeSlots(const PathNode& root) {
  slots_.emplace_back();
  for (const PathNode& member : root.members) {
    uint32_t slot = add(member.name, &member);
    slots_[slot - 1].next = slot;
  }
}

uint32_t AttributeSlots::add(std::string_view name, const PathNode* place) {
  auto slot = static_cast<uint32_t>(slots_.size());
  AttributeSlot& added = slots_.emplace_back();
  added.name = names_.emplace_back(name);
  added.place = place;
  by_name_.emplace(added.name, slot);
  return slot;
}

AttributeSlot& AttributeSlots::find_by_hash(std::string_view name) {
  auto found = by_name_.find(name);
  uint32_t slot = 0;
  if (found != by_name_.end()) {
    slot = found->second;
  } else {
    if (unnamed_ == kUnnamedMax || name.size() > kNameBytesMax) return slots_[0];
    ++unnamed_;
    slot = add(name, nullptr);
  }
  slots_[previous_].next = slot;
  previous_ = slot;
  return slots_[slot];
}

}  // namespace offramp::mapping
