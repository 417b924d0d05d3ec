// An update expression: parsed and checked once, then applied to the item before the update.
//
// Errors have code "ValidationException" and the service's whole message: of parse() with "Invalid UpdateExpression: "
// before it, of apply() without.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/placeholders.h"
#include "ddb/item_batch.h"

namespace offramp::ddb::expression {

class Update {
 public:
  static Result<Update> parse(std::string_view text, Placeholders& placeholders);

  // The top-level attributes that it writes, in the order of the text (for the check that no key is among them).
  std::vector<std::string_view> written_attributes() const;

  // Appends the new item as a new root of `out`: `key`'s attributes when there is no item (`old` empty), else the old
  // item, changed. Bytes are not copied where they can be pointed to: old, key and the placeholders' values must
  // outlive `out`. Number results live in out.arena.
  Status apply(ItemView old, ItemView key, ItemBatch& out) const;

  // UPDATED_OLD and UPDATED_NEW: the touched paths of `item` (the old or the new one), nested ones as partial documents.
  // Appends a root to `out`; false (and nothing appended) when there is nothing to return.
  enum class Touched { kOld, kNew };
  bool touched(ItemView item, Touched which, ItemBatch& out) const;

 private:
  struct Plan;
  std::shared_ptr<const Plan> plan_;
};

}  // namespace offramp::ddb::expression
