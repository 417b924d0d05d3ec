// `offramp run`: load, finish, verify; resumable at any instant by the same command (C9).
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/load.h"
#include "migrate/migration.h"
#include "migrate/progress.h"
#include "migrate/verify/verify.h"

namespace offramp::migrate {

enum class Until { kLoaded, kVerified };

struct RunOptions {
  Until until = Until::kVerified;
  int loaders = 0;  // 0: what the target says
  std::stop_token stop;
};

struct RunOutcome {
  bool already_loaded = false;  // an earlier run had finished the load
  LoadOutcome load;
  uint64_t identical_copies_removed = 0;
  uint64_t keys_in_two_tables = 0;  // of which one image stayed, the others are dead letters
  std::vector<std::pair<std::string, uint64_t>> rows;  // per table
  Journal::LetterCounts letters;
  std::optional<verify::Report> verified;
  std::vector<std::string> remarks;
  double seconds = 0;
};

Result<RunOutcome> run(Migration& migration, Progress& progress, const RunOptions& options);

}  // namespace offramp::migrate
