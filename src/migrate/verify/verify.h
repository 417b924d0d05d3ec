// Verify: both sides read in full, in both directions, and compared.
//
// Pass 1 sums item digests per bucket of key digests on both sides (a few MB, whatever the table's
// size). Only where buckets differ, pass 2 writes key and item digests of those buckets into a
// scratch file and compares key by key; pass 3 fetches both images of differing keys (the first
// details_max of them) to name the attributes. The source is compared as the plan maps it: items
// under `skip` and attributes under `drop` are left out and counted. Memory is bounded (C10);
// reports hold keys and attribute names, never other content (C12).
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/digest.h"
#include "ddb/item_batch.h"
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
  kSuspect,    // differed at first, while moving; in no report
};
std::string_view finding_name(Finding finding);

struct KeyFinding {
  Finding finding;
  std::string key_json;
  std::vector<std::string> attributes;  // of kDifferent: names whose values differ
};

// A migration whose changes are being applied while it is verified. Times are Unix ms of our clock.
class MovingTarget {
 public:
  virtual ~MovingTarget() = default;
  virtual int64_t now_ms() = 0;
  // Every change of the source up to here is at the target.
  virtual int64_t applied_until_ms() = 0;
  // Returns when every change up to `until_ms` is at the target (kCancelled at a stop).
  virtual Status wait_applied(int64_t until_ms) = 0;
  // Which of the watched keys have changed since watch().
  virtual void watch(std::span<const ddb::Digest> keys) = 0;
  virtual bool changed(const ddb::Digest& key) = 0;
  // The source's items now, strongly consistent.
  virtual Status lookup(std::span<const std::string_view> keys_json, ddb::ItemBatch& batch) = 0;
  // Makes keys what the source says, in the order of their changes; gives the number of keys.
  virtual Result<uint64_t> refresh(const std::vector<std::string>& keys_json) = 0;
};

struct Options {
  MovingTarget* moving = nullptr;  // null: nothing changes on either side
  int threads = 2;
  std::optional<uint64_t> sample;  // about this many items of the source, looked up at the target
  bool repair = false;
  bool only_repair = false;  // make the target equal to the source; no verdict, no report
  uint64_t details_max = 1000;
  std::stop_token stop;
};

struct Report {
  bool equal = false;  // no key is missing, extra, different or refused
  uint64_t source_items = 0, target_items = 0;
  uint64_t skipped = 0, dropped_values = 0;  // left behind by the plan
  uint64_t source_copies = 0;                // further copies of a key at the source
  uint64_t unreadable = 0;       // records of the source that are not items (dead letters)
  uint64_t unreadable_open = 0;  // of these, letters that are not waived
  uint64_t letters_open = 0;     // all open dead letters, copies of a key among them
  uint64_t missing = 0, extra = 0, different = 0, refused = 0, waived = 0;
  uint64_t repaired = 0;
  uint64_t suspects = 0;    // differed at first, while moving; settled since unless counted above
  uint64_t unsettled = 0;   // changed all the while, so nothing can be said of them
  std::string equal_until;  // while moving: both sides were compared as of this UTC time or later
  std::optional<uint64_t> sampled;
  std::vector<KeyFinding> findings;  // the first details_max
  std::string at;                    // UTC time of the verdict
  double seconds = 0;
};

// "2026-01-02T03:04:05Z" of Unix seconds.
std::string utc_text(std::time_t time);

Result<Report> verify(Migration& migration, Progress& progress, const Options& options);

std::string report_json(const Report& report, const Migration& migration);
// The way back; kCorrupt when the text is not ours.
Result<Report> parse_report(const std::string& json);
std::string report_markdown(const Report& report, const Migration& migration);
// Both, into PLAN.offramp/verify-report.{json,md} (0600).
Status write_reports(const Report& report, const Migration& migration);

}  // namespace offramp::migrate::verify
