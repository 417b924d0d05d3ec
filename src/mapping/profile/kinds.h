// The sample cut into entity kinds: items whose keys are built alike and, where that says more,
// whose type attribute is the same. Each kind becomes a table.
//
// Every item belongs to at most one kind; what is too rare or odd belongs to none and goes to the
// plan's last table. Kinds are ordered so that the plan's "first match wins" gives the same answer:
// the more literal text in a key, the earlier; the one that takes every key last.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ddb/item_batch.h"
#include "model/table_spec.h"

namespace offramp::mapping::profile {

constexpr size_t kKindsMax = 40;

struct Kind {
  // One per key attribute, '\1' for each placeholder (key_labels.h).
  std::vector<std::string> signatures;
  std::optional<std::string> match;  // a condition for the plan
  std::string type_value;            // of the type attribute, when `match` asks for one
  std::vector<uint32_t> items;       // indexes into the sample
  // Takes any key and has no condition.
  bool takes_all() const;
};

struct Kinds {
  std::vector<Kind> kinds;
  uint64_t odd_items = 0;      // in no kind: rare or odd keys
  uint64_t keyless_items = 0;  // of these: without a usable key
};

Kinds find_kinds(const ddb::ItemBatch& sample, const model::KeySchema& key);

// The parts of a key text that stand at the signature's placeholders; empty when it does not fit.
std::vector<std::string_view> take_apart(std::string_view signature, std::string_view text);

}  // namespace offramp::mapping::profile
