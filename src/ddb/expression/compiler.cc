// One pass over the nodes, which lie children first and from left to right: that is the order in
// which the service finds errors.
#include "ddb/expression/compiler.h"

#include <algorithm>
#include <array>

#include "ddb/expression/condition.h"
#include "ddb/number.h"
#include "ddb/scalar_order.h"

namespace offramp::ddb::expression {
namespace {

struct Named {
  std::string_view text;
  Op op;
};
constexpr Named kComparators[] = {{"=", Op::kEqual},   {"<>", Op::kNotEqual},
                                  {"<", Op::kLess},    {"<=", Op::kLessEqual},
                                  {">", Op::kGreater}, {">=", Op::kGreaterEqual}};
constexpr Named kPredicates[] = {{"attribute_exists", Op::kExists},
                                 {"attribute_not_exists", Op::kNotExists},
                                 {"attribute_type", Op::kType},
                                 {"begins_with", Op::kBeginsWith},
                                 {"contains", Op::kContains}};
constexpr Type kTypes[] = {Type::kS, Type::kN, Type::kB,  Type::kBool, Type::kNull,
                           Type::kL, Type::kM, Type::kSS, Type::kNS,   Type::kBS};
// In the service's order, which differs from run to run.
constexpr std::string_view kTypeNames = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}";

// Takes the doubling of quotes back.
std::string undouble(std::string_view text, char quote) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == quote) ++i;
  }
  return out;
}

bool is_word(std::string_view text, std::string_view upper) {
  return text.size() == upper.size() && std::equal(text.begin(), text.end(), upper.begin(),
                                                   [](char a, char b) { return (a & ~0x20) == b; });
}

// A value as the service's errors show it.
std::string shown(ValueView value) {
  std::string out = "AttributeValue: {" + std::string(type_tag(value.type())) + ":";
  if (value.type() == Type::kB) {
    const std::string size = std::to_string(value.bytes().size());
    out += "java.nio.HeapByteBuffer[pos=0 lim=" + size + " cap=" + size + "]";
  } else {
    out += value.bytes();
  }
  return out + "}";
}

class Compiler {
 public:
  Compiler(const Syntax& syntax, Dialect dialect, Placeholders* placeholders, Program& program)
      : syntax_(syntax), dialect_(dialect), placeholders_(placeholders), program_(program) {}

  Status run() {
    made_.resize(syntax_.nodes.size());
    program_.elements.reserve(syntax_.parts.size());
    program_.operands.reserve(syntax_.nodes.size());
    program_.expressions.reserve(syntax_.operators);
    for (uint32_t i = 0; i < syntax_.nodes.size(); ++i) TRY(make(i));
    program_.root = made_[syntax_.root].expression;
    return {};
  }

 private:
  // What a node became: an operand or an expression.
  struct Made {
    Operand operand;
    uint32_t expression = 0;
  };

  Error fail(const SyntaxNode& node, std::string message) const {
    return check_error(syntax_, dialect_, node.token, std::move(message));
  }
  const Operand& operand(const SyntaxNode& node, uint32_t n) const {
    return made_[syntax_.children[node.first + n]].operand;
  }
  Path path(const Operand& operand) const { return operand.path.of(program_.elements); }

  // The type of an operand that no item can change, or kAbsent.
  static Type constant_type(const Operand& operand) {
    if (operand.is_size) return Type::kN;
    return operand.is_path ? Type::kAbsent : operand.value.type();
  }

  Status make(uint32_t index) {
    const SyntaxNode& node = syntax_.nodes[index];
    switch (node.kind) {
      case SyntaxKind::kPath:
        return make_path(node, made_[index].operand);
      case SyntaxKind::kValue:
        return make_value(node, made_[index].operand);
      case SyntaxKind::kFunction:
        return make_function(node, made_[index]);
      case SyntaxKind::kCompare:
        return make_comparison(node, made_[index]);
      case SyntaxKind::kBetween:
        return make_between(node, made_[index]);
      case SyntaxKind::kIn:
        return make_in(node, made_[index]);
      default:
        break;
    }
    Expression junction;
    junction.token = node.token;
    junction.op = node.kind == SyntaxKind::kAnd  ? Op::kAnd
                  : node.kind == SyntaxKind::kOr ? Op::kOr
                                                 : Op::kNot;
    junction.left = made_[syntax_.children[node.first]].expression;
    if (node.count > 1) junction.right = made_[syntax_.children[node.first + 1]].expression;
    add(junction, made_[index]);
    return {};
  }

  void add(const Expression& expression, Made& made) {
    made.expression = static_cast<uint32_t>(program_.expressions.size());
    program_.expressions.push_back(expression);
  }

  // Adds an expression over the node's first `count` operands.
  void add_predicate(Op op, const SyntaxNode& node, uint32_t count, Made& made) {
    Expression expression;
    expression.op = op;
    expression.token = node.token;
    expression.first = static_cast<uint32_t>(program_.operands.size());
    expression.operands = count;
    for (uint32_t i = 0; i < count; ++i) program_.operands.push_back(operand(node, i));
    add(expression, made);
  }

  Status make_path(const SyntaxNode& node, Operand& out) {
    out.is_path = true;
    if (placeholders_ != nullptr) {
      out.path = TRY(resolve_path(syntax_, node, *placeholders_, program_.elements));
      return {};
    }
    if (node.count > kPathDepthMax) return fail(node, too_many_levels(node.count));
    out.path = {static_cast<uint32_t>(program_.elements.size()), node.count};
    for (uint32_t i = 0; i < node.count; ++i) {
      const PathPart& part = syntax_.parts[node.first + i];
      const Token& token = syntax_.tokens[part.token];
      if (token.kind == TokenKind::kNameRef)
        return check_error(syntax_, dialect_, part.token,
                           "an expression attribute name used in the document path is not "
                           "defined; attribute name: " +
                               std::string(token.text));
      PathElement element = element_of(syntax_, part);
      if (token.kind == TokenKind::kQuotedName) element.name = keep(undouble(token.text, '"'));
      program_.elements.push_back(element);
    }
    return {};
  }

  Status make_value(const SyntaxNode& node, Operand& out) {
    if (placeholders_ != nullptr) {
      out.value = TRY(resolve_value(syntax_, node, *placeholders_));
      return {};
    }
    const Token& token = syntax_.tokens[node.token];
    Node literal;
    if (token.kind == TokenKind::kValueRef) {
      return fail(node,
                  "an expression attribute value used in expression is not defined; attribute "
                  "value: " +
                      std::string(token.text));
    } else if (token.kind == TokenKind::kString) {
      set_bytes(literal, Type::kS, undouble(token.text, '\''));
    } else if (token.kind == TokenKind::kNumber) {
      const auto number = Number::parse(token.text);
      if (!number.ok()) return fail(node, number.error().message());
      set_bytes(literal, Type::kN, number->to_string());
    } else if (is_word(token.text, "NULL")) {
      literal.type = Type::kNull;
    } else {
      literal.type = Type::kBool;
      literal.boolean = is_word(token.text, "TRUE");
    }
    program_.literals.push_back(std::make_unique<Node>(literal));
    out.value = ValueView(program_.literals.back().get());
    return {};
  }

  std::string_view keep(const std::string& text) {
    if (program_.arena == nullptr) program_.arena = std::make_unique<base::Arena>(1024);
    return {program_.arena->copy(text), text.size()};
  }
  void set_bytes(Node& node, Type type, const std::string& bytes) {
    node.type = type;
    node.data = keep(bytes).data();
    node.size = static_cast<uint32_t>(bytes.size());
  }

  Status check_distinct(const SyntaxNode& node, std::string_view name) const {
    const Operand& first = operand(node, 0);
    if (!first.is_path || first.is_size) return {};
    for (uint32_t i = 1; i < node.count; ++i) {
      const Operand& other = operand(node, i);
      if (!other.is_path || other.is_size) continue;
      const Path a = path(first), b = path(other);
      if (std::equal(a.begin(), a.end(), b.begin(), b.end()))
        return fail(node, not_distinct(name, a));
    }
    return {};
  }

  // Every operand that no item can change has one of these types.
  Status check_types(const SyntaxNode& node, std::string_view name,
                     std::initializer_list<Type> types) const {
    for (uint32_t i = 0; i < node.count; ++i) {
      const Type type = constant_type(operand(node, i));
      if (type != Type::kAbsent && std::find(types.begin(), types.end(), type) == types.end())
        return fail(syntax_.child(node, i), wrong_operand_type(name, type_tag(type)));
    }
    return {};
  }

  Status make_comparison(const SyntaxNode& node, Made& made) {
    const std::string_view name = syntax_.token_text(node);
    TRY(check_distinct(node, name));
    const Op op =
        std::find_if(std::begin(kComparators), std::end(kComparators), [&](const Named& c) {
          return c.text == name;
        })->op;
    if (op != Op::kEqual && op != Op::kNotEqual)
      TRY(check_types(node, name, {Type::kS, Type::kN, Type::kB}));
    add_predicate(op, node, 2, made);
    return {};
  }

  Status make_between(const SyntaxNode& node, Made& made) {
    TRY(check_types(node, "BETWEEN", {Type::kS, Type::kN, Type::kB}));
    TRY(check_distinct(node, "BETWEEN"));
    const Operand &lower = operand(node, 1), &upper = operand(node, 2);
    if (lower.value && upper.value && !lower.is_size && !upper.is_size) {
      const bool same = lower.value.type() == upper.value.type();
      if (!same || compare_scalars(lower.value, upper.value) > 0) {
        std::string message =
            same ? "The BETWEEN operator requires upper bound to be greater than or equal to lower "
                   "bound; "
                 : "The BETWEEN operator requires same data type for lower and upper bounds; ";
        if (dialect_ == Dialect::kApi)  // a plan file's literals are not repeated (C12)
          message += "lower bound operand: " + shown(lower.value) +
                     ", upper bound operand: " + shown(upper.value);
        return fail(node, std::move(message));
      }
    }
    add_predicate(Op::kBetween, node, 3, made);
    return {};
  }

  Status make_in(const SyntaxNode& node, Made& made) {
    TRY(check_distinct(node, "IN"));
    if (node.count - 1 > kInOperandsMax)
      return fail(node, "The IN operator is provided with too many operands; number of operands: " +
                            std::to_string(node.count - 1));
    add_predicate(Op::kIn, node, node.count, made);
    return {};
  }

  Status make_function(const SyntaxNode& node, Made& made) {
    const std::string_view name = syntax_.token_text(node);
    const bool is_size = name == "size";
    const Op op =
        is_size ? Op::kEqual
                : std::find_if(std::begin(kPredicates), std::end(kPredicates), [&](const Named& p) {
                    return p.text == name;
                  })->op;
    const bool is_unary = is_size || op == Op::kExists || op == Op::kNotExists;
    if (node.count != (is_unary ? 1 : 2)) return fail(node, wrong_operand_count(name, node.count));
    if (is_size) {
      TRY(check_types(node, name,
                      {Type::kS, Type::kB, Type::kL, Type::kM, Type::kSS, Type::kNS, Type::kBS}));
      made.operand = operand(node, 0);
      made.operand.is_size = true;
      return {};
    }
    const Operand& first = operand(node, 0);
    if (is_unary && (!first.is_path || first.is_size)) return fail(node, not_a_path(name));
    if (!is_unary) TRY(check_distinct(node, name));
    if (op == Op::kBeginsWith) TRY(check_types(node, name, {Type::kS, Type::kB}));
    if (op != Op::kType) {
      add_predicate(op, node, node.count, made);
      return {};
    }
    const Type type = TRY(wanted_type(node));
    add_predicate(op, node, 1, made);
    program_.expressions.back().type = type;
    return {};
  }

  // The second operand of attribute_type().
  Result<Type> wanted_type(const SyntaxNode& node) const {
    const Operand& wanted = operand(node, 1);
    const SyntaxNode& where = syntax_.child(node, 1);
    const Type type = constant_type(wanted);
    if (type == Type::kAbsent)
      return fail(where, wrong_operand_type("attribute_type", "{NS,SS,L,BS,N,M,B,S,NULL,BOOL}"));
    if (type != Type::kS) return fail(where, wrong_operand_type("attribute_type", type_tag(type)));
    for (Type one : kTypes)
      if (type_tag(one) == wanted.value.bytes()) return one;
    std::string message = "Invalid attribute type name found; ";
    if (dialect_ == Dialect::kApi) message += "type: " + std::string(wanted.value.bytes()) + ", ";
    return fail(where, message + "valid types: " + std::string(kTypeNames));
  }

  const Syntax& syntax_;
  const Dialect dialect_;
  Placeholders* const placeholders_;
  Program& program_;
  std::vector<Made> made_;  // by node
};

}  // namespace

Status compile_plan(const Syntax& syntax, Program& program) {
  TRY(check_words(syntax, Dialect::kPlan, ExpressionKind::kCondition));
  return Compiler(syntax, Dialect::kPlan, nullptr, program).run();
}

Result<std::shared_ptr<const Program>> compile_request(std::string_view text,
                                                       Placeholders& placeholders) {
  const Syntax syntax = TRY(parse_condition_syntax(text, Dialect::kApi));
  TRY(check_words(syntax, Dialect::kApi, ExpressionKind::kCondition));
  return compile_syntax(syntax, placeholders);
}

Result<std::shared_ptr<const Program>> compile_syntax(const Syntax& syntax,
                                                      Placeholders& placeholders) {
  auto program = std::make_shared<Program>();
  TRY(Compiler(syntax, Dialect::kApi, &placeholders, *program).run());
  TRY(check_operator_count(syntax));
  return std::shared_ptr<const Program>(std::move(program));
}

}  // namespace offramp::ddb::expression
