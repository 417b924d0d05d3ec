// Members that are absent or of another type read as nothing; the callers say what that means.
#include "source/service_answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

namespace offramp::source {
namespace {

using nlohmann::json;

std::optional<ddb::Type> key_type(const std::string& tag) {
  if (tag == "S") return ddb::Type::kS;
  if (tag == "N") return ddb::Type::kN;
  if (tag == "B") return ddb::Type::kB;
  return std::nullopt;
}

Error unreadable(const std::string& what, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "ddb.describe",
               fmt::format("the description of {} cannot be read: {}", what, why));
}

}  // namespace

std::string text_member(const json& object, const char* name) {
  if (!object.is_object()) return "";
  auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

const json& member(const json& object, const char* name) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  auto at = object.find(name);
  return at == object.end() ? kNothing : *at;
}

std::optional<ddb::Type> defined_type(const json& description, const std::string& attribute) {
  for (const json& definition : member(description, "AttributeDefinitions"))
    if (text_member(definition, "AttributeName") == attribute)
      return key_type(text_member(definition, "AttributeType"));
  return std::nullopt;
}

Result<model::KeySchema> read_key_schema(const json& description, const std::string& what) {
  model::KeySchema key;
  for (const json& element : member(description, "KeySchema")) {
    std::string name = text_member(element, "AttributeName");
    auto type = defined_type(description, name);
    if (name.empty() || !type) return unreadable(what, "a key attribute has no type");
    if (text_member(element, "KeyType") == "HASH") {
      key.partition = {name, *type};
    } else {
      key.sort = model::KeyAttribute{name, *type};
    }
  }
  if (key.partition.name.empty()) return unreadable(what, "it has no partition key");
  return key;
}

}  // namespace offramp::source
