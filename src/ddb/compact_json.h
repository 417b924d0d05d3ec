// The short way for DynamoDB JSON as AWS itself writes it: no blanks, no escapes, members in the
// expected form.
//
// It accepts only what it has checked completely (UTF-8, control characters, types, numbers,
// base64, duplicate names); whatever it does not know it leaves to simdjson, which then accepts or
// complains. So it never decides that an item is bad, and an item it accepts is the one that
// simdjson would have given (the JSON fuzzer compares both). Why it exists:
// docs/adr/0005-compact-json.md.
#pragma once

#include <memory>
#include <string_view>

#include "ddb/item_batch.h"
#include "ddb/json_values.h"

namespace offramp::ddb {

// Room for one item's nodes, kept between items.
class CompactNodes {
 public:
  Node* reserve(size_t count) {
    if (count > size_) {
      size_ = count;
      nodes_ = std::make_unique_for_overwrite<Node[]>(count);
    }
    return nodes_.get();
  }

 private:
  std::unique_ptr<Node[]> nodes_;
  size_t size_ = 0;
};

// Appends the item's nodes and returns true, or appends nothing and returns false. `text` must be
// followed by kJsonPadding readable bytes.
bool read_compact_item(std::string_view text, std::string_view wrapper, JsonValues& values,
                       CompactNodes& nodes, ItemBatch& batch);

}  // namespace offramp::ddb
