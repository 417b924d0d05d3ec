#include "ddb/client/errors.h"

#include <fmt/format.h>

#include <initializer_list>
#include <nlohmann/json.hpp>

namespace offramp::ddb::client {
namespace {

constexpr size_t kMessageMax = 500;

std::string member(const nlohmann::json& json, const char* name) {
  auto at = json.find(name);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}

bool any_of(std::string_view type, std::initializer_list<std::string_view> names) {
  for (std::string_view name : names)
    if (type == name) return true;
  return false;
}

}  // namespace

Verdict judge_answer(const io::HttpResponse& response, const CallContext& call) {
  std::string type, message;
  auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    type = member(json, "__type");  // "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"
    type.erase(0, type.rfind('#') + 1);
    message = member(json, "message");
    if (message.empty()) message = member(json, "Message");
  }
  if (message.size() > kMessageMax) message = message.substr(0, kMessageMax) + "…";
  std::string what = fmt::format("{} of table {} in {} ({})", call.operation, call.table,
                                 call.region, call.endpoint);
  auto fail = [](ErrorKind kind, const char* code, std::string text) {
    return Verdict{Action::kFail, Error(kind, code, std::move(text))};
  };

  const bool streams = call.api == Api::kStreams;
  const bool throttled =
      response.status == 429 ||
      any_of(type,
             {"ProvisionedThroughputExceededException", "ThrottlingException", "Throttling",
              "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown"});
  if (streams && (throttled || type == "LimitExceededException"))
    return {
        Action::kRetry,
        Error(ErrorKind::kThrottled, "ddb.throttled",
              fmt::format("{}: DynamoDB Streams keeps throttling; a shard serves two readers at "
                          "most: stop another consumer of the stream (a Lambda trigger, a "
                          "second migration), or run the same command again later",
                          what))};
  if (throttled)
    return {Action::kRetry, Error(ErrorKind::kThrottled, "ddb.throttled",
                                  fmt::format("{}: DynamoDB keeps throttling; lower "
                                              "read_units_per_second, raise the table's read "
                                              "capacity, or run the same command again later",
                                              what))};
  if (response.status / 100 == 5 ||
      any_of(type, {"InternalServerError", "ServiceUnavailable", "InternalFailure"}))
    return {Action::kRetry,
            Error(ErrorKind::kUnavailable, "ddb.unavailable",
                  fmt::format("{}: DynamoDB still answers {} {}; run the same command again later",
                              what, response.status, type))};
  if (any_of(type, {"ExpiredTokenException", "ExpiredToken"}))
    return {Action::kNewCredentials, Error(ErrorKind::kUnavailable, "ddb.credentials_expired",
                                           fmt::format("{}: the session token from {} has expired; "
                                                       "renew it and run the same command again",
                                                       what, call.credentials_source))};
  if (streams && type == "ExpiredIteratorException")
    return fail(ErrorKind::kRetry, "ddb.iterator_expired",
                fmt::format("{}: the shard iterator is older than 15 minutes", what));
  if (streams && type == "TrimmedDataAccessException")
    return fail(ErrorKind::kGap, "ddb.trimmed",
                fmt::format("{}: what follows the position is older than 24 hours and has been "
                            "trimmed",
                            what));
  if (streams && type == "ResourceNotFoundException")
    return fail(ErrorKind::kGap, "ddb.stream_not_found",
                fmt::format("{}: the stream or its shard does not exist", what));
  if (type == "ResourceInUseException")
    return fail(ErrorKind::kConflict, "ddb.in_use",
                fmt::format("{}: the table is being changed ({})", what, message));
  if (type == "ResourceNotFoundException")
    return fail(ErrorKind::kConfig, "ddb.table_not_found",
                fmt::format("there is no table {} in region {} ({}); check the name, the region "
                            "and the account of the "
                            "credentials from {}",
                            call.table, call.region, call.endpoint, call.credentials_source));
  if (type == "AccessDeniedException")
    return fail(
        ErrorKind::kConfig, "ddb.access_denied",
        fmt::format(
            "{}: access denied with the credentials from {}; grant dynamodb:{} on the {} ({})",
            what, call.credentials_source, call.operation, streams ? "table's stream" : "table",
            message));
  if (type == "InvalidSignatureException" && message.find("Signature") == 0)
    return fail(ErrorKind::kConfig, "ddb.clock",
                fmt::format("{}: this machine's clock is wrong; set it", what));
  if (any_of(type, {"UnrecognizedClientException", "InvalidSignatureException",
                    "MissingAuthenticationTokenException", "MissingAuthenticationToken",
                    "IncompleteSignatureException", "InvalidClientTokenId"}))
    return fail(ErrorKind::kConfig, "ddb.credentials",
                fmt::format("{}: the keys from {} are not accepted ({}); check the profile, the "
                            "keys and the region",
                            what, call.credentials_source, type));
  if (type == "SerializationException")
    return fail(ErrorKind::kInternal, "ddb.request",
                fmt::format("{}: our request was not understood ({})", what, message));
  if (type.empty())
    return fail(ErrorKind::kConfig, "ddb.not_dynamodb",
                fmt::format("{}: the answer {} is not DynamoDB's; check the endpoint", what,
                            response.status));
  return fail(ErrorKind::kConfig, "ddb.refused", fmt::format("{}: {} {}", what, type, message));
}

}  // namespace offramp::ddb::client
