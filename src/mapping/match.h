// Match: a table's `match` condition, compiled. The one place where the mapping meets the condition
// language.
//
// Constant after parse(); shared between threads. A condition that does not hold, for whatever
// reason, just means that the item belongs to a later table.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "ddb/value.h"

namespace offramp::ddb::expression {
class Condition;
}

namespace offramp::mapping {

class Match {
 public:
  // Every item.
  Match() = default;
  // kConfig when `text` is not a condition without placeholders for names and values.
  static Result<Match> parse(std::string_view text);

  bool every_item() const { return condition_ == nullptr; }
  bool holds(ddb::ItemView item) const;

 private:
  std::shared_ptr<const ddb::expression::Condition> condition_;
};

}  // namespace offramp::mapping
