// Key conditions: a condition's program, from which the conditions on key attributes are taken. The
// order of the checks is that of DynamoDB Local.
#include "ddb/expression/key_condition.h"

#include <algorithm>

#include "ddb/expression/compiler.h"

namespace offramp::ddb::expression {
namespace {

using Range = KeyCondition::Range;

constexpr size_t kSortBytesMax = 1024;

// One condition: attribute, operator, values.
struct Part {
  std::string_view name;
  bool is_equal = false;
  Range range = Range::kNone;
  ValueView first, second;
};

Error invalid_condition(std::string_view what) {
  return invalid_request("Invalid condition in KeyConditionExpression: " + std::string(what));
}

std::string_view operator_name(Op op) {
  switch (op) {
    case Op::kOr:
      return "OR";
    case Op::kNot:
      return "NOT";
    case Op::kNotEqual:
      return "<>";
    case Op::kIn:
      return "IN";
    case Op::kExists:
      return "attribute_exists";
    case Op::kNotExists:
      return "attribute_not_exists";
    case Op::kType:
      return "attribute_type";
    default:
      return "contains";
  }
}

// The comparison with its sides exchanged: `:v < sk` is `sk > :v`.
Range range_of(Op op, bool exchanged) {
  switch (op) {
    case Op::kLess:
      return exchanged ? Range::kGreater : Range::kLess;
    case Op::kLessEqual:
      return exchanged ? Range::kGreaterEqual : Range::kLessEqual;
    case Op::kGreater:
      return exchanged ? Range::kLess : Range::kGreater;
    case Op::kGreaterEqual:
      return exchanged ? Range::kLessEqual : Range::kGreaterEqual;
    case Op::kBetween:
      return Range::kBetween;
    case Op::kBeginsWith:
      return Range::kBeginsWith;
    default:
      return Range::kNone;
  }
}

// The conditions of a program, left to right.
class Collector {
 public:
  explicit Collector(const Program& program) : program_(program) {}

  Status collect(uint32_t index) {
    const Expression& e = program_.expressions[index];
    switch (e.op) {
      case Op::kAnd:
        TRY(collect(e.left));
        return collect(e.right);
      case Op::kEqual:
      case Op::kLess:
      case Op::kLessEqual:
      case Op::kGreater:
      case Op::kGreaterEqual:
      case Op::kBetween:
      case Op::kBeginsWith:
        return collect_part(e);
      default:
        return invalid_request("Invalid operator used in KeyConditionExpression: " +
                               std::string(operator_name(e.op)));
    }
  }

  std::vector<Part> parts;

 private:
  Status collect_part(const Expression& e) {
    const Operand* operands = program_.operands.data() + e.first;
    if ((e.op == Op::kBetween || e.op == Op::kBeginsWith) && !operands[0].is_path &&
        !operands[0].is_size)
      return invalid_condition(std::string(e.op == Op::kBetween ? "BETWEEN" : "begins_with") +
                               " operator must have the key attribute as its first operand");
    Part part;
    part.is_equal = e.op == Op::kEqual;
    part.range = range_of(e.op, !operands[0].is_path);
    bool has_name = false;
    for (uint32_t i = 0; i < e.operands; ++i) {
      const Operand& operand = operands[i];
      if (operand.is_size)
        return invalid_request("KeyConditionExpressions cannot contain nested operations");
      if (!operand.is_path) {
        (part.first ? part.second : part.first) = operand.value;
        continue;
      }
      if (has_name) return invalid_condition("Multiple attribute names used in one condition");
      if (operand.path.count > 1)
        return invalid_request(
            "KeyConditionExpressions cannot have conditions on nested attributes");
      has_name = true;
      part.name = program_.elements[operand.path.first].name;
    }
    if (!has_name) return invalid_condition("No key attribute specified");
    for (const Part& other : parts)
      if (other.name == part.name)
        return invalid_request("KeyConditionExpressions must only contain one condition per key");
    parts.push_back(part);
    return {};
  }

  const Program& program_;
};

class Binder {
 public:
  Binder(const std::vector<Part>& parts, const std::vector<KeyPart>& partition,
         const std::vector<KeyPart>& sort, std::string_view index)
      : parts_(parts), partition_(partition), sort_(sort), index_(index) {}

  Result<KeyCondition> bind() {
    const bool has_several = partition_.size() > 1 || sort_.size() > 1;
    if (!has_several && parts_.size() > 2)
      return invalid_request("Conditions can be of length 1 or 2 only");
    if (parts_.size() > partition_.size() + sort_.size()) return unsupported();
    if (has_several) TRY(check_gaps());
    for (const KeyPart& key : partition_) {
      const Part* part = TRY(wanted(key));
      TRY(check_type(*part, key));
      if (!part->is_equal) return unsupported();
      TRY(check_not_empty(*part, key));
      out_.partition.push_back(part->first);
    }
    TRY(bind_sort());
    return std::move(out_);
  }

 private:
  static Error unsupported() { return invalid_request("Query key condition not supported"); }
  static Error missed(std::string_view name) {
    return invalid_request("Query condition missed key schema element: " + std::string(name));
  }

  const Part* find(std::string_view name) const {
    for (const Part& part : parts_)
      if (part.name == name) return &part;
    return nullptr;
  }
  Result<const Part*> wanted(const KeyPart& key) const {
    const Part* part = find(key.name);
    if (part == nullptr) return missed(key.name);
    return part;
  }

  Status bind_sort() {
    size_t bytes = 0;
    for (const KeyPart& key : sort_) {
      const Part* part = find(key.name);
      if (part == nullptr) break;
      TRY(check_type(*part, key));
      TRY(check_not_empty(*part, key));
      if (key.type != Type::kN)
        bytes +=
            std::max(part->first.bytes().size(), part->second ? part->second.bytes().size() : 0);
      if (part->is_equal) {
        out_.sort_equal.push_back(part->first);
        continue;
      }
      out_.range = part->range;
      out_.first = part->first;
      out_.second = part->second;
    }
    const size_t used = out_.sort_equal.size() + (out_.range == Range::kNone ? 0 : 1);
    if (partition_.size() + used < parts_.size()) return missed(sort_[used].name);
    if (bytes > kSortBytesMax)
      return invalid_request(
          "One or more parameter values were invalid: Aggregated size of all range keys has "
          "exceeded the size limit of 1024 bytes");
    return {};
  }

  // An index of several partition or sort attributes needs all of the first, and no gap among the
  // second.
  Status check_gaps() const {
    std::vector<std::string_view> names;
    for (const KeyPart& key : partition_)
      if (const Part* part = find(key.name); part == nullptr || !part->is_equal)
        names.push_back(key.name);
    if (!names.empty()) return needs_equality("HASH", names, "");
    size_t used = sort_.size();
    while (used > 0 && find(sort_[used - 1].name) == nullptr) --used;
    if (used == 0) return {};
    std::vector<std::string_view> ranges;
    for (size_t i = 0; i + 1 < used; ++i) {
      const Part* part = find(sort_[i].name);
      if (part == nullptr) names.push_back(sort_[i].name);
      if (part != nullptr && !part->is_equal) ranges.push_back(sort_[i].name);
    }
    if (names.empty()) names = std::move(ranges);
    if (names.empty()) return {};
    return needs_equality(
        "RANGE", names,
        " because a condition is present on key attribute " + std::string(sort_[used - 1].name));
  }

  static Error needs_equality(std::string_view role, const std::vector<std::string_view>& names,
                              const std::string& why) {
    std::string message = std::string(role) + " key attributes ";
    for (size_t i = 0; i < names.size(); ++i) message.append(i == 0 ? "" : ", ").append(names[i]);
    return invalid_request(message + " must have equality conditions specified in the query" + why);
  }

  static Status check_type(const Part& part, const KeyPart& key) {
    for (ValueView value : {part.first, part.second})
      if (value && value.type() != key.type)
        return invalid_request(
            "One or more parameter values were invalid: Condition parameter type does not match "
            "schema type");
    return {};
  }

  Status check_not_empty(const Part& part, const KeyPart& key) const {
    for (ValueView value : {part.first, part.second}) {
      if (!value || !value.bytes().empty()) continue;
      const std::string what = "The AttributeValue for a key attribute cannot contain an empty " +
                               std::string(key.type == Type::kB ? "binary" : "string") + " value. ";
      const std::string name(key.name);
      if (index_.empty())
        return invalid_request("One or more parameter values are not valid. " + what +
                               "Key: " + name);
      return invalid_request(
          "One or more parameter values are not valid. A value specified for a secondary index "
          "key is not supported. " +
          what + "IndexName: " + std::string(index_) + ", IndexKey: " + name);
    }
    return {};
  }

  const std::vector<Part>& parts_;
  const std::vector<KeyPart>&partition_, &sort_;
  const std::string_view index_;
  KeyCondition out_;
};

}  // namespace

Result<KeyExpression> KeyExpression::parse(std::string_view text, Placeholders& placeholders) {
  return KeyExpression(
      TRY_CONTEXT("Invalid KeyConditionExpression", compile_request(text, placeholders)));
}

std::optional<std::string_view> KeyExpression::reads_below(
    std::span<const std::string_view> names) const {
  return ddb::expression::reads_below(*program_, names);
}

Result<KeyCondition> KeyExpression::bind(const std::vector<KeyPart>& partition,
                                         const std::vector<KeyPart>& sort,
                                         std::string_view index) const {
  std::vector<std::string_view> names;
  for (const KeyPart& key : partition) names.push_back(key.name);
  for (const KeyPart& key : sort) names.push_back(key.name);
  if (const auto below = reads_below(names))
    return invalid_request(
        std::string("Key attributes must be scalars; list random access '[]' and map lookup '.' "
                    "are not allowed: ") +
        (index.empty() ? "Key: " : "IndexKey: ") + std::string(*below));
  Collector collector(*program_);
  TRY(collector.collect(program_->root));
  return Binder(collector.parts, partition, sort, index).bind();
}

Result<KeyCondition> parse_key_condition(std::string_view text, Placeholders& placeholders,
                                         const std::vector<KeyPart>& partition,
                                         const std::vector<KeyPart>& sort) {
  const KeyExpression expression = TRY(KeyExpression::parse(text, placeholders));
  return expression.bind(partition, sort);
}

}  // namespace offramp::ddb::expression
