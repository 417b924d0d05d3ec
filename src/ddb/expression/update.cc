// Parsing and checking updates. The service looks at the actions from the last to the first: first
// at what they write, then at what they assign.
#include "ddb/expression/update.h"

#include <algorithm>

#include "ddb/expression/checks.h"
#include "ddb/expression/update_plan.h"

namespace offramp::ddb::expression {
namespace {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::kS:
      return "STRING";
    case Type::kN:
      return "NUMBER";
    case Type::kB:
      return "BINARY";
    case Type::kBool:
      return "BOOLEAN";
    case Type::kNull:
      return "NULL";
    case Type::kL:
      return "LIST";
    default:
      return "MAP";
  }
}

class Builder {
 public:
  Builder(const Syntax& syntax, Placeholders& placeholders)
      : syntax_(syntax), placeholders_(placeholders), terms_of_nodes_(syntax.nodes.size()) {
    elements_.reserve(syntax.parts.size());
    terms_.reserve(syntax.nodes.size());
    actions_.resize(syntax.actions.size());
  }

  Status targets() {
    std::vector<uint32_t> nodes;
    for (const SyntaxAction& action : syntax_.actions) nodes.push_back(action.path);
    const auto targets = TRY(resolve_targets(syntax_, nodes, placeholders_, elements_));
    for (size_t i = 0; i < actions_.size(); ++i) {
      actions_[i].section = syntax_.actions[i].section;
      actions_[i].target = targets[i];
    }
    return {};
  }

  Status values() {
    for (size_t i = actions_.size(); i-- > 0;) {
      const SyntaxAction& from = syntax_.actions[i];
      if (from.section == Section::kRemove) continue;
      // The nodes of the value lie between the target's and its own, children first.
      for (uint32_t node = from.path + 1; node <= from.value; ++node) TRY(make(node));
      actions_[i].term = terms_of_nodes_[from.value];
      TRY(check_set_operand(actions_[i]));
    }
    return {};
  }

 private:
  Status make(uint32_t index) {
    const SyntaxNode& node = syntax_.nodes[index];
    Term term;
    switch (node.kind) {
      case SyntaxKind::kPath:
        term.kind = Term::Kind::kPath;
        term.path = TRY(resolve_path(syntax_, node, placeholders_, elements_));
        break;
      case SyntaxKind::kValue:
        term.value = TRY(resolve_value(syntax_, node, placeholders_));
        break;
      case SyntaxKind::kSum: {
        const std::string_view sign = syntax_.token_text(node);
        term.kind = sign == "+" ? Term::Kind::kAdd : Term::Kind::kSubtract;
        TRY(check_types(node, sign, Type::kN));
        set_operands(node, term);
        break;
      }
      default:
        TRY(make_function(node, term));
    }
    terms_of_nodes_[index] = static_cast<uint32_t>(terms_.size());
    terms_.push_back(term);
    return {};
  }

  Status make_function(const SyntaxNode& node, Term& term) {
    const std::string_view name = syntax_.token_text(node);
    if (node.count != 2) return invalid_request(wrong_operand_count(name, node.count));
    set_operands(node, term);
    if (name == "list_append") {
      term.kind = Term::Kind::kListAppend;
      return check_types(node, name, Type::kL);
    }
    term.kind = Term::Kind::kIfNotExists;
    const Term &first = terms_[term.left], &second = terms_[term.right];
    if (first.kind != Term::Kind::kPath) return invalid_request(not_a_path(name));
    if (second.kind != Term::Kind::kPath) return {};
    const Path a = first.path.of(elements_), b = second.path.of(elements_);
    if (std::equal(a.begin(), a.end(), b.begin(), b.end()))
      return invalid_request(not_distinct(name, a));
    return {};
  }

  void set_operands(const SyntaxNode& node, Term& term) const {
    term.left = terms_of_nodes_[syntax_.children[node.first]];
    term.right = terms_of_nodes_[syntax_.children[node.first + 1]];
  }

  Status check_types(const SyntaxNode& node, std::string_view name, Type wanted) const {
    for (uint32_t i = 0; i < node.count; ++i) {
      const Term& term = terms_[terms_of_nodes_[syntax_.children[node.first + i]]];
      if (term.kind == Term::Kind::kValue && term.value.type() != wanted)
        return invalid_request(wrong_operand_type(name, type_tag(term.value.type())));
    }
    return {};
  }

  // ADD takes numbers and sets, DELETE sets.
  Status check_set_operand(const Action& action) const {
    if (action.section == Section::kSet) return {};
    const bool adds = action.section == Section::kAdd;
    const Type type = terms_[action.term].value.type();
    if (is_set(type) || (adds && type == Type::kN)) return {};
    const std::string word = adds ? "ADD" : "DELETE";
    return invalid_request("Incorrect operand type for operator or function; operator: " + word +
                           ", operand type: " + std::string(type_name(type)) +
                           ", typeSet: ALLOWED_FOR_" + word + "_OPERAND");
  }

  const Syntax& syntax_;
  Placeholders& placeholders_;
  std::vector<uint32_t> terms_of_nodes_;

 public:
  std::vector<PathElement> elements_;
  std::vector<Term> terms_;
  std::vector<Action> actions_;
};

}  // namespace

Result<Update> Update::parse(std::string_view text, Placeholders& placeholders) {
  const auto parse = [&]() -> Result<Update> {
    const Syntax syntax = TRY(parse_update_syntax(text));
    TRY(check_words(syntax, Dialect::kApi, ExpressionKind::kUpdate));
    return of_syntax(syntax, placeholders);
  };
  return TRY_CONTEXT("Invalid UpdateExpression", parse());
}

Result<Update> Update::of_syntax(const Syntax& syntax, Placeholders& placeholders) {
  Builder builder(syntax, placeholders);
  TRY(builder.targets());
  TRY(builder.values());
  TRY(check_operator_count(syntax));
  std::vector<Path> paths;
  for (const Action& action : builder.actions_)
    paths.push_back(action.target.of(builder.elements_));
  PathTree tree(paths);
  return Update(std::make_shared<const UpdatePlan>(
      UpdatePlan{std::move(builder.elements_), std::move(builder.terms_),
                 std::move(builder.actions_), std::move(tree)}));
}

std::vector<std::string_view> Update::written_attributes() const {
  std::vector<std::string_view> names;
  for (const Action& action : plan_->actions) {
    const std::string_view name = plan_->elements[action.target.first].name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

std::optional<std::string_view> Update::reads_below(std::span<const std::string_view> names) const {
  for (const Term& term : plan_->terms)
    if (term.kind == Term::Kind::kPath)
      if (const auto found = first_below({&term.path, 1}, plan_->elements, names)) return found;
  return std::nullopt;
}

bool Update::names(ValueView value) const {
  return std::any_of(plan_->terms.begin(), plan_->terms.end(), [&](const Term& term) {
    return term.kind == Term::Kind::kValue && equal(term.value, value);
  });
}

bool Update::only_removes() const {
  return std::all_of(plan_->actions.begin(), plan_->actions.end(),
                     [](const Action& action) { return action.section == Section::kRemove; });
}

}  // namespace offramp::ddb::expression
