// Request: one operation's decoded body, and the attribute values in it as ddb nodes.
//
// What is true:
// - parse() has checked the types of everything (SerializationException), so members can be read
// without checks.
// - Attribute values become nodes only when asked for; their own rules (one type, numbers, sets,
// nesting) are
//   ValidationExceptions then. Views stay valid until the next parse(); strings are not copied out
//   of the body's parse.
// - Memory is kept between requests; one very large request's is given back.
// Not thread-safe; one per worker.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "ddb/expression/placeholders.h"
#include "ddb/value.h"
#include "engine/json.h"
#include "engine/shape.h"

namespace offramp::engine {

// Levels of an item: the item is the first, its attributes' values the second; see the reference
// notes' §2.
constexpr int kNestingMax = 32;

class Request {
 public:
  Request();
  ~Request();

  // `body` must be followed by ddb::kJsonPadding readable bytes.
  Status parse(std::string_view body, const Shape& shape);
  // Forgets the nodes and texts of the request before; parse() does it too.
  void reset();

  Json root() const { return root_; }
  Json operator[](std::string_view member) const { return root_[member]; }
  size_t body_bytes() const { return body_bytes_; }

  // One attribute value; its name is `name`. ValidationException with the service's text, without
  // prefix.
  Result<ddb::ValueView> value(Json json, std::string_view name = {});
  // A map of attribute values as an item (Item, Key, ExclusiveStartKey).
  Result<ddb::ItemView> item(Json json);

  // The arena of texts that must live as long as the request.
  base::Arena& arena() { return arena_; }

 private:
  struct Parser;
  Result<ddb::ValueView> finish(Status status, size_t start);
  void make_room(Json json, const Shape& shape);

  std::unique_ptr<Parser> parser_;
  Json root_;
  size_t body_bytes_ = 0;
  size_t nodes_max_ = 0;  // enough for all values of the request, each decoded once
  // Blocks: a view must not move when another value is decoded.
  std::vector<std::vector<ddb::Node>> blocks_;
  size_t block_ = 0;
  base::Arena arena_;
};

// Reads ExpressionAttributeNames and ExpressionAttributeValues. `has_expression`: whether the
// request has any expression; `without` names the expressions for the message, "ConditionExpression
// is null". `values_allowed` is false for operations without ExpressionAttributeValues (GetItem).
struct ExpressionUse {
  bool has_expression = false;        // one that may use names
  bool has_value_expression = false;  // one that may use values
  std::string_view without;           // "UpdateExpression and ConditionExpression are null"
};
Status read_placeholders(Request& request, Json names, Json values, const ExpressionUse& use,
                         ddb::expression::Placeholders& placeholders);

}  // namespace offramp::engine
