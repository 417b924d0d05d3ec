// Parsing of bodies and placeholders.
#include "engine/request.h"

#include <algorithm>

#include "base/ascii.h"
#include "engine/attribute_values.h"
#include "engine/error.h"

namespace offramp::engine {
namespace {

// What is kept between requests of simdjson's tape and of our nodes; more is given back.
constexpr size_t kBodyBytesKept = 1 << 20;
constexpr size_t kNodesKept = 1 << 15;
constexpr size_t kBlockNodes = 1 << 10;
constexpr size_t kBodyBytesMax = 64 << 20;
constexpr size_t kPlaceholderBytesMax = 255;

bool is_placeholder(std::string_view text, char mark) {
  if (text.size() < 2 || text[0] != mark) return false;
  for (char c : text.substr(1)) {
    bool fine = base::is_letter_or_digit(c) || c == '_';
    if (!fine) return false;
  }
  return true;
}

Status read_names(Json names, ddb::expression::Placeholders& placeholders) {
  if (names.size() == 0) return validation("ExpressionAttributeNames must not be empty");
  return for_each_member(names, [&](std::string_view key, Json name) -> Status {
    std::string what = "ExpressionAttributeNames contains invalid ";
    if (key.size() > kPlaceholderBytesMax)
      return validation(
          what + "key: The expression attribute map contains a key that is too long; key: \"" +
          std::string(key) + "\"");
    if (!is_placeholder(key, '#'))
      return validation(what + "key: Syntax error; key: \"" + std::string(key) + "\"");
    if (name.text().empty())
      return validation(what + "value: Supplied value is empty; value: \"\" for key " +
                        std::string(key));
    if (name.text().size() > 65535)
      return validation(what +
                        "value: Member must have length less than or equal to 65535 for key " +
                        std::string(key));
    placeholders.add_name(key, name.text());
    return {};
  });
}

Status read_values(Request& request, Json values, ddb::expression::Placeholders& placeholders) {
  if (values.size() == 0) return validation("ExpressionAttributeValues must not be empty");
  TRY(for_each_member(values, [&](std::string_view key, Json) -> Status {
    std::string what = "ExpressionAttributeValues contains invalid key: ";
    if (key.size() > kPlaceholderBytesMax)
      return validation(what +
                        "The expression attribute map contains a key that is too long; key: \"" +
                        std::string(key) + "\"");
    if (!is_placeholder(key, ':'))
      return validation(what + "Syntax error; key: \"" + std::string(key) + "\"");
    return {};
  }));
  // Only when all keys are good.
  return for_each_member(values, [&](std::string_view key, Json json) -> Status {
    Result<ddb::ValueView> value = request.value(json);
    if (!value.ok())
      return validation("ExpressionAttributeValues contains invalid value: " +
                        value.error().message() + " for key " + std::string(key));
    placeholders.add_value(key, *value);
    return {};
  });
}

}  // namespace

struct Request::Parser {
  simdjson::dom::parser parser{kBodyBytesMax};
};

Request::Request() : parser_(std::make_unique<Parser>()), blocks_(1) {}
Request::~Request() = default;

void Request::reset() {
  root_ = Json();
  arena_.reset();
  blocks_.resize(1);
  if (blocks_[0].capacity() > kNodesKept) std::vector<ddb::Node>().swap(blocks_[0]);
  blocks_[0].clear();
  block_ = 0;
  if (body_bytes_ > kBodyBytesKept) parser_ = std::make_unique<Parser>();
  body_bytes_ = 0;
}

Status Request::parse(std::string_view body, const Shape& shape) {
  reset();
  body_bytes_ = body.size();
  simdjson::dom::element root;
  if (parser_->parser.parse(body.data(), body.size(), false).get(root)) return serialization("");
  TRY(check_types(root, shape, nodes_max_));
  root_ = Json(root);
  blocks_[0].reserve(std::max(nodes_max_ + 1, kBlockNodes));
  return {};
}

// Leaves room for the value's nodes behind what is there. Values that are decoded once each fit
// into the first block; only then is it worth to count.
void Request::make_room(Json json, const Shape& shape) {
  auto room = [&] { return blocks_[block_].capacity() - blocks_[block_].size(); };
  if (room() > nodes_max_) return;
  size_t needed = 0;
  // The types have been checked already: this only counts.
  if (json) (void)check_types(json.element(), shape, needed).ok();
  if (room() > needed) return;
  blocks_.emplace_back();
  ++block_;
  blocks_[block_].reserve(std::max(needed + 1, kBlockNodes));
}

Result<ddb::ValueView> Request::finish(Status status, size_t start) {
  std::vector<ddb::Node>& block = blocks_[block_];
  if (!status.ok()) {
    block.resize(start);
    return std::move(status).error();
  }
  return ddb::ValueView(&block[start]);
}

Result<ddb::ValueView> Request::value(Json json, std::string_view name) {
  make_room(json, shapes::kAttributeValue);
  size_t start = blocks_[block_].size();
  return finish(decode_attribute_value(json, name, 2, arena_, blocks_[block_]), start);
}

Result<ddb::ItemView> Request::item(Json json) {
  make_room(json, shapes::kAttributeMap);
  size_t start = blocks_[block_].size();
  return finish(decode_attribute_map(json, {}, 1, arena_, blocks_[block_]), start);
}

Status read_placeholders(Request& request, Json names, Json values, const ExpressionUse& use,
                         ddb::expression::Placeholders& placeholders) {
  placeholders.clear();
  if (names && !use.has_expression)
    return validation("ExpressionAttributeNames can only be specified when using expressions");
  if (values && !use.has_value_expression)
    return validation("ExpressionAttributeValues can only be specified when using expressions" +
                      (use.without.empty() ? std::string() : ": " + std::string(use.without)));
  if (names) TRY(read_names(names, placeholders));
  if (values) TRY(read_values(request, values, placeholders));
  return {};
}

}  // namespace offramp::engine
