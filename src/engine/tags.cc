// TagResource, UntagResource, ListTagsOfResource. Tags are in the table's entry in the catalog, in
// the order in which they came.
#include "engine/tags.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/ascii.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/table_changes.h"
#include "engine/table_shapes.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kTagResourceMembers[] = {{"ResourceArn", &kString}, {"Tags", &kTags}};
constexpr Shape kTagShape = structure(kTagResourceMembers, "TagResourceInput");
constexpr Member kUntagMembers[] = {{"ResourceArn", &kString}, {"TagKeys", &kStrings}};
constexpr Shape kUntagShape = structure(kUntagMembers, "UntagResourceInput");
constexpr Member kListMembers[] = {{"ResourceArn", &kString}, {"NextToken", &kString}};
constexpr Shape kListShape = structure(kListMembers, "ListTagsOfResourceInput");

constexpr size_t kKeyMax = 128, kValueMax = 256, kArnMax = 1283;

// Characters as the service counts them, in UTF-16; nullopt when one is not allowed.
std::optional<size_t> tag_length(std::string_view text) {
  size_t length = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(text[i]);
    if (c >= 0x80) {
      bool first = c >= 0xc0, emoji = c == 0xf0 && i + 1 < text.size() && text[i + 1] == '\x9f';
      if (emoji) return std::nullopt;
      if (first) length += c >= 0xf0 ? 2 : 1;
      continue;
    }
    ++length;
    bool fine = base::is_letter_or_digit(c) ||
                std::string_view(" +-=._:/@").find(text[i]) != std::string_view::npos;
    if (!fine) return std::nullopt;
  }
  return length;
}

bool is_reserved(std::string_view key) {
  if (key.size() < 4 || key[3] != ':') return false;
  auto is = [&](size_t i, char lower) { return (key[i] | 0x20) == lower; };
  return is(0, 'a') && is(1, 'w') && is(2, 's');
}

std::string shown(Json text) { return text ? std::string(text.text()) : "null"; }

Status check_tag_value(Json value) {
  std::optional<size_t> length = tag_length(value.text());
  if (value && length && *length <= kValueMax) return {};
  return validation("The Tag Value provided is invalid, Value: " + shown(value));
}

Error invalid_arn(std::string_view arn) {
  return validation("Invalid TableArn: Invalid ResourceArn provided as input " + std::string(arn));
}

// The table's name in "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME". Region and account may be any:
// this endpoint has neither.
Result<std::string_view> table_of_resource(std::string_view arn) {
  if (!arn.starts_with("arn:"))
    return invalid_parameter("ARNs must start with 'arn:': " + std::string(arn));
  std::string_view rest = arn;
  std::string_view service;
  for (int part = 0; part < 5; ++part) {
    size_t colon = rest.find(':');
    if (colon == rest.npos) return invalid_arn(arn);
    if (part == 2) service = rest.substr(0, colon);
    rest.remove_prefix(colon + 1);
  }
  Error foreign =
      invalid_parameter("Provided Arn is not a DynamoDB resource arn: " + std::string(arn));
  if (service != "dynamodb" || !rest.starts_with("table/")) return foreign;
  rest.remove_prefix(std::string_view("table/").size());
  size_t slash = rest.find('/');
  if (slash == rest.npos) {
    Constraints name;
    name.request_table(rest);
    if (!name.done().ok()) return invalid_arn(arn);
    return rest;
  }
  std::string_view below = rest.substr(slash);
  if (below.starts_with("/stream/")) return invalid_arn(arn);
  if (!below.starts_with("/index/")) return foreign;
  return invalid_parameter(
      "Invalid resource arn provided, only table or stream is accepted. Provided resource arn: " +
      std::string(arn));
}

Result<TableRef> resource(Context& context) {
  std::string_view arn = context.request["ResourceArn"].text();
  TableRef table = TRY(context.catalog.find(TRY(table_of_resource(arn))));
  if (!table)
    return service_error(
        "ResourceNotFoundException",
        "Requested resource not found: ResourceArn: " + std::string(arn) + " not found");
  return table;
}

// What all three check first.
void constrain_arn(Json root, Constraints& constraints) {
  Json arn = root["ResourceArn"];
  if (constraints.not_null(arn, "resourceArn")) constraints.length(arn, "resourceArn", 1, kArnMax);
}

Status tag_resource(Context& context) {
  Json root = context.request.root(), tags = root["Tags"];
  Constraints constraints;
  constrain_arn(root, constraints);
  constraints.not_null(tags, "tags");
  TRY(constraints.done());
  TRY(table_of_resource(root["ResourceArn"].text()));
  if (tags.size() == 0) return validation("Atleast one Tag needs to be provided as Input.");
  TRY(check_tags(tags));
  TRY(change_table(
      context.store, context.catalog, [&] { return resource(context); },
      [&](Table& table) -> Status {
        for (simdjson::dom::element element : tags.array()) {
          Json tag(element);
          std::string key{tag["Key"].text()}, value{tag["Value"].text()};
          auto known = std::find_if(table.tags.begin(), table.tags.end(),
                                    [&](const auto& tag) { return tag.first == key; });
          if (known != table.tags.end())
            known->second = std::move(value);
          else
            table.tags.emplace_back(std::move(key), std::move(value));
        }
        if (table.tags.size() > kTagsMax) return too_many_tags();
        return {};
      }));
  return {};
}

Status untag_resource(Context& context) {
  Json root = context.request.root(), keys = root["TagKeys"];
  Constraints constraints;
  constrain_arn(root, constraints);
  constraints.not_null(keys, "tagKeys");
  TRY(constraints.done());
  TRY(table_of_resource(root["ResourceArn"].text()));
  if (keys.size() == 0) return validation("Atleast one Tag Key needs to be provided as Input.");
  if (keys.size() > kTagsMax) return too_many_tags();
  TRY(for_each_element(keys, [](Json key) -> Status { return check_tag_key(key); }));
  TRY(change_table(
      context.store, context.catalog, [&] { return resource(context); },
      [&](Table& table) -> Status {
        for (simdjson::dom::element key : keys.array())
          std::erase_if(table.tags, [&](const auto& tag) { return tag.first == Json(key).text(); });
        return {};
      }));
  return {};
}

// All in one page, as the service does; so no NextToken is ever given out.
Status list_tags(Context& context) {
  Constraints constraints;
  constrain_arn(context.request.root(), constraints);
  TRY(constraints.done());
  TableRef table = TRY(resource(context));
  if (context.request["NextToken"]) return validation("The NextToken is not one of this resource");
  JsonWriter write(context.out);
  write.open('{');
  write.name("Tags");
  write.open('[');
  for (const auto& [key, value] : table->tags) {
    write.open('{');
    write.text("Key", key);
    write.text("Value", value);
    write.close('}');
  }
  context.out.append("]}");
  return {};
}

}  // namespace

Error too_many_tags() {
  return validation("Number of Tags exceed the current limit for the provided ResourceArn");
}

Status check_tag_key(Json key) {
  if (is_reserved(key.text()))
    return validation("Tag Key cannot be prefixed with aws:, Key: " + shown(key));
  std::optional<size_t> length = tag_length(key.text());
  if (key && length && *length >= 1 && *length <= kKeyMax) return {};
  return validation("The Tag Key provided is invalid, Key: " + shown(key));
}

Status check_tags(Json tags) {
  if (tags.size() > kTagsMax) return too_many_tags();
  std::set<std::string_view> keys;
  return for_each_element(tags, [&](Json tag) -> Status {
    TRY(check_tag_key(tag["Key"]));
    TRY(check_tag_value(tag["Value"]));
    if (!keys.insert(tag["Key"].text()).second)
      return validation("Duplicate Tag Keys provided as input: Duplicate Tag Key found " +
                        std::string(tag["Key"].text()));
    return {};
  });
}

void register_tags(Dispatch& dispatch) {
  dispatch["TagResource"] = {&kTagShape, tag_resource};
  dispatch["UntagResource"] = {&kUntagShape, untag_resource};
  dispatch["ListTagsOfResource"] = {&kListShape, list_tags};
}

}  // namespace offramp::engine
