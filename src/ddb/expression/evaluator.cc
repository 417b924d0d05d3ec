// What a parsed condition says of an item. No allocation: operands are looked up where they lie.
#include <charconv>
#include <compare>
#include <cstring>
#include <optional>

#include "ddb/expression/program.h"
#include "ddb/number.h"
#include "ddb/scalar_order.h"

namespace offramp::ddb::expression {
namespace {

// The length of a text as the service counts it: in UTF-16, as DynamoDB Local does (the guide says
// "characters").
uint64_t text_size(std::string_view text) {
  uint64_t count = 0;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    count += ((byte & 0xC0) != 0x80) + (byte >= 0xF0);
  }
  return count;
}

std::optional<uint64_t> size_of(ValueView value) {
  switch (value.type()) {
    case Type::kS:
      return text_size(value.bytes());
    case Type::kB:
      return value.bytes().size();
    case Type::kL:
    case Type::kM:
    case Type::kSS:
    case Type::kNS:
    case Type::kBS:
      return value.size();
    default:
      return std::nullopt;
  }
}

// An operand's value for one item; holds the number that size() makes.
class Resolved {
 public:
  Resolved(const Program& program, const Operand& operand, ItemView item) {
    view_ = operand.is_path ? find_path(operand.path.of(program.elements), item) : operand.value;
    if (!operand.is_size) return;
    const auto size = view_ ? size_of(view_) : std::nullopt;
    view_ = {};  // size() of what has none is like a missing attribute
    if (!size) return;
    const auto end = std::to_chars(text_, text_ + sizeof(text_), *size).ptr;
    node_.type = Type::kN;
    node_.data = text_;
    node_.size = static_cast<uint32_t>(end - text_);
    view_ = ValueView(&node_);
  }
  Resolved(const Resolved&) = delete;
  Resolved& operator=(const Resolved&) = delete;

  explicit operator bool() const { return static_cast<bool>(view_); }
  ValueView view() const { return view_; }

 private:
  ValueView view_;
  Node node_;
  char text_[24];
};

// The order of two values, if they have one.
std::optional<std::strong_ordering> order(ValueView a, ValueView b) {
  if (!a || !b || a.type() != b.type()) return std::nullopt;
  if (a.type() != Type::kN && a.type() != Type::kS && a.type() != Type::kB) return std::nullopt;
  return compare_scalars(a, b);
}

bool compares(Op op, std::strong_ordering order) {
  switch (op) {
    case Op::kLess:
      return order < 0;
    case Op::kLessEqual:
      return order <= 0;
    case Op::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

bool contains(ValueView a, ValueView b) {
  if (!a || !b) return false;
  if (a.type() == Type::kS || a.type() == Type::kB)
    return b.type() == a.type() && a.bytes().find(b.bytes()) != std::string_view::npos;
  if (is_set(a.type())) {
    if (b.type() != member_type(a.type())) return false;
    for (ValueView member : a)
      if (member.bytes() == b.bytes()) return true;  // numbers are canonical
    return false;
  }
  if (a.type() != Type::kL) return false;
  for (ValueView element : a)
    if (equal(element, b)) return true;
  return false;
}

class Evaluation {
 public:
  Evaluation(const Program& program, ItemView item) : program_(program), item_(item) {}

  bool holds(uint32_t index) const {
    const Expression& e = program_.expressions[index];
    switch (e.op) {
      case Op::kAnd:
        return holds(e.left) && holds(e.right);
      case Op::kOr:
        return holds(e.left) || holds(e.right);
      case Op::kNot:
        return !holds(e.left);
      default:
        return predicate(e);
    }
  }

 private:
  Resolved resolve(const Expression& e, uint32_t n) const {
    return Resolved(program_, program_.operands[e.first + n], item_);
  }

  bool predicate(const Expression& e) const {
    const Resolved first = resolve(e, 0);
    switch (e.op) {
      case Op::kExists:
        return static_cast<bool>(first);
      case Op::kNotExists:
        return !first;
      case Op::kType:
        return first && first.view().type() == e.type;
      case Op::kIn:
        return is_among(e, first);
      case Op::kBetween: {
        const Resolved lower = resolve(e, 1), upper = resolve(e, 2);
        const auto low = order(first.view(), lower.view());
        const auto high = order(first.view(), upper.view());
        return low && high && *low >= 0 && *high <= 0;
      }
      default:
        break;
    }
    const Resolved second = resolve(e, 1);
    const ValueView a = first.view(), b = second.view();
    switch (e.op) {
      case Op::kEqual:
        return a && b && equal(a, b);
      case Op::kNotEqual:
        return !a || !b || !equal(a, b);
      case Op::kBeginsWith:
        return a && b && a.type() == b.type() && (a.type() == Type::kS || a.type() == Type::kB) &&
               a.bytes().starts_with(b.bytes());
      case Op::kContains:
        return contains(a, b);
      default:
        break;
    }
    const auto ordered = order(a, b);
    return ordered && compares(e.op, *ordered);
  }

  bool is_among(const Expression& e, const Resolved& value) const {
    if (!value) return false;
    for (uint32_t i = 1; i < e.operands; ++i) {
      const Resolved choice = resolve(e, i);
      if (choice && equal(value.view(), choice.view())) return true;
    }
    return false;
  }

  const Program& program_;
  const ItemView item_;
};

}  // namespace

bool evaluate(const Program& program, ItemView item) {
  return Evaluation(program, item).holds(program.root);
}

}  // namespace offramp::ddb::expression
