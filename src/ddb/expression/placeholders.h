// What a request's expressions stand on: ExpressionAttributeNames and ExpressionAttributeValues, and which were used.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/value.h"

namespace offramp::ddb::expression {

// One request's. Not thread-safe: looking a placeholder up marks it as used.
class Placeholders {
 public:
  // Keys with their '#' or ':'. The bytes must outlive this object.
  void add_name(std::string_view placeholder, std::string_view name);
  void add_value(std::string_view placeholder, ValueView value);
  bool empty() const { return names_.empty() && values_.empty(); }
  void clear();

  // Empty views when not defined.
  const std::string_view* name(std::string_view placeholder);
  ValueView value(std::string_view placeholder);

  // "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}", then values.
  Status check_all_used() const;

 private:
  struct Name {
    std::string_view placeholder, name;
    bool used = false;
  };
  struct Value {
    std::string_view placeholder;
    ValueView value;
    bool used = false;
  };
  std::vector<Name> names_;
  std::vector<Value> values_;
};

}  // namespace offramp::ddb::expression
