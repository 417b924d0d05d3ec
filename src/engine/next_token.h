// NextToken: where a SELECT goes on, bound to the statement and its parameters.
//
// base64 of: version (1 byte), XXH3-128 of what was asked (16), of all before and behind it (16),
// the key of the last item as DynamoDB JSON. It is no secret and gives no right: who changes it
// could as well ask another statement. The hashes find tokens of other statements and those that
// were cut or mistyped.
#pragma once

#include <string>
#include <string_view>

#include "ddb/item_batch.h"
#include "engine/json.h"

namespace offramp::engine {

// What the token belongs to: `statement` and `parameters` as the request has them, and the table's
// id.
struct TokenScope {
  std::string_view statement;
  Json parameters;
  std::string_view table_id;
};

// `key`: the JSON of the item's key.
std::string make_next_token(const TokenScope& scope, std::string_view key);

// Appends the key as a root of `out`. ValidationException "NextToken does not match request".
Status read_next_token(const TokenScope& scope, std::string_view token, ddb::ItemBatch& out);

Error foreign_next_token();

}  // namespace offramp::engine
