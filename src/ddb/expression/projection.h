// A projection expression: the parts of an item that a request asks for.
//
// What is true:
// - A Projection is constant: copies share it and any thread may apply it.
// - It refers to the request's bytes (text, names): they must outlive it.
// - What comes out keeps the order of the item's attributes; list elements are compacted.
// Errors are kConfig with code "ValidationException" and the service's whole message ("Invalid
// ProjectionExpression: …").
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/expression/placeholders.h"
#include "ddb/item_batch.h"

namespace offramp::ddb::expression {

struct ProjectionPlan;

class Projection {
 public:
  static Result<Projection> parse(std::string_view text, Placeholders& placeholders);
  // Legacy AttributesToGet: top-level names as they are.
  static Projection of_attributes(std::span<const std::string_view> names);

  // Appends the projected item as a new root of `out` (bytes are not copied: `item` must outlive
  // it, and must not live in `out`). What is not there is left out; an empty view gives an empty
  // item.
  void apply(ItemView item, ItemBatch& out) const;
  // The top-level attributes that it reads, sorted, each once.
  std::vector<std::string> attributes() const;
  // The first of `names` that it reads below (`.` or `[]`): keys must be scalars.
  std::optional<std::string_view> reads_below(std::span<const std::string_view> names) const;

 private:
  explicit Projection(std::shared_ptr<const ProjectionPlan> plan) : plan_(std::move(plan)) {}
  std::shared_ptr<const ProjectionPlan> plan_;
};

}  // namespace offramp::ddb::expression
