// Paths, values and functions, and what can be known to be wrong about them before an item is seen.
#include <algorithm>
#include <charconv>

#include "ddb/expression/parser.h"
#include "ddb/expression/reserved_words.h"
#include "ddb/number.h"

namespace offramp::ddb::expression {
namespace {

struct Function {
  std::string_view name;
  Op op;
  size_t arguments;
};
constexpr Function kFunctions[] = {{"attribute_exists", Op::kExists, 1},
                                   {"attribute_not_exists", Op::kNotExists, 1},
                                   {"attribute_type", Op::kType, 2},
                                   {"begins_with", Op::kBeginsWith, 2},
                                   {"contains", Op::kContains, 2}};

constexpr Type kTypes[] = {Type::kS, Type::kN, Type::kB,  Type::kBool, Type::kNull,
                           Type::kL, Type::kM, Type::kSS, Type::kNS,   Type::kBS};

// Takes the doubling of quotes back.
std::string undouble(std::string_view text, char quote) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == quote) ++i;
  }
  return out;
}

Error wrong_operand_type(std::string_view op, Type type, size_t offset) {
  return bad_expression(offset,
                        "Incorrect operand type for operator or function; operator or function: " +
                            std::string(op) + ", operand type: " + std::string(type_tag(type)));
}

}  // namespace

Type Parser::constant_type(const Operand& operand) const {
  if (operand.is_size) return Type::kN;
  return operand.is_path ? Type::kAbsent : program_.value(operand).type();
}

Status Parser::check_orderable(std::string_view op, const Operand& operand, size_t offset) const {
  const Type type = constant_type(operand);
  if (type == Type::kAbsent || type == Type::kS || type == Type::kN || type == Type::kB) return {};
  return wrong_operand_type(op, type, offset);
}

Status Parser::check_distinct(std::string_view op, const Operand& a, const Operand& b,
                              size_t offset) const {
  if (!a.is_path || !b.is_path || a.is_size != b.is_size || a.count != b.count) return {};
  const auto begin = program_.elements.begin();
  if (!std::equal(begin + a.first, begin + a.first + a.count, begin + b.first)) return {};
  return bad_expression(offset,
                        "The first operand must be distinct from the remaining operands for this "
                        "operator or function; operator: " +
                            std::string(op));
}

Parser::Part Parser::add_value(ValueView value, size_t offset) {
  std::vector<Node>& nodes = program_.values.nodes();
  const size_t first = nodes.size();
  nodes.insert(nodes.end(), value.node(), value.node() + value.node()->span);
  nodes[first].name = nullptr;
  nodes[first].name_size = 0;
  for (size_t i = first; i < nodes.size(); ++i) {
    Node& node = nodes[i];
    const auto keep = [&](const char* bytes, uint32_t size) {
      return size == 0 ? "" : program_.values.arena.copy({bytes, size});
    };
    if (node.name != nullptr) node.name = keep(node.name, node.name_size);
    if (node.data != nullptr) node.data = keep(node.data, node.size);
  }
  Part part;
  part.is_operand = true;
  part.offset = offset;
  part.operand.first = static_cast<uint32_t>(first);
  return part;
}

Parser::Part Parser::add_literal(Type type, std::string_view bytes, bool boolean, size_t offset) {
  Node node;
  node.type = type;
  node.boolean = boolean;
  if (type == Type::kS || type == Type::kN) {
    node.data = bytes.empty() ? "" : bytes.data();
    node.size = static_cast<uint32_t>(bytes.size());
  }
  return add_value(ValueView(&node), offset);
}

Result<Parser::Part> Parser::parse_primary() {
  switch (token().kind) {
    case TokenKind::kPunctuation:
      if (at_punctuation("(")) return parse_parentheses();
      break;
    case TokenKind::kValueRef:
      return parse_value();
    case TokenKind::kString:
    case TokenKind::kNumber:
      if (dialect_ == Dialect::kPlan) return parse_value();
      return bad_expression(
          token().offset,
          "a literal is not allowed here; expected :value, found " + describe(token()));
    case TokenKind::kQuotedName:
    case TokenKind::kNameRef:
      return parse_path();
    case TokenKind::kName: {
      const Token& next = tokens_[next_ + 1];  // a kEnd follows every name
      if (next.kind == TokenKind::kPunctuation && next.text == "(" && !at_keyword("NOT") &&
          !at_keyword("AND") && !at_keyword("OR") && !at_keyword("IN") && !at_keyword("BETWEEN"))
        return parse_function();
      if (dialect_ == Dialect::kPlan &&
          (at_keyword("TRUE") || at_keyword("FALSE") || at_keyword("NULL")))
        return parse_value();
      return parse_path();
    }
    case TokenKind::kEnd:
      break;
  }
  return expected("an attribute, a value, a function or '('");
}

Result<Parser::Part> Parser::parse_value() {
  const Token value = token();
  ++next_;
  switch (value.kind) {
    case TokenKind::kValueRef: {
      const auto found = values_.find(value.text);
      if (found == values_.end())
        return bad_expression(value.offset,
                              "an expression attribute value used in expression is not defined; "
                              "attribute value: " +
                                  std::string(value.text));
      return add_value(found->second, value.offset);
    }
    case TokenKind::kString:
      return add_literal(Type::kS, undouble(value.text, '\''), false, value.offset);
    case TokenKind::kNumber: {
      const auto number = Number::parse(value.text);
      if (!number.ok()) return bad_expression(value.offset, number.error().message());
      return add_literal(Type::kN, number->to_string(), false, value.offset);
    }
    default:
      break;
  }
  --next_;
  const bool is_null = at_keyword("NULL"), is_true = at_keyword("TRUE");
  ++next_;
  return add_literal(is_null ? Type::kNull : Type::kBool, {}, is_true, value.offset);
}

Result<PathElement> Parser::parse_name() {
  const Token name = token();
  PathElement element;
  switch (name.kind) {
    case TokenKind::kNameRef: {
      const auto found = names_.find(name.text);
      if (found == names_.end())
        return bad_expression(name.offset,
                              "an expression attribute name used in the document path is not "
                              "defined; attribute name: " +
                                  std::string(name.text));
      element.name = found->second;
      break;
    }
    case TokenKind::kQuotedName:
      if (dialect_ != Dialect::kPlan)
        return bad_expression(name.offset, "a quoted name is not allowed here; expected #name");
      element.name = undouble(name.text, '"');
      break;
    case TokenKind::kName:
      for (std::string_view keyword : {"AND", "OR", "NOT", "IN", "BETWEEN"})
        if (at_keyword(keyword)) return expected("an attribute, a value, a function or '('");
      if (dialect_ == Dialect::kApi && is_reserved_word(name.text))
        return bad_expression(
            name.offset,
            "Attribute name is a reserved keyword; reserved keyword: " + std::string(name.text));
      element.name = name.text;
      break;
    default:
      return expected("a name");
  }
  ++next_;
  return element;
}

Result<Parser::Part> Parser::parse_path() {
  Part part;
  part.is_operand = true;
  part.offset = token().offset;
  part.operand.is_path = true;
  part.operand.first = static_cast<uint32_t>(program_.elements.size());
  program_.elements.push_back(TRY(parse_name()));
  while (true) {
    if (at_punctuation(".")) {
      ++next_;
      program_.elements.push_back(TRY(parse_name()));
    } else if (at_punctuation("[")) {
      ++next_;
      PathElement element;
      element.is_index = true;
      const std::string_view digits = token().text;
      if (token().kind != TokenKind::kNumber ||
          digits.find_first_not_of("0123456789") != digits.npos)
        return expected("the index of a list");
      const auto error =
          std::from_chars(digits.data(), digits.data() + digits.size(), element.index).ec;
      if (error != std::errc() || element.index > INT32_MAX)
        return bad_expression(token().offset, "List index is not within the allowable range");
      ++next_;
      TRY(expect("]"));
      program_.elements.push_back(std::move(element));
    } else {
      break;
    }
    if (program_.elements.size() - part.operand.first > kPathDepthMax)
      return bad_expression(part.offset, "The document path has too many nesting levels; at most " +
                                             std::to_string(kPathDepthMax) + " are allowed");
  }
  part.operand.count = static_cast<uint32_t>(program_.elements.size() - part.operand.first);
  return part;
}

Result<Parser::Part> Parser::parse_function() {
  const Token name = token();
  const auto* function = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                      [&](const Function& f) { return f.name == name.text; });
  const bool is_size = name.text == "size";
  if (!is_size && function == std::end(kFunctions))
    return bad_expression(
        name.offset, "Invalid function name; function: " + std::string(name.text.substr(0, 40)));
  if (depth_ >= kParenthesesMax)
    return bad_expression(name.offset, "the functions are nested too deeply");
  ++depth_;
  next_ += 2;
  TRY(count_operator());
  std::vector<Part> arguments;
  while (true) {
    Part argument = TRY(parse_primary());
    if (!argument.is_operand || argument.operand.is_size)
      return bad_expression(argument.offset,
                            "The function is not allowed to be used this way in an expression");
    arguments.push_back(argument);
    if (arguments.size() > 2) break;
    if (!at_punctuation(",")) break;
    ++next_;
  }
  const size_t wanted = is_size ? 1 : function->arguments;
  if (arguments.size() != wanted)
    return bad_expression(name.offset,
                          "Incorrect number of operands for operator or function; operator or "
                          "function: " +
                              std::string(name.text) + ", expected: " + std::to_string(wanted));
  if (!at_punctuation(")")) return expected("')'");
  ++next_;
  --depth_;
  if (is_size) {
    Part part = arguments[0];
    const Type type = constant_type(part.operand);
    if (type == Type::kN || type == Type::kBool || type == Type::kNull)
      return wrong_operand_type("size", type, part.offset);
    part.operand.is_size = true;
    part.offset = name.offset;
    return part;
  }
  TRY(check_function(name.text, function->op, arguments, name.offset));
  std::vector<Operand> operands{arguments[0].operand};
  if (wanted == 2 && function->op != Op::kType) operands.push_back(arguments[1].operand);
  const Part part = predicate(function->op, operands, name.offset);
  if (function->op == Op::kType) {
    const std::string_view tag = program_.value(arguments[1].operand).bytes();
    for (Type type : kTypes)
      if (type_tag(type) == tag) program_.expressions.back().type = type;
  }
  return part;
}

Status Parser::check_function(std::string_view name, Op op, const std::vector<Part>& arguments,
                              size_t offset) {
  const Operand& first = arguments[0].operand;
  switch (op) {
    case Op::kExists:
    case Op::kNotExists:
    case Op::kType:
      if (!first.is_path)
        return bad_expression(arguments[0].offset,
                              "Operator or function requires a document path; operator or "
                              "function: " +
                                  std::string(name));
      break;
    default:
      break;
  }
  if (op == Op::kType) {
    const Operand& wanted = arguments[1].operand;
    if (wanted.is_path)
      return bad_expression(arguments[1].offset, "attribute_type requires a value, not a path");
    if (constant_type(wanted) != Type::kS)
      return wrong_operand_type(name, constant_type(wanted), arguments[1].offset);
    const std::string_view tag = program_.value(wanted).bytes();
    if (std::none_of(std::begin(kTypes), std::end(kTypes),
                     [&](Type type) { return type_tag(type) == tag; }))
      return bad_expression(arguments[1].offset,
                            "Invalid attribute type name found; valid types: "
                            "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
  }
  if (op == Op::kBeginsWith) {
    for (const Part& argument : arguments) {
      const Type type = constant_type(argument.operand);
      if (type != Type::kAbsent && type != Type::kS && type != Type::kB)
        return wrong_operand_type(name, type, argument.offset);
    }
  }
  if (op == Op::kContains) {
    const Type type = constant_type(first);
    if (type == Type::kN || type == Type::kBool || type == Type::kNull || type == Type::kM)
      return wrong_operand_type(name, type, arguments[0].offset);
    TRY(check_distinct(name, first, arguments[1].operand, offset));
  }
  return {};
}

}  // namespace offramp::ddb::expression
