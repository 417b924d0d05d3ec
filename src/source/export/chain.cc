#include "source/export/chain.h"

#include <fmt/format.h>

#include <algorithm>

namespace offramp::source::exports {
namespace {

Error gap(Time covered, const Manifest& next) {
  return Error(ErrorKind::kGap, "export.chain_gap",
               fmt::format("the exports cover everything up to {}, but the next window ({}) begins "
                           "at {}; export the "
                           "missing window {} … {} and give it too",
                           format_time(covered), next.export_arn, format_time(next.from_time),
                           format_time(covered), format_time(next.from_time)));
}

Status check_same_table(const Manifest& full, const Manifest& other) {
  if (other.kind != Kind::kIncremental) {
    return Error(ErrorKind::kConfig, "export.not_incremental",
                 fmt::format("{} is a full export; only incremental exports can follow one",
                             other.export_arn));
  }
  if (other.table_arn == full.table_arn && other.table_id == full.table_id) return {};
  return Error(
      ErrorKind::kConfig, "export.tables_differ",
      fmt::format("tables differ: {} is of {} (id {}), {} of {} (id {}); give exports of one table",
                  full.export_arn, full.table_arn, full.table_id, other.export_arn, other.table_arn,
                  other.table_id));
}

}  // namespace

Result<Chain> check_chain(const Manifest& full, const std::vector<Manifest>& incrementals) {
  Chain chain;
  if (full.kind != Kind::kFull) {
    return Error(
        ErrorKind::kConfig, "export.not_full",
        fmt::format(
            "{} is an incremental export, {} … {}; name the full export that it follows first",
            full.export_arn, format_time(full.from_time), format_time(full.to_time)));
  }
  for (size_t i = 0; i < incrementals.size(); ++i) {
    const Manifest& window = incrementals[i];
    TRY(check_same_table(full, window));
    if (window.to_time <= full.export_time) {
      chain.remarks.push_back(fmt::format(
          "The incremental export {} ends at {}, before the full export's time {}; it "
          "adds nothing and is not read.",
          window.export_arn, format_time(window.to_time), format_time(full.export_time)));
      continue;
    }
    chain.order.push_back(i);
  }
  std::sort(chain.order.begin(), chain.order.end(), [&](size_t a, size_t b) {
    return incrementals[a].from_time < incrementals[b].from_time;
  });
  Time covered = full.export_time;
  for (size_t n = 0; n < chain.order.size(); ++n) {
    const Manifest& window = incrementals[chain.order[n]];
    if (window.from_time > covered) {
      auto distance = window.from_time - covered;
      if (n > 0 || distance > kFirstWindowSlack) return gap(covered, window);
      chain.remarks.push_back(fmt::format(
          "The first incremental window begins at {}, {:.3f} s after the full export's time {}. "
          "Export times are exact "
          "only to a minute; changes in between may be missing unless nothing was written then.",
          format_time(window.from_time), static_cast<double>(distance.count()) / 1000,
          format_time(covered)));
    }
    covered = std::max(covered, window.to_time);
  }
  if (!chain.order.empty() && covered < full.export_time + std::chrono::minutes(1)) {
    chain.remarks.push_back(
        fmt::format("The last incremental window ends at {}, within a minute of the full export's "
                    "time {}. Export times are exact "
                    "only to a minute, so an item may be older than in the full export.",
                    format_time(covered), format_time(full.export_time)));
  }
  std::sort(chain.order.begin(), chain.order.end(), [&](size_t a, size_t b) {
    const Manifest &x = incrementals[a], &y = incrementals[b];
    return std::tie(x.to_time, x.from_time) < std::tie(y.to_time, y.from_time);
  });
  return chain;
}

}  // namespace offramp::source::exports
