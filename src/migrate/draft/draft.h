// `offramp plan`: a sample of the source becomes a plan that a person reads and edits.
//
// The key comes from the source (DescribeTable, incremental exports), else from the caller, else
// from the sample when only one reading is possible. Nothing is written to the target.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "mapping/profile/propose.h"
#include "migrate/plan/plan.h"
#include "migrate/progress.h"

namespace offramp::migrate::draft {

constexpr uint64_t kSampleDefault = 100'000;

struct DraftOptions {
  std::string source_url, target_url, output;
  std::vector<std::string> then;  // incremental exports
  std::string key;                // "PK" or "PK,SK"; empty: find it
  std::string region, s3_endpoint;
  bool plain = false;
  std::string capture;  // "streams", "none"; empty: streams when the table's stream is on already
  uint64_t sample = kSampleDefault;
  bool overwrite = false;
  std::stop_token stop;
};

struct Draft {
  plan::Plan plan;
  mapping::profile::FidelityReport fidelity;
  std::string key_origin;  // "from the incremental exports", "inferred from 500 items", …
  std::vector<std::string> remarks;
  uint64_t sampled = 0, unreadable = 0;
  bool written_through = false;  // the output is a pipe or device, not a file
};

// Writes options.output (and PLAN.offramp/ where the source needs staging). An output that is no
// regular file (a pipe, /dev/stdout) is written through; paths in such a plan stay as they were
// typed.
Result<Draft> draft_plan(const DraftOptions& options, Progress& progress);

}  // namespace offramp::migrate::draft
