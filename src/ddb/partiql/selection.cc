// SELECT's list: paths whose values come out flat.
#include <algorithm>

#include "ddb/expression/checks.h"
#include "ddb/expression/lexer.h"
#include "ddb/expression/path_tree.h"
#include "ddb/partiql/statement.h"
#include "ddb/partiql/syntax.h"

namespace offramp::ddb::partiql {

using expression::invalid_request;
using expression::Path;
using expression::PathElement;
using expression::PathRange;

struct Selection::Plan {
  std::vector<PathElement> elements;
  std::vector<PathRange> paths;
  std::vector<std::string> names;
  std::optional<expression::PathTree> tree;
};

namespace {

// The last name of the path with the indexes behind it: a.b[0] gives b[0].
std::string shown_name(Path path) {
  size_t at = path.size() - 1;
  while (path[at].is_index) --at;
  std::string name(path[at].name);
  for (++at; at < path.size(); ++at) name += "[" + std::to_string(path[at].index) + "]";
  return name;
}

}  // namespace

Result<std::optional<Selection>> Statement::selection() const {
  if (syntax_->selected.empty()) return std::optional<Selection>();
  auto plan = std::make_shared<Selection::Plan>();
  for (uint32_t node : syntax_->selected) {
    const SyntaxNode& path = syntax_->nodes[node];
    if (path.count > expression::kPathDepthMax)
      return invalid_request(expression::too_many_levels(path.count));
    plan->paths.push_back({static_cast<uint32_t>(plan->elements.size()), path.count});
    for (uint32_t i = path.first; i < path.first + path.count; ++i) {
      const PathPart& part = syntax_->parts[i];
      plan->elements.push_back({part.name, part.index, part.is_index});
    }
  }
  std::vector<Path> paths;
  for (const PathRange& path : plan->paths) {
    paths.push_back(path.of(plan->elements));
    std::string name = shown_name(paths.back());
    if (std::find(plan->names.begin(), plan->names.end(), name) != plan->names.end())
      return invalid_request("Duplicate identifiers in select clause: " + name);
    plan->names.push_back(std::move(name));
  }
  if (std::string clash = expression::path_clash(paths); !clash.empty())
    return invalid_request(std::move(clash));
  plan->tree.emplace(paths);
  return std::optional(Selection(std::move(plan)));
}

void Selection::apply(ItemView item, Form form, ItemBatch& out) const {
  std::vector<Node>& nodes = out.nodes();
  const auto start = static_cast<uint32_t>(nodes.size());
  ItemBuilder build(nodes);
  if (form == Form::kDocument && plan_->tree->project(item, {}, nodes))
    return out.add_root(start, 0);
  const uint32_t root = build.open(Type::kM);
  uint32_t members = 0;
  for (size_t i = 0; i < plan_->paths.size() && form == Form::kFlat; ++i) {
    const ValueView found = expression::find_path(plan_->paths[i].of(plan_->elements), item);
    if (!found) continue;
    build.copy(found, plan_->names[i]);
    ++members;
  }
  build.close(root, members);
  out.add_root(start, 0);
}

std::vector<std::string> Selection::attributes() const {
  std::vector<std::string> names;
  for (const PathRange& path : plan_->paths) {
    const std::string_view name = plan_->elements[path.first].name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  }
  return names;
}

std::optional<std::string_view> Selection::reads_below(
    std::span<const std::string_view> names) const {
  return expression::first_below(plan_->paths, plan_->elements, names);
}

}  // namespace offramp::ddb::partiql
