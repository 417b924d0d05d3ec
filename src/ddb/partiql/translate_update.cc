// Changes of an UPDATE.
#include "ddb/partiql/translate.h"
#include "ddb/partiql/translator.h"

namespace offramp::ddb::partiql {
namespace {

using expression::invalid_request;
using expression::SyntaxKind;

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
        return missing_operand();
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
    TRY(count_operator());
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
    TRY(count_operator());
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

Result<expression::Update> make_update(const Syntax& syntax, Values& values, base::Arena& arena) {
  return UpdateTranslator(syntax, values, arena).run();
}

}  // namespace offramp::ddb::partiql
