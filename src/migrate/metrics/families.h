// The metrics by name: one table of what each is called, means and is taken from.
//
// Names: prefix offramp_, base units (seconds, bytes), _total for counters, label table. What is
// not known is NaN, so that every metric is in every scrape and a comparison with it is false.
// Pure.
#pragma once

#include <prometheus/metric_family.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "migrate/metrics/sample.h"

namespace offramp::migrate::metrics {

// What a process can be at; offramp_phase has one series for each.
constexpr std::array<std::string_view, 10> kPhases = {
    "starting",    "capturing", "waiting",   "loading",   "finishing",
    "catching up", "in sync",   "repairing", "verifying", "failed"};

struct TableSample {
  std::string table;
  Sample sample;
  bool healthy = true;
};

struct ProcessFacts {
  std::string version;
  int64_t started_ms = 0;  // Unix ms
};

// `now_ms`: Unix ms.
std::vector<prometheus::MetricFamily> make_families(const ProcessFacts& process,
                                                    const std::vector<TableSample>& tables,
                                                    int64_t now_ms);

}  // namespace offramp::migrate::metrics
