// What literals and parameters stand for: values as ddb nodes. Private to this folder.
//
// Values live as long as this object and the parameters; it is filled once for a statement.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/arena.h"
#include "ddb/item_batch.h"
#include "ddb/partiql/syntax.h"
#include "ddb/value.h"

namespace offramp::ddb::partiql {

class Values {
 public:
  Values(const Syntax& syntax, base::Arena& arena) : syntax_(syntax), arena_(arena) {}

  // "Number of parameters in request and statement don't match." when there are too few.
  Status bind(std::span<const ValueView> parameters);

  // Whether the node is a literal or a parameter, so that value() can be asked of it.
  static bool is_value(NodeKind kind);
  // ValidationException for literals that are no values: numbers out of range, empty sets, ….
  Result<ValueView> value(uint32_t node);
  // The tuple of an INSERT; its members may be parameters.
  Result<ItemView> item(uint32_t node);

 private:
  struct Step {
    std::string_view name;
    uint32_t index = 0;
    bool is_index = false;
  };

  Status write(uint32_t index, std::string_view name, int level);
  Status write_number(const SyntaxNode& node, std::string_view name);
  Status write_list(const SyntaxNode& node, std::string_view name, int level);
  Status write_tuple(const SyntaxNode& node, std::string_view name, int level);
  Status write_bag(const SyntaxNode& node, std::string_view name);
  Status check_set(const SyntaxNode& node, ValueView set) const;
  Result<std::string_view> member_name(const SyntaxNode& tuple, uint32_t n);
  Result<std::string_view> number(const SyntaxNode& node);
  Error unsupported(const SyntaxNode& node) const;
  enum class Style { kBrackets, kDots };
  std::string path(Style style) const;

  const Syntax& syntax_;
  base::Arena& arena_;
  std::vector<ValueView> parameters_;
  std::vector<Node> nodes_;      // never grows beyond what bind() has reserved: views point into it
  std::vector<uint32_t> known_;  // by node of the syntax: 1 + where in nodes_
  std::vector<Step> steps_;      // where write() is
};

}  // namespace offramp::ddb::partiql
