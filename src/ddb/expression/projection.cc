// Projections: a list of paths, kept as a tree.
#include "ddb/expression/projection.h"

#include <set>

#include "ddb/expression/checks.h"
#include "ddb/expression/path_tree.h"

namespace offramp::ddb::expression {

struct ProjectionPlan {
  std::vector<PathElement> elements;
  std::vector<PathRange> paths;
  PathTree tree;
};

namespace {

std::vector<Path> views_of(const std::vector<PathRange>& paths,
                           const std::vector<PathElement>& elements) {
  std::vector<Path> views;
  views.reserve(paths.size());
  for (const PathRange& path : paths) views.push_back(path.of(elements));
  return views;
}

}  // namespace

Result<Projection> Projection::parse(std::string_view text, Placeholders& placeholders) {
  const auto parse = [&]() -> Result<Projection> {
    const Syntax syntax = TRY(parse_projection_syntax(text));
    TRY(check_words(syntax, Dialect::kApi, ExpressionKind::kProjection));
    std::vector<PathElement> elements;
    elements.reserve(syntax.parts.size());
    const std::vector<PathRange> paths =
        TRY(resolve_targets(syntax, syntax.paths, placeholders, elements));
    const std::vector<Path> views = views_of(paths, elements);
    PathTree tree(views);
    return Projection(std::make_shared<const ProjectionPlan>(
        ProjectionPlan{std::move(elements), std::move(paths), std::move(tree)}));
  };
  return TRY_CONTEXT("Invalid ProjectionExpression", parse());
}

Projection Projection::of_attributes(std::span<const std::string_view> names) {
  std::vector<PathElement> elements;
  std::vector<PathRange> paths;
  for (std::string_view name : names) {
    paths.push_back({static_cast<uint32_t>(elements.size()), 1});
    elements.push_back({name, 0, false});
  }
  PathTree tree(views_of(paths, elements));
  return Projection(std::make_shared<const ProjectionPlan>(
      ProjectionPlan{std::move(elements), std::move(paths), std::move(tree)}));
}

void Projection::apply(ItemView item, ItemBatch& out) const {
  std::vector<Node>& nodes = out.nodes();
  const auto root = static_cast<uint32_t>(nodes.size());
  if (!item || !plan_->tree.project(item, {}, nodes)) {
    ItemBuilder builder(nodes);
    builder.close(builder.open(Type::kM), 0);
  }
  out.add_root(root, 0);
}

std::vector<std::string> Projection::attributes() const {
  std::set<std::string> names;
  for (const PathRange& path : plan_->paths) names.emplace(plan_->elements[path.first].name);
  return {names.begin(), names.end()};
}

std::optional<std::string_view> Projection::reads_below(
    std::span<const std::string_view> names) const {
  return first_below(plan_->paths, plan_->elements, names);
}

}  // namespace offramp::ddb::expression
