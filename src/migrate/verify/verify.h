// Verify: both sides read in full, in both directions, and compared.
//
// Pass 1 sums item digests per bucket of key digests on both sides (a few MB, whatever the table's size). Only where
// buckets differ, pass 2 writes key and item digests of those buckets into a scratch file and compares key by key; pass 3
// fetches both images of differing keys (the first details_max of them) to name the attributes. The source is compared as
// the plan maps it: items under `skip` and attributes under `drop` are left out and counted. Memory is bounded (C10);
// reports hold keys and attribute names, never other content (C12).
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "migrate/progress.h"

namespace offramp::migrate {
struct Migration;
}

namespace offramp::migrate::verify {

enum class Finding {
  kMissing,    // at the source, not at the target
  kExtra,      // at the target, not at the source
  kDifferent,  // at both, with different attributes
  kRefused,    // at the source and in an open dead letter
  kWaived,     // at the source and in a waived dead letter
};
std::string_view finding_name(Finding finding);

struct KeyFinding {
  Finding finding;
  std::string key_json;
  std::vector<std::string> attributes;  // of kDifferent: names whose values differ
};

struct Options {
  int threads = 2;
  std::optional<uint64_t> sample;  // about this many items of the source, looked up at the target
  bool repair = false;
  uint64_t details_max = 1000;
  std::stop_token stop;
};

struct Report {
  bool equal = false;  // no key is missing, extra, different or refused
  uint64_t source_items = 0, target_items = 0;
  uint64_t skipped = 0, dropped_values = 0;  // left behind by the plan
  uint64_t source_copies = 0;                // further copies of a key at the source
  uint64_t unreadable = 0;                   // records of the source that are not items (dead letters)
  uint64_t unreadable_open = 0;              // of these, letters that are not waived
  uint64_t letters_open = 0;                 // all open dead letters, copies of a key among them
  uint64_t missing = 0, extra = 0, different = 0, refused = 0, waived = 0;
  uint64_t repaired = 0;
  std::optional<uint64_t> sampled;
  std::vector<KeyFinding> findings;  // the first details_max
  std::string at;                    // UTC time of the verdict
  double seconds = 0;
};

Result<Report> verify(Migration& migration, Progress& progress, const Options& options);

std::string report_json(const Report& report, const Migration& migration);
std::string report_markdown(const Report& report, const Migration& migration);
// Both, into PLAN.offramp/verify-report.{json,md} (0600).
Status write_reports(const Report& report, const Migration& migration);

}  // namespace offramp::migrate::verify
