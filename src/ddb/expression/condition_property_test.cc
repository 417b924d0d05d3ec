// Random conditions, printed as text, parsed and asked of random items, against an evaluator that
// walks the random tree over plain standard containers.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <variant>

#include "ddb/expression/condition.h"
#include "ddb/expression/request_test.h"

namespace offramp::ddb::expression {
namespace {

// A value: S and N hold `text`, L and SS hold `members`, M holds `fields`.
struct Value {
  std::string type, text;
  std::vector<Value> members;
  std::map<std::string, Value> fields;

  std::string json() const {
    std::string out = "{\"" + type + "\":";
    if (type == "S" || type == "N") return out + "\"" + text + "\"}";
    if (type == "BOOL") return out + text + "}";
    if (type == "NULL") return out + "true}";
    out += type == "M" ? "{" : "[";
    for (const Value& member : members) {
      if (&member != &members.front()) out += ",";
      out += type == "L" ? member.json() : "\"" + member.text + "\"";
    }
    for (const auto& [name, value] : fields)
      out += (name == fields.begin()->first ? "\"" : ",\"") + name + "\":" + value.json();
    return out + (type == "M" ? "}}" : "]}");
  }

  bool operator==(const Value& other) const {
    if (type != other.type) return false;
    if (type == "NULL") return true;
    if (type != "SS")
      return text == other.text && members == other.members && fields == other.fields;
    const auto texts = [](const Value& set) {
      std::set<std::string> out;
      for (const Value& member : set.members) out.insert(member.text);
      return out;
    };
    return texts(*this) == texts(other);
  }
};

struct Tree {
  std::string op;    // "AND", "=", "size", "path", "value", …
  std::string text;  // of a path or placeholder
  std::vector<std::variant<std::string, size_t>> path;
  std::vector<Tree> children;
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {
    for (const char* name : {"a", "b", "c", "d", "e"})
      if (pick(5) != 0) item_.fields[name] = value(0);
    item_.type = "M";
    for (const char* name : {":p", ":q", ":r", ":s"})
      values_[name] = pick(3) == 0 ? value(1) : scalar();
  }

  Tree condition(int depth) {
    if (depth > 3 || pick(2) == 0) return predicate();
    switch (pick(3)) {
      case 0:
        return {"NOT", "", {}, {condition(depth + 1)}};
      case 1:
        return {"AND", "", {}, {condition(depth + 1), condition(depth + 1)}};
      default:
        return {"OR", "", {}, {condition(depth + 1), condition(depth + 1)}};
    }
  }

  std::string item_json() const {
    const std::string json = item_.json();
    return json.substr(5, json.size() - 6);  // without {"M": and }
  }
  std::string values_json() const {
    std::string json = "{";
    for (const auto& [name, value] : values_)
      json += (json.size() > 1 ? ",\"" : "\"") + name + "\":" + value.json();
    return json + "}";
  }

  bool holds(const Tree& tree) const {
    const auto& op = tree.op;
    if (op == "AND") return holds(tree.children[0]) && holds(tree.children[1]);
    if (op == "OR") return holds(tree.children[0]) || holds(tree.children[1]);
    if (op == "NOT") return !holds(tree.children[0]);
    std::vector<std::optional<Value>> found;
    for (const Tree& child : tree.children) found.push_back(resolve(child));
    if (op == "attribute_exists") return found[0].has_value();
    if (op == "attribute_not_exists") return !found[0].has_value();
    if (op == "<>") return !found[0] || !found[1] || !(*found[0] == *found[1]);
    if (op == "IN")
      return found[0] && std::any_of(found.begin() + 1, found.end(), [&](const auto& choice) {
               return choice && *choice == *found[0];
             });
    for (const auto& value : found)
      if (!value) return false;
    if (op == "=") return *found[0] == *found[1];
    if (op == "BETWEEN")
      return less(*found[1], *found[0], true) && less(*found[0], *found[2], true);
    if (op == "<") return less(*found[0], *found[1], false);
    if (op == "<=") return less(*found[0], *found[1], true);
    if (op == ">") return less(*found[1], *found[0], false);
    if (op == ">=") return less(*found[1], *found[0], true);
    const Value &whole = *found[0], &part = *found[1];
    if (op == "begins_with")
      return whole.type == "S" && part.type == "S" && whole.text.starts_with(part.text);
    if (whole.type == "S")
      return part.type == "S" && whole.text.find(part.text) != std::string::npos;
    if (whole.type == "SS" && part.type != "S") return false;
    return std::find(whole.members.begin(), whole.members.end(), part) != whole.members.end();
  }

 private:
  size_t pick(size_t count) { return random_() % count; }

  Value scalar() {
    switch (pick(5)) {
      case 0:
        return {"BOOL", pick(2) == 0 ? "true" : "false", {}, {}};
      case 1:
        return {"NULL", "", {}, {}};
      case 2:
        return {"S", std::string(pick(3), static_cast<char>('x' + pick(2))), {}, {}};
      default:
        return {"N", std::to_string(static_cast<int>(pick(5)) - 2), {}, {}};
    }
  }

  Value value(int depth) {
    Value out;
    switch (depth > 2 ? 3 : pick(6)) {
      case 0:
        out.type = "L";
        for (size_t i = pick(3); i > 0; --i) out.members.push_back(value(depth + 1));
        return out;
      case 1:
        out.type = "M";
        for (const char* name : {"a", "b"})
          if (pick(2) == 0) out.fields[name] = value(depth + 1);
        return out;
      case 2:
        out.type = "SS";
        for (const char* text : {"x", "y", "xx"})
          if (pick(2) == 0 || text[1] != 0) out.members.push_back({"S", text, {}, {}});
        std::shuffle(out.members.begin(), out.members.end(), random_);
        return out;
      default:
        return scalar();
    }
  }

  Tree path() {
    Tree tree{"path", "", {}, {}};
    tree.text = std::string(1, static_cast<char>('a' + pick(6)));
    tree.path.emplace_back(tree.text);
    while (pick(3) == 0) {
      if (pick(2) == 0) {
        tree.path.emplace_back(pick(3));
        tree.text += "[" + std::to_string(std::get<size_t>(tree.path.back())) + "]";
      } else {
        tree.path.emplace_back(std::string(1, static_cast<char>('a' + pick(2))));
        tree.text += "." + std::get<std::string>(tree.path.back());
      }
    }
    return tree;
  }

  Tree operand() {
    if (pick(2) == 0) return path();
    if (pick(4) == 0) return {"size", "", {}, {path()}};
    auto placeholder = values_.begin();
    std::advance(placeholder, pick(values_.size()));
    return {"value", placeholder->first, {}, {}};
  }

  Tree predicate() {
    constexpr const char* kOps[] = {"=",
                                    "<>",
                                    "<",
                                    "<=",
                                    ">",
                                    ">=",
                                    "BETWEEN",
                                    "IN",
                                    "begins_with",
                                    "contains",
                                    "attribute_exists",
                                    "attribute_not_exists"};
    Tree tree{kOps[pick(std::size(kOps))], "", {}, {}};
    if (tree.op.starts_with("attribute")) {
      tree.children = {path()};
      return tree;
    }
    size_t count = tree.op == "BETWEEN" ? 3 : tree.op == "IN" ? 2 + pick(3) : 2;
    for (; count > 0; --count) tree.children.push_back(operand());
    return tree;
  }

  std::optional<Value> resolve(const Tree& tree) const {
    if (tree.op == "value") return values_.at(tree.text);
    if (tree.op == "size") {
      const auto found = resolve(tree.children[0]);
      if (!found || found->type == "N" || found->type == "BOOL" || found->type == "NULL")
        return std::nullopt;
      const size_t size = found->type == "S"   ? found->text.size()
                          : found->type == "M" ? found->fields.size()
                                               : found->members.size();
      return Value{"N", std::to_string(size), {}, {}};
    }
    const Value* at = &item_;
    for (const auto& step : tree.path) {
      if (const auto* name = std::get_if<std::string>(&step)) {
        const auto field = at->fields.find(*name);
        if (at->type != "M" || field == at->fields.end()) return std::nullopt;
        at = &field->second;
      } else {
        const size_t index = std::get<size_t>(step);
        if (at->type != "L" || index >= at->members.size()) return std::nullopt;
        at = &at->members[index];
      }
    }
    return *at;
  }

  static bool less(const Value& a, const Value& b, bool or_equal) {
    if (a.type != b.type || (a.type != "S" && a.type != "N")) return false;
    if (a.type == "N") {
      const int x = std::stoi(a.text), y = std::stoi(b.text);
      return x < y || (or_equal && x == y);
    }
    return a.text < b.text || (or_equal && a.text == b.text);
  }

  std::mt19937_64 random_;
  Value item_;
  std::map<std::string, Value> values_;
};

int strength(const Tree& tree) {
  return tree.op == "OR" ? 1 : tree.op == "AND" ? 2 : tree.op == "NOT" ? 3 : 4;
}

// Parentheses only where they are needed, so that precedence is tested.
std::string print(const Tree& tree) {
  const auto inner = [&](const Tree& child, int at_least) {
    return strength(child) >= at_least ? print(child) : "(" + print(child) + ")";
  };
  const auto& op = tree.op;
  if (op == "path" || op == "value") return tree.text;
  if (op == "NOT") return "NOT " + inner(tree.children[0], 3);
  if (op == "AND" || op == "OR")
    return inner(tree.children[0], strength(tree)) + " " + op + " " +
           inner(tree.children[1], strength(tree) + 1);
  std::string list;
  const bool is_call = op.size() > 3 && op != "BETWEEN";
  for (size_t i = is_call ? 0 : 1; i < tree.children.size(); ++i)
    list += (list.empty() ? "" : op == "BETWEEN" ? " AND " : ", ") + print(tree.children[i]);
  if (is_call) return op + "(" + list + ")";
  return print(tree.children[0]) + " " + op + (op == "IN" ? " (" + list + ")" : " " + list);
}

// Refused: operands of a type that no item can change, or that are not distinct.
RC_GTEST_PROP(ConditionProperty, AgreesWithANaiveEvaluator, (uint64_t seed)) {
  World world(seed);
  const TestItem item(world.item_json()), values(world.values_json());
  int accepted = 0;
  for (int i = 0; i < 40; ++i) {
    const Tree tree = world.condition(0);
    const std::string text = print(tree);
    Placeholders placeholders;
    for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
    const auto condition = Condition::parse_api(text, "FilterExpression", placeholders);
    if (!condition.ok()) {
      const std::string& message = condition.error().message();
      RC_ASSERT(message.find("operand") != std::string::npos);
      continue;
    }
    ++accepted;
    if (condition->evaluate(item.view()) != world.holds(tree))
      RC_FAIL(text + " of " + world.item_json() + " with " + world.values_json());
  }
  RC_ASSERT(accepted > 0);
}

}  // namespace
}  // namespace offramp::ddb::expression
