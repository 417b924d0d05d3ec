// Taking DynamoDB's JSON answers apart: what the sources that talk to the service share. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/table_spec.h"

namespace offramp::source {

// A text member, or "" when there is none; any member, or null.
std::string text_member(const nlohmann::json& object, const char* name);
const nlohmann::json& member(const nlohmann::json& object, const char* name);

// The type of an attribute in a description's AttributeDefinitions; S, N or B, else nothing.
std::optional<ddb::Type> defined_type(const nlohmann::json& description,
                                      const std::string& attribute);
// The key of a TableDescription; kCorrupt "ddb.describe" naming `what` when it has none that can be
// used.
Result<model::KeySchema> read_key_schema(const nlohmann::json& description,
                                         const std::string& what);

// simdjson's raw_json() runs to the next token: what follows the value's end is white space.
inline std::string_view without_trailing_space(std::string_view text) {
  size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(0, last == text.npos ? 0 : last + 1);
}

}  // namespace offramp::source
