// Cancellation: why a transaction was cancelled, one reason for each of its actions.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/value.h"

namespace offramp::engine {

class Cancellation {
 public:
  explicit Cancellation(size_t actions) : reasons_(actions) {}

  // `item` is copied as JSON; an empty view: none is shown.
  void set(size_t action, std::string_view code, std::string_view message, ddb::ItemView item = {});
  // A service error of one action: a failed condition, or what is wrong with its key or its update.
  void set(size_t action, const Error& error, ddb::ItemView item = {});
  bool any() const { return any_; }

  // The TransactionCanceledException; `extra` becomes ",\"CancellationReasons\":[…]".
  Error error(std::string& extra) const;

 private:
  struct Reason {
    std::string code = "None", message, item;
  };
  std::vector<Reason> reasons_;
  bool any_ = false;
};

}  // namespace offramp::engine
