// WHERE clauses. Names become names in quotes, values placeholders of our own.
#include <algorithm>

#include "ddb/partiql/translate.h"
#include "ddb/partiql/translator.h"

namespace offramp::ddb::partiql {
namespace {

using expression::invalid_request;
using expression::SyntaxKind;

constexpr Function kFunctions[] = {
    {"attribute_exists", Function::Use::kCondition},
    {"attribute_not_exists", Function::Use::kCondition},
    {"attribute_type", Function::Use::kCondition},
    {"begins_with", Function::Use::kCondition},
    {"contains", Function::Use::kCondition},
    {"size", Function::Use::kOperand},
    {"if_not_exists", Function::Use::kUpdate},
    {"list_append", Function::Use::kUpdate},
};

class ConditionTranslator : Translator {
 public:
  using Translator::Translator;

  Result<expression::Condition> run(uint32_t root) {
    if (!is_condition(from_.nodes[root].kind))
      return invalid_request("WHERE clause must contain an expression that resolves to a boolean");
    to_.root = TRY(condition(root));
    return expression::Condition::of_syntax(to_, placeholders_);
  }

 private:
  static bool is_condition(NodeKind kind) {
    return kind == NodeKind::kFunction || kind == NodeKind::kCompare ||
           kind == NodeKind::kBetween || kind == NodeKind::kIn || kind == NodeKind::kIsNull ||
           kind == NodeKind::kIsMissing || kind == NodeKind::kAnd || kind == NodeKind::kOr ||
           kind == NodeKind::kNot || kind == NodeKind::kLike || kind == NodeKind::kArithmetic;
  }

  Error unsupported(std::string_view shown) const {
    return invalid_request("Unsupported operator in Condition Expression. Operator: " +
                           lower(shown));
  }

  uint32_t child(const SyntaxNode& node, uint32_t n) const {
    return from_.children[node.first + n];
  }

  Result<uint32_t> condition(uint32_t index) {
    const SyntaxNode& node = from_.nodes[index];
    TRY(count_operator());
    switch (node.kind) {
      case NodeKind::kAnd:
      case NodeKind::kOr:
      case NodeKind::kNot:
        return junction(node);
      case NodeKind::kCompare: {
        const uint32_t left = TRY(operand(child(node, 0))), right = TRY(operand(child(node, 1)));
        const std::string_view shown = from_.token_of(node).text;
        return add(SyntaxKind::kCompare, shown == "!=" ? "<>" : shown, {left, right});
      }
      case NodeKind::kBetween: {
        const uint32_t value = TRY(operand(child(node, 0)));
        const uint32_t lower = TRY(operand(child(node, 1)));
        const uint32_t upper = TRY(operand(child(node, 2)));
        return add(SyntaxKind::kBetween, "BETWEEN", {value, lower, upper});
      }
      case NodeKind::kIn:
        return in(node);
      case NodeKind::kIsNull: {
        static const Node kType{nullptr, "NULL", 0, 4, 1, Type::kS, false};
        const uint32_t value = TRY(operand(child(node, 0)));
        const uint32_t type = placeholder(ValueView(&kType));
        return add(SyntaxKind::kFunction, "attribute_type", {value, type});
      }
      case NodeKind::kIsMissing: {
        const uint32_t value = TRY(operand(child(node, 0)));
        return add(SyntaxKind::kFunction, "attribute_not_exists", {value});
      }
      case NodeKind::kFunction:
        return function(node, Function::Use::kCondition);
      default:
        return unsupported(node.kind == NodeKind::kLike ? "like" : from_.token_of(node).text);
    }
  }

  Result<uint32_t> junction(const SyntaxNode& node) {
    for (uint32_t i = 0; i < node.count; ++i)
      if (!is_condition(from_.nodes[child(node, i)].kind))
        return invalid_request(node.kind == NodeKind::kNot
                                   ? "The argument to NOT must be an Expression"
                                   : "The arguments to AND/OR must be Expressions");
    const uint32_t left = TRY(condition(child(node, 0)));
    if (node.kind == NodeKind::kNot) return add(SyntaxKind::kNot, "NOT", {left});
    const uint32_t right = TRY(condition(child(node, 1)));
    return node.kind == NodeKind::kAnd ? add(SyntaxKind::kAnd, "AND", {left, right})
                                       : add(SyntaxKind::kOr, "OR", {left, right});
  }

  Result<uint32_t> in(const SyntaxNode& node) {
    const SyntaxNode& list = from_.child(node, 1);
    if ((list.kind != NodeKind::kList && list.kind != NodeKind::kBag) || list.count == 0)
      return invalid_request(
          "IN operator must have a left hand argument of type Variable Reference and right hand "
          "argument of type Seq with at least one member");
    std::vector<uint32_t> operands = {TRY(operand(child(node, 0)))};
    for (uint32_t i = 0; i < list.count; ++i) operands.push_back(TRY(operand(child(list, i))));
    return add(SyntaxKind::kIn, "IN", operands);
  }

  Result<uint32_t> function(const SyntaxNode& node, Function::Use use) {
    const std::string name = function_name(node);
    const Function* found = find_function(name);
    if (found == nullptr || found->use == Function::Use::kUpdate) return unrecognized(node);
    if (found->use != use)
      return invalid_request(
          "The function is not allowed to be used this way in an expression; function: " + name);
    if (use == Function::Use::kOperand) TRY(count_operator());
    std::vector<uint32_t> operands;
    for (uint32_t i = 0; i < node.count; ++i) operands.push_back(TRY(operand(child(node, i))));
    return add(SyntaxKind::kFunction, found->name, operands);
  }

  Result<uint32_t> operand(uint32_t index) {
    const SyntaxNode& node = from_.nodes[index];
    if (node.kind == NodeKind::kPath) return path(node);
    if (node.kind == NodeKind::kMissing) return missing_operand();
    if (node.kind == NodeKind::kFunction) return function(node, Function::Use::kOperand);
    if (node.kind == NodeKind::kArithmetic || node.kind == NodeKind::kLike)
      return unsupported(node.kind == NodeKind::kLike ? "like" : from_.token_of(node).text);
    if (Values::is_value(node.kind)) return placeholder(TRY(values_.value(index)));
    return unsupported(from_.token_of(node).text);
  }
};

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 0x20);
  return out;
}

const Function* find_function(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [&](const Function& f) { return f.name == name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

Result<expression::Condition> make_condition(const Syntax& syntax, uint32_t node, Values& values,
                                             base::Arena& arena) {
  return ConditionTranslator(syntax, values, arena).run(node);
}

}  // namespace offramp::ddb::partiql
