// Opening a migration's parts in the order in which a mistake is cheapest to report: plan, journal,
// mapping, target.
#include "migrate/migration.h"

#include <sys/stat.h>

#include "source/dump/dump_source.h"
#include "source/export/export_source.h"
#include "source/scan/scan_source.h"

namespace offramp::migrate {

std::string plan_fingerprint(const plan::Plan& plan) {
  // The read limits may be changed between runs; everything else decides what is loaded and where
  // to.
  plan::Plan content = plan;
  content.source.limits = {};
  return plan::write_plan(content);
}

source::scan::ScanOptions scan_options(const plan::Plan& plan, std::stop_token stop) {
  const plan::SourceSpec& spec = plan.source;
  source::scan::ScanOptions options;
  options.table = spec.table;
  options.region = spec.region;
  options.endpoint = spec.endpoint;
  options.segments = spec.load.segments;
  options.read_units_per_second = spec.limits.read_units_per_second;
  options.items_per_hour = spec.limits.items_per_hour;
  options.window = spec.limits.window;
  options.stop = std::move(stop);
  return options;
}

Result<std::unique_ptr<source::ItemSource>> open_source(
    const plan::Plan& plan, const std::string& stage_folder, std::stop_token stop,
    std::shared_ptr<source::scan::ReadBudget> budget,
    std::shared_ptr<ddb::client::CallCounts> calls) {
  const plan::SourceSpec& spec = plan.source;
  switch (spec.load.from) {
    case plan::LoadSpec::From::kExport: {
      source::exports::ExportOptions options;
      options.location = plan::resolve_path(plan, spec.load.path);
      for (const std::string& then : spec.load.then)
        options.then.push_back(plan::resolve_path(plan, then));
      if (!spec.key.partition.name.empty()) options.key = spec.key;
      options.stage_dir = stage_folder;
      options.s3_endpoint = spec.load.s3_endpoint;
      options.region = spec.region;
      options.stop = std::move(stop);
      return source::exports::open_export(std::move(options));
    }
    case plan::LoadSpec::From::kDump: {
      source::dump::DumpOptions options;
      options.path = plan::resolve_path(plan, spec.load.path);
      options.form = spec.load.plain ? ddb::JsonForm::kPlain : ddb::JsonForm::kTyped;
      options.stage_dir = stage_folder;
      return source::dump::open_dump(std::move(options));
    }
    case plan::LoadSpec::From::kScan: {
      source::scan::ScanOptions options = scan_options(plan, std::move(stop));
      options.budget = std::move(budget);
      options.counts = std::move(calls);
      return source::scan::open_scan(std::move(options));
    }
  }
  return Error(ErrorKind::kInternal, "source.kind", "unknown kind of source");
}

namespace {

Result<std::unique_ptr<Migration>> open_plan_and_journal(const std::string& plan_name,
                                                         Purpose purpose) {
  auto migration = std::make_unique<Migration>();
  migration->plan = TRY(plan::read_plan(plan_name));
  migration->folder = Workspace::folder_of(plan_name);
  if (purpose != Purpose::kRun) {
    struct stat info;
    if (::stat((migration->folder + "/journal.sqlite").c_str(), &info) != 0)
      return Error(ErrorKind::kConfig, "journal.none",
                   "this plan has not been run yet (there is no " + migration->folder +
                       "/journal.sqlite); start it with `offramp run " + plan_name + "`");
  }
  if (purpose != Purpose::kLook) migration->workspace = TRY(Workspace::open_exclusive(plan_name));
  migration->journal =
      TRY(Journal::open(migration->folder, purpose == Purpose::kRun ? Journal::Open::kCreate
                                                                    : Journal::Open::kExisting));
  if (auto id = TRY(migration->journal->fact("migration"))) migration->id = *id;
  if (migration->id.empty() && purpose != Purpose::kRun)
    return Error(ErrorKind::kConfig, "journal.none",
                 "this plan has not been started; start it with `offramp run " + plan_name + "`");
  if (auto before = TRY(migration->journal->fact("plan_fingerprint"));
      before && *before != plan_fingerprint(migration->plan))
    return Error(ErrorKind::kConfig, "plan.changed",
                 plan_name +
                     " was changed after its load began; undo the change (only `limits` may "
                     "differ), or start over "
                     "with a copy under another name and an empty target");
  return migration;
}

Status connect(Migration& migration, Purpose purpose) {
  std::string url = plan::resolve_target(migration.plan);
  const target::Entry* entry = TRY(target::find_entry(url));
  migration.mapping = TRY_CONTEXT(
      migration.plan.path,
      mapping::CompiledMapping::compile(migration.plan.tables, migration.plan.source.key,
                                        entry->capabilities().limits, migration.plan.move));
  migration.target = TRY(entry->open(url));
  if (purpose != Purpose::kRun) TRY(migration.target->attach(migration.mapping, migration.id));
  return {};
}

}  // namespace

Result<std::unique_ptr<Migration>> open_migration(const std::string& plan_name, Purpose purpose) {
  auto migration = TRY(open_plan_and_journal(plan_name, purpose));
  TRY(connect(*migration, purpose));
  return migration;
}

Result<std::unique_ptr<Migration>> open_for_status(const std::string& plan_name,
                                                   std::string& why_not) {
  auto migration = TRY(open_plan_and_journal(plan_name, Purpose::kLook));
  // Before prepare() has been recorded the target may know nothing of the migration; that is no
  // failure.
  migration->prepared = TRY(migration->journal->fact("prepared")).has_value();
  if (Status status = connect(*migration, migration->prepared ? Purpose::kLook : Purpose::kRun);
      !status.ok()) {
    why_not = status.error().message();
    migration->target.reset();
  }
  return migration;
}

}  // namespace offramp::migrate
