// Tokens: what makes a transaction with a ClientRequestToken happen once, also across processes and
// restarts.
//
// What is true:
// - A token is a row of a table of the store that clients cannot name, written in the transaction
// that it guards: the
//   row is there exactly when the transaction was.
// - For ten minutes the same token with the same actions succeeds without effect, with others it is
// a mismatch. After
//   that it is as if it had never been used.
// - Rows that are too old are removed a few at a time while new ones are written: three are looked
// at for each.
#pragma once

#include <string>
#include <string_view>

#include "ddb/item_batch.h"
#include "engine/catalog.h"
#include "target/store.h"

namespace offramp::engine {

struct Context;

// The name of the tokens' table; no client's table can have it, and ListTables does not show it.
constexpr std::string_view kTokenTable = "offramp:tokens";

// One transaction's token. Refers to nothing of the request.
class Token {
 public:
  // Makes the table if there is none yet. `actions`: the request's TransactItems.
  static Result<Token> make(Context& context, std::string_view token, Json actions);

  target::ItemRef ref() const { return {&table_->served, row_.item(0)}; }
  target::Decision decision() const { return {target::Decision::Kind::kPut, row_.item(0)}; }

  enum class Use { kFirst, kRepeated, kMismatch };
  // `row`: the token's, or an empty view.
  Use judge(ddb::ItemView row) const;

 private:
  TableRef table_;
  ddb::ItemBatch row_;
  int64_t now_ms_ = 0;
};

// Where a worker's removal of old rows is.
struct TokenSweep {
  uint32_t writes = 0;
  std::string after;  // the token that was looked at last
};
// To be called after a transaction with a token. Failures are logged and do not matter.
void sweep_tokens(Context& context);

// A hash of a JSON value that does not depend on the order of members.
std::string content_hash(Json json);

}  // namespace offramp::engine
