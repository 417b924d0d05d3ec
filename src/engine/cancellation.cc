// The exception's message and its list of reasons.
#include "engine/cancellation.h"

#include "engine/error.h"
#include "engine/json_writer.h"

namespace offramp::engine {

void Cancellation::set(size_t action, std::string_view code, std::string_view message,
                       ddb::ItemView item) {
  Reason& reason = reasons_[action];
  reason.code = code;
  reason.message = message;
  reason.item.clear();
  if (item) ddb::append_item_json(item, reason.item);
  any_ = true;
}

void Cancellation::set(size_t action, const Error& error, ddb::ItemView item) {
  const std::string_view code = error.code() == "ConditionalCheckFailedException"
                                    ? "ConditionalCheckFailed"
                                : error.code() == "DuplicateItemException" ? "DuplicateItem"
                                                                           : "ValidationError";
  set(action, code, error.message(), item);
}

Error Cancellation::error(std::string& extra) const {
  std::string message =
      "Transaction cancelled, please refer cancellation reasons for specific reasons [";
  extra = ",\"CancellationReasons\":[";
  JsonWriter write(extra);
  for (const Reason& reason : reasons_) {
    if (message.back() != '[') message.append(", ");
    message.append(reason.code);
    write.open('{');
    write.text("Code", reason.code);
    if (!reason.message.empty()) write.text("Message", reason.message);
    if (!reason.item.empty()) {
      write.name("Item");
      extra.append(reason.item);
    }
    write.close('}');
  }
  write.close(']');
  return service_error("TransactionCanceledException", message + "]");
}

}  // namespace offramp::engine
