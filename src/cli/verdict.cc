// Printing of a verification report for people.
#include "cli/verdict.h"

#include <fmt/format.h>

#include "cli/command.h"

namespace offramp::cli {

namespace {
constexpr size_t kFindingsShown = 10;
}

void print_verdict(const migrate::verify::Report& report, const std::string& folder) {
  using migrate::verify::KeyFinding;
  if (report.sampled)
    fmt::print("verify: {}: {} sampled items of the source looked up at the target",
               report.equal ? "equal" : "NOT EQUAL", with_commas(*report.sampled));
  else
    fmt::print("verify: {}: {} items at the source, {} at the target, both read in full",
               report.equal ? "equal" : "NOT EQUAL", with_commas(report.source_items),
               with_commas(report.target_items));
  fmt::print(" ({:.1f} s)\n", report.seconds);
  if (!report.equal_until.empty())
    fmt::print(
        "  changes went on meanwhile, so the two were counted at different moments: {} up to {}\n",
        report.equal ? "equal" : "compared", report.equal_until);
  auto count = [](uint64_t value, const char* what) {
    if (value) fmt::print("  {:>12} {}\n", with_commas(value), what);
  };
  count(report.missing, "missing at the target");
  count(report.extra, "extra at the target");
  count(report.different, "different");
  count(report.refused, "refused: in open dead letters");
  count(report.waived, "refused and waived");
  count(report.unreadable, "records of the source that are not items (dead letters)");
  count(report.skipped, "left behind as planned (skip)");
  count(report.dropped_values, "attribute values left behind as planned (drop)");
  count(report.source_copies, "further copies of a key at the source");
  count(report.repaired, "repaired");
  count(report.unsettled, "changed all the while: verify again to judge them");
  for (size_t i = 0; i < report.findings.size() && i < kFindingsShown; ++i) {
    const KeyFinding& finding = report.findings[i];
    std::string attributes;
    for (const std::string& name : finding.attributes)
      attributes += (attributes.empty() ? ": " : ", ") + name;
    fmt::print("  {} {}{}\n", finding_name(finding.finding), finding.key_json, attributes);
  }
  if (report.findings.size() > kFindingsShown) fmt::print("  … more in the report\n");
  fmt::print("  report: {}/verify-report.md and .json\n", folder);
}

}  // namespace offramp::cli
