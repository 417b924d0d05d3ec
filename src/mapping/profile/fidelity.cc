#include "mapping/profile/fidelity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ddb/wire_json.h"

namespace offramp::mapping::profile {
namespace {

constexpr size_t kCellBytesMax = 44;

std::string cut(std::string_view text) {
  if (text.size() <= kCellBytesMax) return std::string(text);
  size_t end = kCellBytesMax - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

// Characters, not bytes, so that columns stand straight.
size_t width_of(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// "0.4 %", never "0.0 %" for something nor "100.0 %" for not all.
std::string share(uint64_t part, uint64_t whole) {
  if (part == 0 || whole == 0) return "-";
  if (part == whole) return "100 %";
  double percent = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  return fmt::format("{:.1f} %", std::clamp(percent, 0.1, 99.9));
}

}  // namespace

std::string fidelity_text(const FidelityReport& report) {
  std::string out =
      fmt::format("Sample: {} of {} items\n", report.items_sampled, report.items_seen);
  std::vector<std::array<std::string, 7>> rows = {
      {"table", "attribute", "column", "type", "values", "by extra", "note"}};
  uint64_t dropped = 0;
  for (size_t i = 0; i < report.attributes.size(); ++i) {
    const AttributeFate& fate = report.attributes[i];
    dropped += fate.dropped;
    rows.push_back({cut(fate.table), cut(fate.attribute),
                    fate.column.empty() ? "extra" : cut(fate.column), fate.type,
                    fmt::format("{}", fate.values), share(fate.through_extra, fate.values),
                    i < report.notes.size() ? report.notes[i] : ""});
  }
  std::array<size_t, 7> widths{};
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], width_of(row[c]));
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      std::string padding(widths[c] - width_of(row[c]), ' ');
      bool number = c == 4 || c == 5;
      line += number ? padding + row[c] : row[c] + padding;
      line += "  ";
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  for (const NameFix& fix : report.name_fixes)
    out += fmt::format("Name: {}{} becomes {} ({})\n", fix.table.empty() ? "" : fix.table + ": ",
                       cut(fix.from), fix.to, fix.why);
  if (report.items_odd > report.items_keyless)
    out += fmt::format("{} sampled items have rare or odd keys: they go whole to the last table\n",
                       report.items_odd - report.items_keyless);
  if (report.items_keyless > 0)
    out += fmt::format("{} sampled items lack a usable key: they would be refused (dead letters)\n",
                       report.items_keyless);
  out += dropped == 0 ? "Losses: none. What no column holds exactly is kept, typed, in `extra`.\n"
                      : fmt::format("Losses: {} values are dropped by the plan.\n", dropped);
  return out;
}

std::string fidelity_json(const FidelityReport& report) {
  std::string out = fmt::format(
      "{{\"items_seen\":{},\"items_sampled\":{},\"items_odd\":{},\"items_keyless\":{},\"tables\":[",
      report.items_seen, report.items_sampled, report.items_odd, report.items_keyless);
  for (size_t i = 0; i < report.tables.size(); ++i)
    out += fmt::format("{}{{\"table\":{},\"items\":{}}}", i ? "," : "",
                       ddb::json_quoted(report.tables[i].table), report.tables[i].items);
  out += "],\"attributes\":[";
  for (size_t i = 0; i < report.attributes.size(); ++i) {
    const AttributeFate& fate = report.attributes[i];
    out += fmt::format(
        "{}{{\"table\":{},\"attribute\":{},\"column\":{},\"type\":{},\"values\":{},"
        "\"through_extra\":{},\"dropped\":{},\"note\":{}}}",
        i ? "," : "", ddb::json_quoted(fate.table), ddb::json_quoted(fate.attribute),
        fate.column.empty() ? "null" : ddb::json_quoted(fate.column), ddb::json_quoted(fate.type),
        fate.values, fate.through_extra, fate.dropped,
        ddb::json_quoted(i < report.notes.size() ? report.notes[i] : std::string()));
  }
  out += "],\"name_fixes\":[";
  for (size_t i = 0; i < report.name_fixes.size(); ++i) {
    const NameFix& fix = report.name_fixes[i];
    out += fmt::format("{}{{\"table\":{},\"from\":{},\"to\":{},\"why\":{}}}", i ? "," : "",
                       ddb::json_quoted(fix.table), ddb::json_quoted(fix.from),
                       ddb::json_quoted(fix.to), ddb::json_quoted(fix.why));
  }
  return out += "]}";
}

}  // namespace offramp::mapping::profile
