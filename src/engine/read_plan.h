// ReadPlan: what one Get, or the keys of one table in a BatchGetItem, ask for: a projection and a
// consistency.
//
// Refers to the request, which must outlive it.
#pragma once

#include <optional>

#include "ddb/expression/projection.h"
#include "engine/operation.h"

namespace offramp::engine {

class ReadPlan {
 public:
  enum class Legacy : uint8_t { kAllowed, kUnknown };
  // First the placeholders and what may not be mixed; the caller then reads the keys.
  Status read(Context& context, Json body, Legacy legacy);
  // The projection's text; errors of expressions come behind those of keys.
  Status read_projection(Context& context, Json body, Legacy legacy);
  // What the projection may not do with key attributes.
  Status bind(const Table& table) const;

  bool consistent() const { return consistent_; }
  // Appends what is asked for of `item`, as JSON. Uses context.shown.
  void append(Context& context, ddb::ItemView item) const;

 private:
  std::optional<ddb::expression::Projection> projection_;
  bool consistent_ = false;
};

}  // namespace offramp::engine
