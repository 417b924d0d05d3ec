// What is known about a migration: phase, progress, letters, and what a resume would do.
//
// Derived from the journal's facts and the target's durable positions; nothing is written.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/journal.h"
#include "migrate/load_token.h"
#include "migrate/migration.h"

namespace offramp::migrate {

enum class Phase { kNotStarted, kLoading, kFinishing, kLoaded, kVerified, kDiffers };
std::string_view phase_name(Phase phase);

struct PartitionStatus {
  std::string id;
  std::optional<uint64_t> items;
  uint64_t records = 0;  // durable
  bool done = false;
};

struct MigrationStatus {
  Phase phase = Phase::kNotStarted;
  bool running = false;           // a process holds the plan's lock
  std::string target;             // description; empty when it cannot be reached
  std::string target_unreachable; // why
  std::vector<PartitionStatus> partitions;
  uint64_t partitions_done = 0, records = 0;
  std::optional<uint64_t> records_total;
  LoadCounts counts;
  Journal::LetterCounts letters;
  std::string verified;           // "equal at …"
  // What the same `run` command would do now, and why that is safe: sentences.
  std::vector<std::string> resume;
};

Result<MigrationStatus> read_status(const std::string& plan_path);
std::string status_json(const MigrationStatus& status, const std::string& plan_path);

}  // namespace offramp::migrate
