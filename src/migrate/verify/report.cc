// The report as JSON for programs and as Markdown for people. Keys and attribute names only (C12).
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ddb/digest.h"
#include "ddb/wire_json.h"
#include "io/file.h"
#include "migrate/migration.h"
#include "migrate/verify/verify.h"

namespace offramp::migrate::verify {
namespace {

std::string source_name(const Migration& migration) {
  const plan::SourceSpec& source = migration.plan.source;
  return source.load.from == plan::LoadSpec::From::kScan ? "dynamodb://" + source.table
                                                         : source.load.path;
}

}  // namespace

std::string report_json(const Report& report, const Migration& migration) {
  std::string out = fmt::format(
      "{{\"equal\":{},\"at\":{},\"plan\":{},\"source\":{},\"target\":{},\"source_items\":{},"
      "\"target_items\":{},"
      "\"missing\":{},\"extra\":{},\"different\":{},\"refused\":{},\"waived\":{},\"unreadable\":{},"
      "\"skipped\":{},"
      "\"dropped_values\":{},\"source_copies\":{},\"letters_open\":{},\"repaired\":{},\"suspects\":"
      "{},\"unsettled\":{},\"equal_until\":{},\"sampled\":{},\"digest_version\":{},\"seconds\":{:."
      "3f},"
      "\"findings\":[",
      report.equal, ddb::json_quoted(report.at), ddb::json_quoted(migration.plan.name()),
      ddb::json_quoted(source_name(migration)), ddb::json_quoted(migration.target->description()),
      report.source_items, report.target_items, report.missing, report.extra, report.different,
      report.refused, report.waived, report.unreadable, report.skipped, report.dropped_values,
      report.source_copies, report.letters_open, report.repaired, report.suspects, report.unsettled,
      report.equal_until.empty() ? "null" : ddb::json_quoted(report.equal_until),
      report.sampled ? std::to_string(*report.sampled) : "null", ddb::kDigestVersion,
      report.seconds);
  for (size_t i = 0; i < report.findings.size(); ++i) {
    const KeyFinding& finding = report.findings[i];
    out += fmt::format("{}{{\"finding\":\"{}\",\"key\":{},\"attributes\":[", i ? "," : "",
                       finding_name(finding.finding),
                       finding.key_json.empty() ? "null" : finding.key_json);
    for (size_t j = 0; j < finding.attributes.size(); ++j)
      out += (j ? "," : "") + ddb::json_quoted(finding.attributes[j]);
    out += "]}";
  }
  return out + "]}";
}

Result<Report> parse_report(const std::string& text) {
  auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.contains("equal"))
    return Error(ErrorKind::kCorrupt, "verify.report",
                 "the verify report is not what offramp writes");
  Report report;
  auto number = [&](const char* name, uint64_t& into) { into = json.value(name, uint64_t{0}); };
  report.equal = json.value("equal", false);
  report.at = json.value("at", "");
  number("source_items", report.source_items);
  number("target_items", report.target_items);
  number("missing", report.missing);
  number("extra", report.extra);
  number("different", report.different);
  number("refused", report.refused);
  number("waived", report.waived);
  number("unreadable", report.unreadable);
  number("skipped", report.skipped);
  number("dropped_values", report.dropped_values);
  number("source_copies", report.source_copies);
  number("letters_open", report.letters_open);
  number("repaired", report.repaired);
  number("suspects", report.suspects);
  number("unsettled", report.unsettled);
  if (json["equal_until"].is_string()) report.equal_until = json["equal_until"];
  if (json["sampled"].is_number()) report.sampled = json["sampled"].get<uint64_t>();
  report.seconds = json.value("seconds", 0.0);
  for (const auto& finding : json["findings"]) {
    KeyFinding one{Finding::kDifferent, finding["key"].dump(), {}};
    for (Finding kind : {Finding::kMissing, Finding::kExtra, Finding::kDifferent, Finding::kRefused,
                         Finding::kWaived})
      if (finding_name(kind) == finding["finding"]) one.finding = kind;
    for (const auto& name : finding["attributes"]) one.attributes.push_back(name);
    report.findings.push_back(std::move(one));
  }
  return report;
}

std::string report_markdown(const Report& report, const Migration& migration) {
  std::string out = fmt::format("# Verification: {}\n\n{} against {}, {} ({:.1f} s).\n\n",
                                report.equal ? "equal" : "NOT equal", source_name(migration),
                                migration.target->description(), report.at, report.seconds);
  if (!report.equal_until.empty())
    out += fmt::format("Changes went on meanwhile: both sides were compared as of {} or later.\n\n",
                       report.equal_until);
  if (report.sampled)
    out += fmt::format("A sample of {} items of the source was looked up at the target.\n\n",
                       *report.sampled);
  out += "| | items |\n|---|---|\n";
  auto row = [&](const char* name, uint64_t count) {
    out += fmt::format("| {} | {} |\n", name, with_commas(count));
  };
  row("at the source", report.source_items);
  row("at the target", report.target_items);
  row("missing at the target", report.missing);
  row("extra at the target", report.extra);
  row("different", report.different);
  row("refused (open dead letters)", report.refused);
  row("refused and waived", report.waived);
  row("records that are not items", report.unreadable);
  row("left behind by `skip`", report.skipped);
  row("attribute values left behind by `drop`", report.dropped_values);
  if (report.source_copies) row("further copies of a key at the source", report.source_copies);
  if (report.letters_open)
    row("open dead letters, further copies of keys among them", report.letters_open);
  if (report.repaired) row("repaired", report.repaired);
  if (report.suspects) row("differed at first, and were looked at again", report.suspects);
  if (report.unsettled)
    row("changed all the while, so nothing can be said of them", report.unsettled);
  if (!report.findings.empty()) {
    out += "\n| finding | key | attributes |\n|---|---|---|\n";
    for (const KeyFinding& finding : report.findings) {
      std::string attributes;
      for (const std::string& name : finding.attributes)
        attributes += (attributes.empty() ? "" : ", ") + name;
      out += fmt::format("| {} | `{}` | {} |\n", finding_name(finding.finding), finding.key_json,
                         attributes);
    }
    uint64_t all =
        report.missing + report.extra + report.different + report.refused + report.waived;
    if (all > report.findings.size())
      out += fmt::format("\n{} more findings are not listed.\n",
                         with_commas(all - report.findings.size()));
  }
  return out;
}

Status write_reports(const Report& report, const Migration& migration) {
  TRY(io::write_file(migration.folder + "/verify-report.json",
                     report_json(report, migration) + "\n", 0600));
  return io::write_file(migration.folder + "/verify-report.md", report_markdown(report, migration),
                        0600);
}

}  // namespace offramp::migrate::verify
