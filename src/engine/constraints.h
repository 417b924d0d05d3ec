// Constraints: the checks of single parameters, reported together as "2 validation errors detected:
// …".
//
// Paths are the service's ("tableName"); at most ten are reported.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/json.h"

namespace offramp::engine {

class Constraints {
 public:
  // "Value 'v' at 'path' failed to satisfy constraint: Member must …"
  void fail(std::string_view value, std::string_view path, std::string_view constraint);
  // "Value null at 'path' failed to satisfy constraint: Member must not be null", unless it is
  // there.
  bool not_null(Json json, std::string_view path);
  // A string that is there must be one of these; the message lists them in this order.
  void one_of(Json json, std::string_view path, std::initializer_list<std::string_view> values);
  void at_least(Json json, std::string_view path, int64_t low);
  void at_most(Json json, std::string_view path, int64_t high);
  // Of texts: bytes; of lists and maps: elements.
  void length(Json json, std::string_view path, size_t low, size_t high);
  // [a-zA-Z0-9_.-]+
  void name_pattern(Json json, std::string_view path);
  // An index name: 3 to 255 of the pattern.
  void index_name(Json json, std::string_view path);

  // ReturnConsumedCapacity, as most operations have it.
  void return_consumed_capacity(Json root);
  // A table's name or ARN. An empty name is reported at once and alone, hence the status.
  Status table_name(Json root, std::string_view path = "tableName");
  // A table as a key of RequestItems.
  void request_table(std::string_view name);

  Status done() const;

 private:
  std::string messages_;
  size_t count_ = 0;
};

// How the service prints a parameter in a message: lists as [a, b], maps as {a=b}.
std::string printed(Json json);

// The table's name in a TableName parameter, which may be an ARN.
std::string_view table_of(std::string_view name_or_arn);

}  // namespace offramp::engine
