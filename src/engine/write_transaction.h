// WriteTransaction: writes that happen all or not at all, once for a ClientRequestToken.
//
// Refers to the context and the actions, which must outlive it; for one request.
#pragma once

#include <functional>
#include <vector>

#include "engine/cancellation.h"
#include "engine/transact_capacity.h"
#include "engine/write_action.h"

namespace offramp::engine {

class WriteTransaction {
 public:
  // The actions have their tables.
  WriteTransaction(Context& context, std::vector<WriteAction>& actions, CapacityDetail detail);

  // Checks keys and expressions against the tables: TransactionCanceledException;
  // ValidationException when an item is named twice.
  Status bind();

  // `token`: the request's ClientRequestToken, if any; `content`: what must be the same when it
  // comes again. `answer` writes the answer; it may be called again with other capacity.
  using Answer = std::function<void(const TransactCapacity&)>;
  Status run(Json token, Json content, const Answer& answer);

 private:
  Status decide(const Token* token, std::span<const ddb::ItemView> old,
                std::span<target::Decision> decisions, const Answer& answer);
  Status decide_actions(std::span<const ddb::ItemView> old, std::span<target::Decision> decisions);
  Error conflict();

  Context& context_;
  std::vector<WriteAction>& actions_;
  std::vector<WriteAction::Effect> effects_;
  std::vector<target::ItemRef> refs_;
  TransactCapacity written_, repeated_;
};

}  // namespace offramp::engine
