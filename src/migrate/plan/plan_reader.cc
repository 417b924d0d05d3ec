// Plan text and plan files → Plan.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "migrate/plan/plan_name.h"
#include "migrate/plan/readers.h"

namespace offramp::migrate::plan {

std::string_view load_from_name(LoadSpec::From from) {
  switch (from) {
    case LoadSpec::From::kScan:
      return "scan";
    case LoadSpec::From::kExport:
      return "export";
    case LoadSpec::From::kDump:
      return "dump";
  }
  return "?";
}

namespace {

std::string joined_names(const PlanFile& file) {
  std::string out;
  for (const Plan& move : file.moves) out += (out.empty() ? "" : ", ") + move.name();
  return out;
}

void read_target(const MapReader& map, PlanFile& file) {
  if (std::optional<std::string> target = map.text("target")) {
    file.target = *target;
    if (file.target.find(':') == std::string::npos)
      map.mistake(*map.find("target"), fmt::format("target '{}' is not a URL; e.g. sqlite:FILE "
                                                   "or postgresql://user@host/database",
                                                   shown(file.target)));
    if (holds_secret(file.target))
      map.mistake(*map.find("target"),
                  "the target's URL holds a password; take it out and give it by PGPASSWORD or a "
                  "pgpass file: a plan is no place for secrets");
  } else if (!map.find("target")) {
    map.mistake(map.node(),
                "the plan needs `target`, e.g. target: postgresql://user@host/database");
  }
}

void read_single(const MapReader& map, PlanFile& file, Mistakes& mistakes) {
  Plan& plan = file.moves.emplace_back();
  if (const YamlNode* limits = map.find("limits"))
    map.mistake(
        *limits,
        "`limits` here are what several `moves` share; of a single `source` they stand in it");
  if (const YamlNode* source = map.find("source"))
    plan.source = read_source(*source, mistakes);
  else
    map.mistake(map.node(), "the plan needs `source`");
  if (const YamlNode* tables = map.find("tables"))
    plan.tables = read_tables(*tables, plan.source.key, mistakes);
  else
    map.mistake(map.node(), "the plan needs `tables`");
}

void read_several(const MapReader& map, PlanFile& file, Mistakes& mistakes) {
  file.several = true;
  for (const char* key : {"source", "tables"})
    if (const YamlNode* value = map.find(key))
      map.mistake(
          *value,
          fmt::format("`{}` does not go with `moves`: make it the `{}` of one of them", key, key));
  const YamlNode* limits = map.find("limits");
  if (limits) file.limits = read_limits(*limits, "limits", mistakes);
  read_moves(*map.find("moves"), limits, file, mistakes);
}

}  // namespace

Result<PlanFile> parse_plan_file(std::string_view yaml, std::string path) {
  if (yaml.size() > kPlanBytesMax)
    return Error(ErrorKind::kConfig, "plan.too_large",
                 fmt::format("{}: a plan has at most {} bytes, this has {}", path, kPlanBytesMax,
                             yaml.size()));
  YamlNode::Ptr root = TRY(parse_yaml(yaml, path));
  Mistakes mistakes;
  PlanFile file;
  MapReader map(*root, "the plan", {"version", "source", "target", "tables", "moves", "limits"},
                mistakes);
  if (map.usable()) {
    if (!map.find("version"))
      map.mistake(*root, "the plan needs `version: 1`");
    else if (std::optional<int64_t> version = map.integer("version", 0, INT32_MAX);
             version && *version != 1)
      map.mistake(*map.find("version"),
                  fmt::format("version {} is not known; this offramp reads version 1", *version));
    read_target(map, file);
    if (map.find("moves"))
      read_several(map, file, mistakes);
    else
      read_single(map, file, mistakes);
  }
  if (!mistakes.empty()) return mistakes.error(path);
  file.path = std::move(path);
  for (Plan& plan : file.moves) {
    plan.version = file.version;
    plan.target = file.target;
    plan.path = file.path;
  }
  return file;
}

Result<Plan> parse_plan(std::string_view yaml, std::string path) {
  PlanFile file = TRY(parse_plan_file(yaml, std::move(path)));
  if (!file.several) return std::move(file.moves[0]);
  return Error(ErrorKind::kConfig, "plan.moves",
               fmt::format("{} moves {} tables; name one of them: {}", file.path, file.moves.size(),
                           joined_names(file)));
}

Result<PlanFile> read_plan_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text;
  std::error_code code;
  if (!in || std::filesystem::is_directory(path, code))
    return Error(ErrorKind::kConfig, "plan.unreadable",
                 fmt::format("cannot read the plan {}: {}; `offramp plan SOURCE TARGET -o {}` "
                             "writes one",
                             path, in ? "it is a folder" : std::strerror(errno), path));
  text.resize(kPlanBytesMax + 1);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (in.bad())
    return Error(ErrorKind::kConfig, "plan.unreadable",
                 fmt::format("cannot read the plan {} to its end", path));
  return parse_plan_file(text, path);
}

Result<Plan> read_plan(const std::string& name) {
  PlanName wanted = PlanName::parse(name);
  PlanFile file = TRY(read_plan_file(wanted.path));
  if (!file.several && wanted.table.empty()) return std::move(file.moves[0]);
  if (!file.several)
    return Error(ErrorKind::kConfig, "plan.single",
                 fmt::format("{} has one source and no `moves`; name it without '::{}'", file.path,
                             shown(wanted.table)));
  if (wanted.table.empty())
    return Error(ErrorKind::kConfig, "plan.moves",
                 fmt::format("{} moves {} tables; name one of them: {}", file.path,
                             file.moves.size(), joined_names(file)));
  std::vector<std::string_view> tables;
  for (Plan& move : file.moves) {
    if (move.move == wanted.table) return std::move(move);
    tables.push_back(move.move);
  }
  return Error(ErrorKind::kConfig, "plan.no_move",
               fmt::format("{} does not move a table '{}'{}", file.path, shown(wanted.table),
                           suggestion(wanted.table, tables)));
}

Result<std::vector<std::string>> plan_names(const std::string& name) {
  std::vector<std::string> names;
  if (PlanName wanted = PlanName::parse(name); wanted.table.empty()) {
    for (const Plan& move : TRY(read_plan_file(wanted.path)).moves) names.push_back(move.name());
  } else {
    names.push_back(TRY(read_plan(name)).name());
  }
  return names;
}

std::string resolve_path(const Plan& plan, std::string_view path) {
  if (path.empty() || path.starts_with('/') || path.find("://") != std::string_view::npos)
    return std::string(path);
  std::filesystem::path folder = std::filesystem::path(plan.path).parent_path();
  return (folder / path).lexically_normal().string();
}

std::string resolve_target(const Plan& plan) {
  constexpr std::string_view kFileScheme = "sqlite:";
  if (!plan.target.starts_with(kFileScheme)) return plan.target;
  std::string_view file = std::string_view(plan.target).substr(kFileScheme.size());
  if (file.starts_with("//") || file.starts_with(':')) return plan.target;  // sqlite:///x, :memory:
  return std::string(kFileScheme) + resolve_path(plan, file);
}

}  // namespace offramp::migrate::plan
