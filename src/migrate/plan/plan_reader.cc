// Plan text and plan files → Plan.
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

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

Result<Plan> parse_plan(std::string_view yaml, std::string path) {
  if (yaml.size() > kPlanBytesMax)
    return Error(ErrorKind::kConfig, "plan.too_large",
                 fmt::format("{}: a plan has at most {} bytes, this has {}", path, kPlanBytesMax,
                             yaml.size()));
  YamlNode::Ptr root = TRY(parse_yaml(yaml, path));
  Mistakes mistakes;
  Plan plan;
  MapReader map(*root, "the plan", {"version", "source", "target", "tables"}, mistakes);
  if (map.usable()) {
    if (!map.find("version"))
      map.mistake(*root, "the plan needs `version: 1`");
    else if (std::optional<int64_t> version = map.integer("version", 0, INT32_MAX);
             version && *version != 1)
      map.mistake(*map.find("version"),
                  fmt::format("version {} is not known; this offramp reads version 1", *version));
    if (const YamlNode* source = map.find("source"))
      plan.source = read_source(*source, mistakes);
    else
      map.mistake(*root, "the plan needs `source`");
    if (std::optional<std::string> target = map.text("target")) {
      plan.target = *target;
      if (plan.target.find(':') == std::string::npos)
        map.mistake(*map.find("target"), fmt::format("target '{}' is not a URL; e.g. sqlite:FILE "
                                                     "or postgresql://user@host/database",
                                                     shown(plan.target)));
      if (holds_secret(plan.target))
        map.mistake(*map.find("target"),
                    "the target's URL holds a password; take it out and give it by PGPASSWORD or a "
                    "pgpass file: a plan is no place for secrets");
    } else if (!map.find("target")) {
      map.mistake(*root, "the plan needs `target`, e.g. target: postgresql://user@host/database");
    }
    if (const YamlNode* tables = map.find("tables"))
      plan.tables = read_tables(*tables, plan.source.key, mistakes);
    else
      map.mistake(*root, "the plan needs `tables`");
  }
  if (!mistakes.empty()) return mistakes.error(path);
  plan.path = std::move(path);
  return plan;
}

Result<Plan> read_plan(const std::string& path) {
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
  return parse_plan(text, path);
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
