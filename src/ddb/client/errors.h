// What an error answer of DynamoDB means, and what to do about it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "ddb/client/client.h"
#include "io/http_client.h"

namespace offramp::ddb::client {

enum class Action { kFail, kRetry, kNewCredentials };

struct Verdict {
  Action action;
  Error error;  // what to report when the action does not help
};

struct CallContext {
  std::string_view operation, table, region, endpoint, credentials_source;
  Api api = Api::kDynamoDb;
};

// `response` is not 200.
Verdict judge_answer(const io::HttpResponse& response, const CallContext& call);

}  // namespace offramp::ddb::client
