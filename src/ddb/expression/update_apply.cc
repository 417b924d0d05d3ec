// Carrying out an update: the new item is written in one walk over the old one.
#include <unordered_set>

#include "ddb/expression/lexer.h"
#include "ddb/expression/update_plan.h"
#include "ddb/item_size.h"
#include "ddb/number.h"

namespace offramp::ddb::expression {
namespace {

Error missing_attribute() {
  return invalid_request(
      "The provided expression refers to an attribute that does not exist in the item");
}
Error wrong_type() {
  return invalid_request("An operand in the update expression has an incorrect data type");
}
// A request may copy a big attribute many times: the rest of the item need not be written to know
// that it is too big. Every byte of an item's size makes at most two nodes (a set of one empty text
// in a list).
constexpr size_t kNodesMax = 2 * kItemBytesMax;
Error too_big() {
  return invalid_request("Item size to update has exceeded the maximum allowed size");
}
Error wrong_path() {
  return invalid_request(
      "The document path provided in the update expression is invalid for update");
}

// Whether a set has a member; hashes big sets, where searching each would show.
class Members {
 public:
  Members(ValueView set, size_t searches) : set_(set) {
    constexpr size_t kComparisonsMax = 4096;
    if (searches * set.size() <= kComparisonsMax) return;
    hashed_.reserve(set.size());
    for (ValueView member : set) hashed_.insert(member.bytes());
  }
  bool has(std::string_view bytes) const {  // numbers are canonical
    if (!hashed_.empty()) return hashed_.contains(bytes);
    for (ValueView member : set_)
      if (member.bytes() == bytes) return true;
    return false;
  }

 private:
  ValueView set_;
  std::unordered_set<std::string_view> hashed_;
};

class Application {
 public:
  Application(const UpdatePlan& plan, ItemView item, ItemBatch& out)
      : plan_(plan), item_(item), out_(out), nodes_(out.nodes()), builder_(nodes_) {
    start_ = nodes_.size();
    seen_.resize(plan.tree.size());
  }

  Status run() { return rebuild(plan_.tree.at(PathTree::kRoot), item_, {}); }

  // Of several errors the first in the order of the names, whatever the order of the item's members
  // is: databases differ in that. Called when run() has failed.
  Status first_error() { return first_error(plan_.tree.at(PathTree::kRoot), item_); }

 private:
  // Writes `old` as the branch changes it.
  Status rebuild(const PathTree::Branch& branch, ValueView old, std::string_view name) {
    const bool wants_list = plan_.tree.at(branch.first).element.is_index;
    if (old.type() != (wants_list ? Type::kL : Type::kM)) return wrong_path();
    const uint32_t container = builder_.open(old.type(), name);
    const uint32_t children =
        wants_list ? TRY(rebuild_list(branch, old)) : TRY(rebuild_map(branch, old));
    builder_.close(container, children);
    return {};
  }

  Status first_error(const PathTree::Branch& branch, ValueView old) {
    const bool wants_list = plan_.tree.at(branch.first).element.is_index;
    if (old.type() != (wants_list ? Type::kL : Type::kM)) return wrong_path();
    for (uint32_t index = branch.first; index < branch.first + branch.count; ++index) {
      const PathTree::Branch& child = plan_.tree.at(index);
      const ValueView found = find_path({&child.element, 1}, old);
      if (child.leaf == PathTree::kNoLeaf && found)
        TRY(first_error(child, found));
      else
        TRY(change(child, found, {}));
    }
    return {};
  }

  Result<uint32_t> rebuild_map(const PathTree::Branch& branch, ValueView old) {
    uint32_t children = 0;
    for (ValueView member : old) {
      const uint32_t child = plan_.tree.find(branch, member.name());
      if (child == PathTree::kRoot) {
        builder_.copy(member, member.name());
        ++children;
        continue;
      }
      seen_[child] = true;
      children += TRY(change(plan_.tree.at(child), member, member.name()));
    }
    for (uint32_t child = branch.first; child < branch.first + branch.count; ++child)
      if (!seen_[child]) {
        const PathTree::Branch& missing = plan_.tree.at(child);
        children += TRY(change(missing, {}, missing.element.name));
      }
    return children;
  }

  // Indexes mean the old list; those behind its end append in their order.
  Result<uint32_t> rebuild_list(const PathTree::Branch& branch, ValueView old) {
    uint32_t children = 0, index = 0, next = branch.first;
    const uint32_t end = branch.first + branch.count;
    for (ValueView element : old) {
      if (next < end && plan_.tree.at(next).element.index == index) {
        children += TRY(change(plan_.tree.at(next), element, {}));
        ++next;
      } else {
        builder_.copy(element, {});
        ++children;
      }
      ++index;
    }
    for (; next < end; ++next) children += TRY(change(plan_.tree.at(next), {}, {}));
    return children;
  }

  // How many values it wrote: one, or none where there is none any more.
  Result<uint32_t> change(const PathTree::Branch& branch, ValueView old, std::string_view name) {
    if (branch.leaf == PathTree::kNoLeaf) {
      if (!old) return wrong_path();
      TRY(rebuild(branch, old, name));
      return 1;
    }
    const Action& action = plan_.actions[branch.leaf];
    switch (action.section) {
      case Section::kRemove:
        return 0;
      case Section::kAdd:
        return TRY(add(old, plan_.terms[action.term].value, name));
      case Section::kDelete:
        return TRY(subtract(old, plan_.terms[action.term].value, name));
      default:
        TRY(assign(plan_.terms[action.term], name));
        if (nodes_.size() - start_ > kNodesMax) return too_big();
        return 1;
    }
  }

  Status assign(const Term& term, std::string_view name) {
    nested_.clear();
    nested_nodes_ = 0;
    if (is_plain(term)) {
      const ValueView value = TRY(resolve(term));
      builder_.copy(value, name);
      return {};
    }
    return combine(term, builder_, name);
  }

  static bool is_plain(const Term& term) {
    return term.kind != Term::Kind::kListAppend && term.kind != Term::Kind::kAdd &&
           term.kind != Term::Kind::kSubtract;
  }

  // A sum or a list_append().
  Status combine(const Term& term, ItemBuilder& builder, std::string_view name) {
    TRY(check_functions(term));
    const Type type = term.kind == Term::Kind::kListAppend ? Type::kL : Type::kN;
    const ValueView left = TRY(operand(term.left, type));
    const ValueView right = TRY(operand(term.right, type));
    if (type == Type::kN)
      return write_sum(left, right, term.kind == Term::Kind::kSubtract, builder, name);
    const uint32_t list = builder.open(Type::kL, name);
    for (ValueView element : left) builder.copy(element, {});
    for (ValueView element : right) builder.copy(element, {});
    builder.close(list, left.size() + right.size());
    return {};
  }

  // The service resolves functions before it looks at the types of what is added or appended.
  Status check_functions(const Term& term) {
    for (uint32_t index : {term.left, term.right})
      if (plan_.terms[index].kind == Term::Kind::kIfNotExists) TRY(resolve(plan_.terms[index]));
    return {};
  }

  Result<ValueView> operand(uint32_t index, Type wanted) {
    const ValueView value = TRY(resolve(plan_.terms[index]));
    if (value.type() != wanted) return wrong_type();
    return value;
  }

  // The service needs what if_not_exists() would fall back to even when it does not.
  Result<ValueView> resolve(const Term& term) {
    if (term.kind == Term::Kind::kValue) return term.value;
    if (term.kind == Term::Kind::kPath) {
      const ValueView found = find_path(term.path.of(plan_.elements), item_);
      if (!found) return missing_attribute();
      return found;
    }
    if (!is_plain(term)) return resolve_nested(term);
    const ValueView found = find_path(plan_.terms[term.left].path.of(plan_.elements), item_);
    const ValueView otherwise = TRY(resolve(plan_.terms[term.right]));
    return found ? found : otherwise;
  }

  // A sum or list inside another term: kept until the action is done.
  Result<ValueView> resolve_nested(const Term& term) {
    std::vector<Node> made;
    ItemBuilder builder(made);
    TRY(combine(term, builder, {}));
    nested_nodes_ += made.size();
    if (nested_nodes_ > kNodesMax) return too_big();
    nested_.push_back(std::move(made));
    return ValueView(nested_.back().data());
  }

  Status write_sum(ValueView left, ValueView right, bool subtracts, ItemBuilder& builder,
                   std::string_view name) {
    const Number a = TRY(Number::parse(left.bytes())), b = TRY(Number::parse(right.bytes()));
    const auto sum = subtracts ? ddb::subtract(a, b) : ddb::add(a, b);
    if (!sum.ok()) return invalid_request(sum.error().message());
    char* text = out_.arena.allocate(kNumberTextMax);
    const size_t size = sum->write(text);
    out_.arena.shrink_last(text, kNumberTextMax, size);
    builder.scalar(Type::kN, {text, size}, name);
    return {};
  }

  Result<uint32_t> add(ValueView old, ValueView value, std::string_view name) {
    if (!old) {
      builder_.copy(value, name);
      return 1;
    }
    if (old.type() != value.type()) return wrong_type();
    if (value.type() == Type::kN) {
      TRY(write_sum(old, value, false, builder_, name));
      return 1;
    }
    const uint32_t set = builder_.open(value.type(), name);
    uint32_t members = old.size();
    for (ValueView member : old) builder_.copy(member, {});
    const Members had(old, value.size());
    for (ValueView member : value)
      if (!had.has(member.bytes())) {
        builder_.copy(member, {});
        ++members;
      }
    builder_.close(set, members);
    return 1;
  }

  Result<uint32_t> subtract(ValueView old, ValueView value, std::string_view name) {
    if (!old) return 0;
    if (old.type() != value.type()) return wrong_type();
    const size_t mark = nodes_.size();
    const uint32_t set = builder_.open(value.type(), name);
    uint32_t members = 0;
    const Members gone(value, old.size());
    for (ValueView member : old)
      if (!gone.has(member.bytes())) {
        builder_.copy(member, {});
        ++members;
      }
    builder_.close(set, members);
    if (members == 0) nodes_.resize(mark);
    return members == 0 ? 0 : 1;
  }

  const UpdatePlan& plan_;
  const ItemView item_;
  ItemBatch& out_;
  std::vector<Node>& nodes_;
  ItemBuilder builder_;
  size_t start_;
  std::vector<bool> seen_;  // children of maps that the old item has
  // What sums and lists inside the action's term gave.
  std::vector<std::vector<Node>> nested_;
  size_t nested_nodes_ = 0;
};

}  // namespace

Status Update::apply(ItemView old, ItemView key, ItemBatch& out) const {
  const size_t mark = out.nodes().size();
  Application application(*plan_, old ? old : key, out);
  if (Status status = application.run(); !status.ok()) {
    out.nodes().resize(mark);
    Status first = application.first_error();
    out.nodes().resize(mark);
    return first.ok() ? status : first;
  }
  out.add_root(static_cast<uint32_t>(mark), 0);
  return {};
}

bool Update::touched(ItemView item, Touched, ItemBatch& out) const {
  const size_t mark = out.nodes().size();
  if (!item || !plan_->tree.project(item, {}, out.nodes())) return false;
  out.add_root(static_cast<uint32_t>(mark), 0);
  return true;
}

}  // namespace offramp::ddb::expression
