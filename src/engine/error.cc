// Type → prefix of __type, status and the spelling of "message".
#include "engine/error.h"

#include "ddb/wire_json.h"
#include "engine/engine.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kValidation = "ValidationException",
                           kSerialization = "SerializationException";

std::string_view prefix(std::string_view type) {
  if (type == kValidation) return "com.amazon.coral.validate#";
  if (type == kSerialization || type == "UnknownOperationException" ||
      type == "AccessDeniedException")
    return "com.amazon.coral.service#";
  if (type == "ThrottlingException") return "com.amazon.coral.availability#";
  return "com.amazonaws.dynamodb.v20120810#";
}

}  // namespace

Error service_error(std::string type, std::string message) {
  ErrorKind kind = type == "InternalServerError" ? ErrorKind::kInternal : ErrorKind::kConfig;
  return Error(kind, std::move(type), std::move(message));
}
Error validation(std::string message) {
  return service_error(std::string(kValidation), std::move(message));
}
Error invalid_parameter(std::string_view message) {
  return validation("One or more parameter values were invalid: " + std::string(message));
}
Error serialization(std::string message) {
  return service_error(std::string(kSerialization), std::move(message));
}
Error table_not_found() {
  return service_error("ResourceNotFoundException", "Requested resource not found");
}
Error table_not_found(std::string_view table) {
  return service_error("ResourceNotFoundException",
                       "Requested resource not found: Table: " + std::string(table) + " not found");
}
Error duplicate_item() {
  return service_error("DuplicateItemException", "Duplicate primary key exists in table");
}
Error condition_failed() {
  return service_error("ConditionalCheckFailedException", "The conditional request failed");
}

bool is_service_error(const Error& error) {
  return error.code().find('.') == std::string::npos &&
         (error.code().ends_with("Exception") || error.code() == "InternalServerError" ||
          error.code() == "RequestLimitExceeded");
}

Error as_service_error(const Error& error) {
  if (is_service_error(error)) return error;
  if (error.code() == "store.conflict")
    return service_error("TransactionConflictException", "Transaction is ongoing for the item");
  if (error.code() == "store.no_table") return table_not_found();
  if (error.kind() == ErrorKind::kThrottled)
    return service_error("ThrottlingException",
                         "Throughput exceeds the current capacity of the database");
  // Repeating it would not help, so it must not be a 500.
  if (error.kind() == ErrorKind::kBadItem)
    return invalid_parameter("The table's database refuses the item");
  return service_error("InternalServerError", "The request could not be completed");
}

void write_error(const Error& error, std::string_view extra, Reply& reply) {
  Error shown = as_service_error(error);
  bool internal = shown.code() == "InternalServerError";
  reply.status = internal ? 500 : 400;
  reply.error_type = shown.code();
  reply.body.assign("{\"__type\":\"");
  reply.body.append(prefix(shown.code())).append(shown.code()).append("\"");
  if (!shown.message().empty()) {
    // Both spellings occur; the serializer and the transactions' error use the capital one.
    bool capital = shown.code() == kSerialization || shown.code() == "TransactionCanceledException";
    reply.body.append(capital ? ",\"Message\":" : ",\"message\":");
    ddb::append_json_string(shown.message(), reply.body);
  }
  reply.body.append(extra).push_back('}');
}

}  // namespace offramp::engine
