// A projection expression: the parts of an item that a request asks for.
//
// Errors have code "ValidationException" and the service's whole message ("Invalid ProjectionExpression: …").
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/placeholders.h"
#include "ddb/item_batch.h"

namespace offramp::ddb::expression {

class Projection {
 public:
  static Result<Projection> parse(std::string_view text, Placeholders& placeholders);
  // Legacy AttributesToGet: top-level names as they are.
  static Projection of_attributes(const std::vector<std::string_view>& names);

  // Appends the projected item as a new root of `out` (bytes are not copied: `item` must outlive it). Projected list
  // elements are compacted; what is not there is left out.
  void apply(ItemView item, ItemBatch& out) const;
  // The top-level attributes that it reads, sorted, each once.
  std::vector<std::string> attributes() const;
  // The first path, if any, that goes into (`.` or `[]`) one of these attributes: keys must be scalars.
  struct Plan;

 private:
  std::shared_ptr<const Plan> plan_;
};

}  // namespace offramp::ddb::expression
