// Both ways end in the tree of ddb/expression: names become names in quotes, values placeholders of
// our own.
#include "ddb/partiql/translate.h"

#include <algorithm>

#include "ddb/expression/lexer.h"
#include "ddb/expression/syntax.h"

namespace offramp::ddb::partiql {
namespace {

using expression::invalid_request;
using expression::Placeholders;
using expression::SyntaxKind;

struct Function {
  std::string_view name;
  enum class Use : uint8_t { kCondition, kOperand, kUpdate } use;
};
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

// Writes the expressions' tree, children first.
class Translator {
 public:
  Translator(const Syntax& from, Values& values, base::Arena& arena)
      : from_(from), values_(values), arena_(arena) {
    to_.text = from.text;
  }

 protected:
  uint32_t add(SyntaxKind kind, std::string_view token, std::initializer_list<uint32_t> children) {
    return add(kind, token, std::vector<uint32_t>(children));
  }
  uint32_t add(SyntaxKind kind, std::string_view token, const std::vector<uint32_t>& children) {
    const auto first = static_cast<uint32_t>(to_.children.size());
    to_.children.insert(to_.children.end(), children.begin(), children.end());
    to_.nodes.push_back({kind, add_token(expression::TokenKind::kPunctuation, token), first,
                         static_cast<uint32_t>(children.size())});
    return static_cast<uint32_t>(to_.nodes.size() - 1);
  }
  uint32_t add_token(expression::TokenKind kind, std::string_view text) {
    to_.tokens.push_back({kind, text, 0});
    return static_cast<uint32_t>(to_.tokens.size() - 1);
  }

  uint32_t path(const SyntaxNode& node) {
    const auto first = static_cast<uint32_t>(to_.parts.size());
    for (uint32_t i = node.first; i < node.first + node.count; ++i) {
      const PathPart& part = from_.parts[i];
      const uint32_t token =
          part.is_index
              ? add_token(expression::TokenKind::kNumber, kept(std::to_string(part.index)))
              : add_token(expression::TokenKind::kQuotedName, part.name);
      to_.parts.push_back({token, part.is_index});
    }
    to_.nodes.push_back({SyntaxKind::kPath, to_.parts[first].token, first, node.count});
    return static_cast<uint32_t>(to_.nodes.size() - 1);
  }

  uint32_t placeholder(ValueView value) {
    const std::string_view name = kept(":" + std::to_string(named_++));
    placeholders_.add_value(name, value);
    const uint32_t token = add_token(expression::TokenKind::kValueRef, name);
    to_.nodes.push_back({SyntaxKind::kValue, token, 0, 0});
    return static_cast<uint32_t>(to_.nodes.size() - 1);
  }

  std::string_view kept(const std::string& text) { return {arena_.copy(text), text.size()}; }

  std::string function_name(const SyntaxNode& node) const {
    return lower(from_.token_of(node).text);
  }
  Error unrecognized(const SyntaxNode& node) const {
    return invalid_request("Unrecognized function: " + function_name(node) +
                           from_.position_of(node));
  }
  Error missing_operand(const SyntaxNode& node) const {
    (void)node;
    return invalid_request("MISSING must be compared using IS operator");
  }

  const Syntax& from_;
  Values& values_;
  base::Arena& arena_;
  expression::Syntax to_;
  Placeholders placeholders_;
  uint32_t named_ = 0;
};

// Chains of AND and OR are as deep as the statement is long, which bounds the recursion.
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
    ++to_.operators;
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
    std::vector<uint32_t> operands;
    for (uint32_t i = 0; i < node.count; ++i) operands.push_back(TRY(operand(child(node, i))));
    return add(SyntaxKind::kFunction, found->name, operands);
  }

  Result<uint32_t> operand(uint32_t index) {
    const SyntaxNode& node = from_.nodes[index];
    if (node.kind == NodeKind::kPath) return path(node);
    if (node.kind == NodeKind::kMissing) return missing_operand(node);
    if (node.kind == NodeKind::kFunction) return function(node, Function::Use::kOperand);
    if (node.kind == NodeKind::kArithmetic || node.kind == NodeKind::kLike)
      return unsupported(node.kind == NodeKind::kLike ? "like" : from_.token_of(node).text);
    if (Values::is_value(node.kind)) return placeholder(TRY(values_.value(index)));
    return unsupported(from_.token_of(node).text);
  }
};

class UpdateTranslator : Translator {
 public:
  using Translator::Translator;

  Result<expression::Update> run() {
    for (const Change& change : from_.changes) TRY(add_change(change));
    return expression::Update::of_syntax(to_, placeholders_);
  }

 private:
  using Section = expression::Section;

  Status add_change(const Change& change) {
    const uint32_t target = path(from_.nodes[change.path]);
    if (!change.value) {
      to_.actions.push_back({Section::kRemove, 0, target});
      return {};
    }
    const SyntaxNode& value = from_.nodes[*change.value];
    if (value.kind == NodeKind::kFunction) {
      const std::string name = function_name(value);
      if (name == "set_add" || name == "set_delete") {
        const uint32_t set = TRY(set_operand(change, value));
        to_.actions.push_back(
            {name == "set_add" ? Section::kAdd : Section::kDelete, 0, target, set});
        return {};
      }
    }
    const uint32_t assigned = TRY(term(*change.value));
    to_.actions.push_back({Section::kSet, 0, target, assigned});
    return {};
  }

  // SET_ADD and SET_DELETE change the attribute they name first.
  Result<uint32_t> set_operand(const Change& change, const SyntaxNode& function) {
    std::string name = function_name(function);
    for (char& c : name) c = c == '_' ? c : static_cast<char>(c - 0x20);
    if (function.count != 2)
      return invalid_request(name + " must have exactly two arguments" +
                             from_.position_of(function));
    if (!same_path(from_.child(function, 0), from_.nodes[change.path]))
      return invalid_request("The first argument to " + name + " must equal the assignment value" +
                             from_.position_of(function));
    const uint32_t second = from_.children[function.first + 1];
    ValueView value;
    if (Values::is_value(from_.nodes[second].kind)) value = TRY(values_.value(second));
    if (!value || !is_set(value.type()))
      return invalid_request("The second argument to " + name + " must be a value with type SET" +
                             from_.position_of(from_.child(function, 0)));
    return placeholder(value);
  }

  bool same_path(const SyntaxNode& a, const SyntaxNode& b) const {
    if (a.kind != NodeKind::kPath || a.count != b.count) return false;
    for (uint32_t i = 0; i < a.count; ++i) {
      const PathPart &x = from_.parts[a.first + i], &y = from_.parts[b.first + i];
      if (x.is_index != y.is_index || x.index != y.index || x.name != y.name) return false;
    }
    return true;
  }

  Result<uint32_t> term(uint32_t index) {
    const SyntaxNode& node = from_.nodes[index];
    switch (node.kind) {
      case NodeKind::kPath:
        return path(node);
      case NodeKind::kMissing:
        return missing_operand(node);
      case NodeKind::kArithmetic:
        return sum(node);
      case NodeKind::kFunction:
        return function(node);
      case NodeKind::kIsNull:
      case NodeKind::kIsMissing:
        return invalid_request("IS operator is not supported in update expressions");
      default:
        break;
    }
    if (Values::is_value(node.kind)) return placeholder(TRY(values_.value(index)));
    return unsupported(from_.token_of(node).text);
  }

  Result<uint32_t> sum(const SyntaxNode& node) {
    const std::string_view sign = from_.token_of(node).text;
    if (sign != "+" && sign != "-") return unsupported(sign);
    if (node.count != 2)
      return invalid_request(
          "Incorrect number of operands for operator or function; operator or function: " +
          std::string(sign) + ", number of operands: 1");
    const uint32_t left = TRY(term(from_.children[node.first]));
    const uint32_t right = TRY(term(from_.children[node.first + 1]));
    return add(SyntaxKind::kSum, sign, {left, right});
  }

  Result<uint32_t> function(const SyntaxNode& node) {
    const std::string name = function_name(node);
    const Function* found = find_function(name);
    if (found == nullptr) return unrecognized(node);
    if (found->use != Function::Use::kUpdate)
      return invalid_request("The function is not allowed in an update expression; function: " +
                             name);
    std::vector<uint32_t> operands;
    for (uint32_t i = 0; i < node.count; ++i)
      operands.push_back(TRY(term(from_.children[node.first + i])));
    return add(SyntaxKind::kFunction, found->name, operands);
  }

  static Error unsupported(std::string_view shown) {
    return invalid_request("Unsupported operator in Update Expression. Operator: " + lower(shown));
  }
};

}  // namespace

Result<expression::Condition> make_condition(const Syntax& syntax, uint32_t node, Values& values,
                                             base::Arena& arena) {
  return ConditionTranslator(syntax, values, arena).run(node);
}

Result<expression::Update> make_update(const Syntax& syntax, Values& values, base::Arena& arena) {
  return UpdateTranslator(syntax, values, arena).run();
}

}  // namespace offramp::ddb::partiql
