// Authorization: what a request says of its signature, in the Authorization header or in the query.
//
// Refusals have the service's types and messages, in the service's order. Pure; the views lie in
// the request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/http/server.h"

namespace offramp::endpoint {

// A refusal: the error's name ("InvalidSignatureException"; of com.amazon.coral.service) and
// message.
struct Refusal {
  std::string_view type;
  std::string message;
};

struct Authorization {
  std::string_view algorithm, credential, signed_headers, signature;
  std::string_view date;   // of X-Amz-Date, else of Date
  std::string_view token;  // of X-Amz-Security-Token
  std::string decoded[4];  // what the views of a query point to, unescaped
  bool in_query = false;
};

// What follows the '?' of a request target.
std::string_view query_of(std::string_view target);

// Fills `out`; a refusal when there is no signature or parts of it are missing.
std::optional<Refusal> read_authorization(const io::http::Request& request, Authorization& out);

// The parts of a credential: KEY/DATE/REGION/SERVICE/TERM.
struct Credential {
  std::string_view key_id, date, region, service, terminator;
};
std::optional<Refusal> read_credential(std::string_view text, Credential& out);

}  // namespace offramp::endpoint
