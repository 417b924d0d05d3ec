// The checks that need no item, but for those of operands.
#include "ddb/expression/checks.h"

#include <algorithm>
#include <charconv>

#include "ddb/expression/condition.h"
#include "ddb/expression/reserved_words.h"

namespace offramp::ddb::expression {
namespace {

enum class Use : uint8_t { kBoolean, kValue };

struct Function {
  std::string_view name;
  ExpressionKind kind;
  Use use;
};
constexpr Function kFunctions[] = {
    {"attribute_exists", ExpressionKind::kCondition, Use::kBoolean},
    {"attribute_not_exists", ExpressionKind::kCondition, Use::kBoolean},
    {"attribute_type", ExpressionKind::kCondition, Use::kBoolean},
    {"begins_with", ExpressionKind::kCondition, Use::kBoolean},
    {"contains", ExpressionKind::kCondition, Use::kBoolean},
    {"size", ExpressionKind::kCondition, Use::kValue},
    {"if_not_exists", ExpressionKind::kUpdate, Use::kValue},
    {"list_append", ExpressionKind::kUpdate, Use::kValue},
};

// What a token is, for the walk over the words.
enum class Role : uint8_t {
  kOther,
  kName,
  kIndex,
  kTopFunction,    // where a condition stands, or the whole of what SET assigns
  kInnerFunction,  // an operand or an argument
  kSection,
};

std::vector<Role> roles_of(const Syntax& syntax) {
  std::vector<Role> roles(syntax.tokens.size(), Role::kOther);
  for (const PathPart& part : syntax.parts)
    roles[part.token] = part.is_index ? Role::kIndex : Role::kName;
  for (const SyntaxNode& node : syntax.nodes) {
    if (node.kind == SyntaxKind::kFunction) roles[node.token] = Role::kTopFunction;
    if (node.kind == SyntaxKind::kPath || node.kind == SyntaxKind::kAnd ||
        node.kind == SyntaxKind::kOr || node.kind == SyntaxKind::kNot)
      continue;
    for (uint32_t i = 0; i < node.count; ++i)
      if (const SyntaxNode& child = syntax.child(node, i); child.kind == SyntaxKind::kFunction)
        roles[child.token] = Role::kInnerFunction;
  }
  for (const SyntaxAction& action : syntax.actions) roles[action.token] = Role::kSection;
  return roles;
}

std::string check_function(std::string_view name, Role role, ExpressionKind kind) {
  const std::string shown(name);
  const auto* function = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                      [&](const Function& f) { return f.name == name; });
  if (function == std::end(kFunctions)) return "Invalid function name; function: " + shown;
  if (function->kind != kind)
    return std::string("The function is not allowed in ") +
           (kind == ExpressionKind::kUpdate ? "an update" : "a condition") +
           " expression; function: " + shown;
  const bool inner = role == Role::kInnerFunction;
  const bool misused = kind == ExpressionKind::kUpdate ? inner && name == "list_append"
                                                       : inner != (function->use == Use::kValue);
  if (misused)
    return "The function is not allowed to be used this way in an expression; function: " + shown;
  return {};
}

// Each section once. The service notices a repeated one when it has gone through its words.
class SectionCheck {
 public:
  Status begin(std::string_view keyword) {
    TRY(end());
    current_.clear();
    for (char c : keyword) current_ += static_cast<char>(c & ~0x20);
    return {};
  }
  Status end() {
    if (current_.empty()) return {};
    if (std::find(seen_.begin(), seen_.end(), current_) != seen_.end())
      return invalid_request("The \"" + current_ +
                             "\" section can only be used once in an update expression;");
    seen_.push_back(current_);
    return {};
  }

 private:
  std::string current_;
  std::vector<std::string> seen_;
};

// Empty when the token is fine.
std::string check_word(const Token& token, Role role, Dialect dialect, ExpressionKind kind) {
  switch (role) {
    case Role::kName:
      if (dialect == Dialect::kApi && token.kind == TokenKind::kName &&
          is_reserved_word(token.text))
        return "Attribute name is a reserved keyword; reserved keyword: " + std::string(token.text);
      return {};
    case Role::kIndex: {
      uint32_t index = 0;
      const auto [end, error] =
          std::from_chars(token.text.data(), token.text.data() + token.text.size(), index);
      if (error != std::errc() || index > INT32_MAX)
        return "List index is not within the allowable range; index: [" + std::string(token.text) +
               "]";
      return {};
    }
    case Role::kTopFunction:
    case Role::kInnerFunction:
      return check_function(token.text, role, kind);
    default:
      return {};
  }
}

}  // namespace

Error check_error(const Syntax& syntax, Dialect dialect, uint32_t token, std::string message) {
  if (dialect == Dialect::kApi) return invalid_request(std::move(message));
  return bad_expression(syntax.tokens[token].offset, message);
}

Status check_words(const Syntax& syntax, Dialect dialect, ExpressionKind kind) {
  const std::vector<Role> roles = roles_of(syntax);
  SectionCheck sections;
  for (uint32_t i = 0; i < roles.size(); ++i) {
    if (roles[i] == Role::kOther) continue;
    if (roles[i] == Role::kSection) {
      TRY(sections.begin(syntax.tokens[i].text));
      continue;
    }
    std::string message = check_word(syntax.tokens[i], roles[i], dialect, kind);
    if (!message.empty()) return check_error(syntax, dialect, i, std::move(message));
  }
  return sections.end();
}

Status check_operator_count(const Syntax& syntax) {
  if (syntax.operators <= kOperatorsMax) return {};
  return invalid_request("The expression contains too many operators; operator count: " +
                         std::to_string(kOperatorsMax + 1));
}

PathElement element_of(const Syntax& syntax, const PathPart& part) {
  PathElement element;
  const std::string_view text = syntax.tokens[part.token].text;
  element.is_index = part.is_index;
  if (part.is_index)
    std::from_chars(text.data(), text.data() + text.size(), element.index);
  else
    element.name = text;
  return element;
}

Result<PathRange> resolve_path(const Syntax& syntax, const SyntaxNode& node,
                               Placeholders& placeholders, std::vector<PathElement>& elements) {
  if (node.count > kPathDepthMax) return invalid_request(too_many_levels(node.count));
  const PathRange range{static_cast<uint32_t>(elements.size()), node.count};
  for (uint32_t i = 0; i < node.count; ++i) {
    const PathPart& part = syntax.parts[node.first + i];
    const Token& token = syntax.tokens[part.token];
    PathElement element = element_of(syntax, part);
    if (token.kind == TokenKind::kNameRef || token.kind == TokenKind::kValueRef) {
      const std::string_view* name = placeholders.name(token.text);
      if (name == nullptr)
        return invalid_request(
            "An expression attribute name used in the document path is not defined; attribute "
            "name: " +
            std::string(token.text));
      element.name = *name;
    }
    elements.push_back(element);
  }
  return range;
}

Result<ValueView> resolve_value(const Syntax& syntax, const SyntaxNode& node,
                                Placeholders& placeholders) {
  const std::string_view text = syntax.token_text(node);
  const ValueView value = placeholders.value(text);
  if (value) return value;
  return invalid_request(
      "An expression attribute value used in expression is not defined; attribute value: " +
      std::string(text));
}

Result<std::vector<PathRange>> resolve_targets(const Syntax& syntax,
                                               std::span<const uint32_t> nodes,
                                               Placeholders& placeholders,
                                               std::vector<PathElement>& elements) {
  std::vector<PathRange> targets(nodes.size());
  Status status;
  size_t first = nodes.size();  // the targets from here on are known
  while (first > 0 && status.ok()) {
    auto target = resolve_path(syntax, syntax.nodes[nodes[first - 1]], placeholders, elements);
    if (target.ok())
      targets[--first] = *target;
    else
      status = target.error();
  }
  std::vector<Path> paths;
  paths.reserve(nodes.size());
  for (size_t i = first; i < nodes.size(); ++i) paths.push_back(targets[i].of(elements));
  if (std::string clash = path_clash(paths); !clash.empty())
    return invalid_request(std::move(clash));
  TRY(std::move(status));
  return targets;
}

std::string wrong_operand_count(std::string_view function, size_t count) {
  return "Incorrect number of operands for operator or function; operator or function: " +
         std::string(function) + ", number of operands: " + std::to_string(count);
}

std::string wrong_operand_type(std::string_view function, std::string_view type) {
  return "Incorrect operand type for operator or function; operator or function: " +
         std::string(function) + ", operand type: " + std::string(type);
}

std::string not_a_path(std::string_view function) {
  return "Operator or function requires a document path; operator or function: " +
         std::string(function);
}

std::string not_distinct(std::string_view function, Path first) {
  return "The first operand must be distinct from the remaining operands for this operator or "
         "function; operator: " +
         std::string(function) + ", first operand: " + path_text(first);
}

std::string too_many_levels(size_t levels) {
  return "The document path has too many nesting levels; nesting levels: " + std::to_string(levels);
}

}  // namespace offramp::ddb::expression
