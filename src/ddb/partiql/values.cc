// Literals are written depth first; the parser has bounded their depth.
#include "ddb/partiql/values.h"

#include <algorithm>

#include "ddb/expression/lexer.h"
#include "ddb/number.h"

namespace offramp::ddb::partiql {
namespace {

using expression::invalid_request;

// Of an item: it is the first level, the values of its attributes are the second.
constexpr int kLevelsMax = 32;
constexpr std::string_view kBagMembers =
    "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags";

}  // namespace

Status Values::bind(std::span<const ValueView> parameters) {
  if (parameters.size() < syntax_.parameters)
    return invalid_request("Number of parameters in request and statement don't match.");
  parameters_.assign(parameters.begin(), parameters.end());
  size_t nodes = syntax_.nodes.size();
  for (ValueView parameter : parameters.first(syntax_.parameters)) nodes += parameter.node()->span;
  nodes_.reserve(nodes);
  known_.resize(syntax_.nodes.size());
  return {};
}

bool Values::is_value(NodeKind kind) {
  return kind == NodeKind::kString || kind == NodeKind::kNumber || kind == NodeKind::kTrue ||
         kind == NodeKind::kFalse || kind == NodeKind::kNull || kind == NodeKind::kParameter ||
         kind == NodeKind::kList || kind == NodeKind::kBag || kind == NodeKind::kTuple;
}

Result<ValueView> Values::value(uint32_t node) {
  const SyntaxNode& from = syntax_.nodes[node];
  if (from.kind == NodeKind::kParameter) return parameters_[from.first];
  if (known_[node] == 0) {
    const size_t start = nodes_.size();
    steps_.clear();
    if (Status status = write(node, {}, 2); !status.ok()) {
      nodes_.resize(start);
      return std::move(status).error();
    }
    known_[node] = static_cast<uint32_t>(start) + 1;
  }
  return ValueView(&nodes_[known_[node] - 1]);
}

Result<ItemView> Values::item(uint32_t node) {
  const SyntaxNode& from = syntax_.nodes[node];
  const size_t start = nodes_.size();
  ItemBuilder build(nodes_);
  const uint32_t root = build.open(Type::kM);
  for (uint32_t i = 0; i < from.count; i += 2) {
    const std::string_view name = TRY(member_name(from, i));
    const uint32_t at = syntax_.children[from.first + i + 1];
    steps_.clear();
    if (const SyntaxNode& member = syntax_.nodes[at]; member.kind == NodeKind::kParameter)
      build.copy(parameters_[member.first], name);
    else
      TRY(write(at, name, 2));
  }
  build.close(root, from.count / 2);
  return ItemView(&nodes_[start]);
}

Status Values::write(uint32_t index, std::string_view name, int level) {
  const SyntaxNode& node = syntax_.nodes[index];
  ItemBuilder build(nodes_);
  switch (node.kind) {
    case NodeKind::kString:
      build.scalar(Type::kS, decoded(syntax_.token_of(node).text, '\'', arena_), name);
      return {};
    case NodeKind::kTrue:
    case NodeKind::kFalse:
      build.boolean(node.kind == NodeKind::kTrue, name);
      return {};
    case NodeKind::kNull:
      build.null(name);
      return {};
    case NodeKind::kNumber:
      return write_number(node, name);
    case NodeKind::kList:
      return write_list(node, name, level);
    case NodeKind::kBag:
      return write_bag(node, name);
    case NodeKind::kTuple:
      return write_tuple(node, name, level);
    default:
      return unsupported(node);
  }
}

Result<std::string_view> Values::number(const SyntaxNode& node) {
  std::string text(syntax_.token_of(node).text);
  if (text.back() == '.') text.pop_back();
  if (node.count == 1) text.insert(0, 1, '-');
  const auto parsed = Number::parse(text);
  if (!parsed.ok())
    return invalid_request(parsed.error().message() + " under " + path(Style::kBrackets));
  char* out = arena_.allocate(kNumberTextMax);
  const size_t size = parsed->write(out);
  arena_.shrink_last(out, kNumberTextMax, size);
  return std::string_view(out, size);
}

Status Values::write_number(const SyntaxNode& node, std::string_view name) {
  const std::string_view text = TRY(number(node));
  ItemBuilder(nodes_).scalar(Type::kN, text, name);
  return {};
}

Status Values::write_list(const SyntaxNode& node, std::string_view name, int level) {
  if (level > kLevelsMax) return invalid_request("Nesting Levels have exceeded supported limits");
  ItemBuilder build(nodes_);
  const uint32_t root = build.open(Type::kL, name);
  for (uint32_t i = 0; i < node.count; ++i) {
    steps_.push_back({{}, i, true});
    TRY(write(syntax_.children[node.first + i], {}, level + 1));
    steps_.pop_back();
  }
  build.close(root, node.count);
  return {};
}

Status Values::write_tuple(const SyntaxNode& node, std::string_view name, int level) {
  if (level > kLevelsMax) return invalid_request("Nesting Levels have exceeded supported limits");
  ItemBuilder build(nodes_);
  const uint32_t root = build.open(Type::kM, name);
  for (uint32_t i = 0; i < node.count; i += 2) {
    const std::string_view member = TRY(member_name(node, i));
    steps_.push_back({member});
    TRY(write(syntax_.children[node.first + i + 1], member, level + 1));
    steps_.pop_back();
  }
  build.close(root, node.count / 2);
  return {};
}

// A statement is too short for so many members that searching them would show.
Result<std::string_view> Values::member_name(const SyntaxNode& tuple, uint32_t n) {
  const SyntaxNode& key = syntax_.child(tuple, n);
  if (key.kind != NodeKind::kString) {
    const char* type = key.kind == NodeKind::kPath        ? "VariableReference"
                       : key.kind == NodeKind::kParameter ? "Parameter"
                                                          : "Literal";
    return invalid_request("Tuple keys must be of type String. Actual type: " + std::string(type) +
                           " under " + path(Style::kDots) + syntax_.position_of(key));
  }
  const std::string_view name = decoded(syntax_.token_of(key).text, '\'', arena_);
  if (name.empty()) return invalid_request("Path component cannot be an empty string");
  for (uint32_t i = 0; i < n; i += 2)
    if (decoded(syntax_.token_of(syntax_.child(tuple, i)).text, '\'', arena_) == name)
      return invalid_request("Duplicate keys in tuple. Key: " + std::string(name) + " under " +
                             path(Style::kDots) + syntax_.position_of(key));
  return name;
}

Status Values::write_bag(const SyntaxNode& node, std::string_view name) {
  if (node.count == 0) return invalid_request("Empty bags are not supported");
  const NodeKind kind = syntax_.child(node, 0).kind;
  ItemBuilder build(nodes_);
  const uint32_t root = build.open(kind == NodeKind::kNumber ? Type::kNS : Type::kSS, name);
  for (uint32_t i = 0; i < node.count; ++i) {
    const SyntaxNode& member = syntax_.child(node, i);
    if (member.kind == NodeKind::kParameter)
      return invalid_request(std::string(kBagMembers) + syntax_.position_of(member));
    if (member.kind != kind || (kind != NodeKind::kNumber && kind != NodeKind::kString))
      return invalid_request(std::string(kBagMembers));
    if (kind == NodeKind::kNumber)
      TRY(write_number(member, {}));
    else
      build.scalar(Type::kS, decoded(syntax_.token_of(member).text, '\'', arena_));
  }
  build.close(root, node.count);
  return check_set(node, ValueView(&nodes_[root]));
}

Status Values::check_set(const SyntaxNode& node, ValueView set) const {
  std::vector<std::string_view> members;
  for (ValueView member : set) members.push_back(member.bytes());
  std::sort(members.begin(), members.end());
  if (std::adjacent_find(members.begin(), members.end()) == members.end()) return {};
  if (set.type() == Type::kNS) return invalid_request("Input collection contains duplicates");
  std::string shown;
  for (uint32_t i = 0; i < node.count; ++i)
    shown.append(i > 0 ? ", " : "")
        .append(decoded(syntax_.token_of(syntax_.child(node, i)).text, '\'', arena_));
  return invalid_request("One or more parameter values were invalid: Input collection [" + shown +
                         "] contains duplicates.");
}

// At the top the service shows the word, further in the kind of what is no value.
Error Values::unsupported(const SyntaxNode& node) const {
  std::string shown(syntax_.token_of(node).text);
  if (!steps_.empty() && node.kind == NodeKind::kPath) shown = "VariableReference";
  if (!steps_.empty() && node.kind == NodeKind::kParameter) shown = "Parameter";
  return invalid_request("Unsupported data type: " + shown + " under key " + path(Style::kDots) +
                         syntax_.position_of(node));
}

std::string Values::path(Style style) const {
  std::string out = "root";
  for (const Step& step : steps_) {
    if (!step.is_index)
      out.append(".").append(step.name);
    else if (style == Style::kDots)
      out.append(".").append(std::to_string(step.index));
    else
      out.append("[").append(std::to_string(step.index)).append("]");
  }
  return out;
}

}  // namespace offramp::ddb::partiql
