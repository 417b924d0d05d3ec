// An update expression: parsed and checked once, then applied to the item before the update.
//
// What is true:
// - An Update is constant: copies share it and any thread may apply it.
// - It refers to the request's bytes (text, names, values): they must outlive it.
// - Every path on the right of `=` and every list index means the item before the update.
// Errors are kConfig with code "ValidationException" and the service's whole message: of parse()
// with "Invalid UpdateExpression: " before it, of apply() without.
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

struct UpdatePlan;
struct Syntax;

class Update {
 public:
  static Result<Update> parse(std::string_view text, Placeholders& placeholders);
  // What another language's parser has made (ddb/partiql); as Condition::of_syntax(). Sums and
  // list_append() may stand inside one another here.
  static Result<Update> of_syntax(const Syntax& syntax, Placeholders& placeholders);

  // The top-level attributes that it writes, in the order of the text, each once (for the check
  // that no key is among them).
  std::vector<std::string_view> written_attributes() const;
  // The first of `names` that it reads below (`.` or `[]`) on the right of `=`.
  std::optional<std::string_view> reads_below(std::span<const std::string_view> names) const;
  // Whether one of the values that it names is this one.
  bool names(ValueView value) const;
  // It has REMOVE only: where there is no item, none is made and apply() is not called (tests of
  // ScyllaDB against the service; DynamoDB Local makes one).
  bool only_removes() const;

  // Appends the new item as a new root of `out`: `key`'s attributes when there is no item (`old`
  // empty), else the old item, changed. Bytes are not copied where they can be pointed to: old, key
  // and the placeholders' values must outlive `out`, and must not live in `out`. Number results
  // live in out.arena. On error nothing is appended.
  Status apply(ItemView old, ItemView key, ItemBatch& out) const;

  // UPDATED_OLD and UPDATED_NEW: the touched paths of `item` (the old or the new one; an empty view
  // has none), nested ones as partial documents. Appends a root to `out`; false (and nothing
  // appended) when there is nothing to return.
  enum class Touched { kOld, kNew };
  bool touched(ItemView item, Touched which, ItemBatch& out) const;

 private:
  explicit Update(std::shared_ptr<const UpdatePlan> plan) : plan_(std::move(plan)) {}
  std::shared_ptr<const UpdatePlan> plan_;
};

}  // namespace offramp::ddb::expression
