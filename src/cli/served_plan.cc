// The journal says whether a table is loaded; the plan says all else.
#include "cli/served_plan.h"

#include "migrate/journal.h"
#include "migrate/plan/plan.h"
#include "migrate/workspace.h"

namespace offramp::cli {
namespace {

Status check_loaded(const std::string& plan) {
  if (migrate::Workspace::is_held(plan))
    return Error(ErrorKind::kConflict, "serve.migration_runs",
                 "another process works on " + plan +
                     "; stop it first: while changes of the source are applied, what is "
                     "written here would be overwritten");
  auto not_loaded = [&](const std::string& why) {
    return Error(ErrorKind::kConfig, "serve.not_loaded",
                 plan + " " + why + "; load it first with `offramp run " + plan + "`");
  };
  auto journal = migrate::Journal::open(migrate::Workspace::folder_of(plan),
                                        migrate::Journal::Open::kExisting);
  if (!journal.ok()) return not_loaded("has not been run yet (" + journal.error().message() + ")");
  if (!TRY((*journal)->fact("loaded"))) return not_loaded("has not finished its load");
  migrate::Journal::LetterCounts letters = TRY((*journal)->letter_counts());
  if (letters.open > 0)
    return Error(ErrorKind::kConflict, "serve.letters",
                 plan + " has " + std::to_string(letters.open) +
                     " open dead letters: items that would be missing; see "
                     "`offramp letters " +
                     plan + " list`");
  return {};
}

std::vector<target::ServedIndex> served_indexes(const std::vector<model::SecondaryIndex>& indexes) {
  std::vector<target::ServedIndex> out;
  for (const model::SecondaryIndex& index : indexes)
    out.push_back({index.name, index.partition, index.sort, index.local});
  return out;
}

}  // namespace

Result<ServedPlan> read_served_plan(const std::string& plan_name) {
  ServedPlan out;
  for (const std::string& name : TRY(migrate::plan::plan_names(plan_name))) {
    migrate::plan::Plan plan = TRY(migrate::plan::read_plan(name));
    TRY(check_loaded(name));
    if (plan.source.table.empty() || plan.source.key.partition.name.empty())
      return Error(
          ErrorKind::kConfig, "serve.no_name",
          name +
              " does not say the source's table and key; add `table:` and `key:` under `source:`");
    ServedPlan::Table table;
    table.served.name = plan.source.table;
    table.served.id = "plan:" + plan.source.table;
    table.served.key = plan.source.key;
    table.served.indexes = served_indexes(plan.source.indexes);
    table.served.made_here = false;
    table.indexes = plan.source.indexes;
    table.spec = plan.tables;
    table.move = plan.move;
    out.target = migrate::plan::resolve_target(plan);
    out.tables.push_back(std::move(table));
  }
  return out;
}

Status bind(ServedPlan::Table& table, const mapping::Limits& limits) {
  table.served.mapping =
      TRY(mapping::CompiledMapping::compile(table.spec, table.served.key, limits, table.move));
  return {};
}

}  // namespace offramp::cli
