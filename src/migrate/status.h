// What is known about a migration: phase, progress, letters, and what a resume would do.
//
// Derived from the journal's facts and the target's durable positions; nothing is written.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/journal.h"
#include "migrate/live_state.h"
#include "migrate/load_token.h"
#include "migrate/migration.h"

namespace offramp::migrate {

enum class Phase {
  kNotStarted,
  kCapturing,
  kLoading,
  kFinishing,
  kLoaded,
  kCatchingUp,
  kInSync,
  kGap,
  kVerified,
  kDiffers
};
std::string_view phase_name(Phase phase);

struct PartitionStatus {
  std::string id;
  std::optional<uint64_t> items;
  uint64_t records = 0;  // durable
  bool done = false;
};

struct MigrationStatus {
  Phase phase = Phase::kNotStarted;
  bool running = false;            // a process holds the plan's lock
  std::string target;              // description; empty when it cannot be reached
  std::string target_unreachable;  // why
  std::vector<PartitionStatus> partitions;
  uint64_t partitions_done = 0, records = 0;
  std::optional<uint64_t> records_total;
  LoadCounts counts;
  Journal::LetterCounts letters;
  std::string verified;           // "equal at …"
  bool captures = false;          // the plan says `capture: streams`
  std::optional<LiveState> live;  // what the process that captures said last
  int64_t retention_ms = 0;
  std::string gap;         // what may be missing; empty: nothing
  bool repairing = false;  // a repair of the gap was begun
  // What the same `run` command would do now, and why that is safe: sentences.
  std::vector<std::string> resume;
};

Result<MigrationStatus> read_status(const std::string& plan_path);
// "oldest unread record expires in 21 h 12 min", or empty when there is nothing to say. `now_ms`:
// Unix ms.
std::string expiry_text(const MigrationStatus& status, int64_t now_ms);
std::string status_json(const MigrationStatus& status, const std::string& plan_path);

}  // namespace offramp::migrate
