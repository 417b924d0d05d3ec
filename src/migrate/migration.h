// Migration: plan, journal, source, target and mapping of one plan file, opened for a command.
//
// Members are opened in the order below and closed in reverse.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "mapping/compiled_mapping.h"
#include "migrate/journal.h"
#include "migrate/plan/plan.h"
#include "migrate/workspace.h"
#include "source/item_source.h"
#include "source/scan/scan_source.h"
#include "target/registry.h"

namespace offramp::migrate {

enum class Purpose {
  kRun,   // takes the lock and may start the migration
  kWork,  // takes the lock; the migration must have been started (verify, letters retry)
  kLook,  // reads only, also while another process runs (status, letters list, dump)
};

struct Migration {
  plan::Plan plan;
  std::unique_ptr<Workspace> workspace;  // empty for kLook
  std::string folder;
  std::unique_ptr<Journal> journal;
  std::string id;         // empty until the migration has been started
  bool prepared = false;  // by a run: the target is prepared; by open_for_status(): it is attached
                          // and has positions
  std::unique_ptr<target::Target> target;
  std::shared_ptr<const mapping::CompiledMapping> mapping;
  std::unique_ptr<source::ItemSource> source;
  const std::shared_ptr<ddb::client::CallCounts> source_calls =
      std::make_shared<ddb::client::CallCounts>();
};

// Reads and checks the plan, opens the journal, connects to the target, compiles the mapping and,
// unless kRun, attaches the target to it. The source is opened by open_source() where it is needed.
// A plan whose content changed since its load began is refused (kConfig).
Result<std::unique_ptr<Migration>> open_migration(const std::string& plan_name, Purpose purpose);

// Like open_migration() for kLook, but a target that cannot be reached is left empty with the
// reason in `why_not`.
Result<std::unique_ptr<Migration>> open_for_status(const std::string& plan_name,
                                                   std::string& why_not);

// The plan's source; staged files and overlays go into `stage_folder`. `stop` ends its waits and
// requests (kCancelled). A scan reads within `budget`, which others may share; without one, within
// the plan's limits. Its repeated calls are counted in `calls`.
Result<std::unique_ptr<source::ItemSource>> open_source(
    const plan::Plan& plan, const std::string& stage_folder, std::stop_token stop = {},
    std::shared_ptr<source::scan::ReadBudget> budget = nullptr,
    std::shared_ptr<ddb::client::CallCounts> calls = nullptr);

// How the plan's table is read by Scan and by key: address and limits.
source::scan::ScanOptions scan_options(const plan::Plan& plan, std::stop_token stop = {});

// The text that a plan's load depends on: what was written into the journal when the load began.
std::string plan_fingerprint(const plan::Plan& plan);

}  // namespace offramp::migrate
