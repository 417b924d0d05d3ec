// Whether a full export and the incremental exports given with it make one gapless story of one
// table.
//
// Pure functions over manifests; docs/adr/0004-export-chain-windows.md says why the first window
// may begin up to kFirstWindowSlack after the full export's time. Overlapping windows are fine; a
// gap is kGap and names both times.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "source/export/manifest.h"

namespace offramp::source::exports {

constexpr std::chrono::milliseconds kFirstWindowSlack = std::chrono::seconds(120);

struct Chain {
  // Indexes into the incrementals, ordered by the end of their window: of two records with one key,
  // the one of the later window is newer. Windows that end before the full export's time are left
  // out (their changes are in it).
  std::vector<size_t> order;
  std::vector<std::string> remarks;
};

Result<Chain> check_chain(const Manifest& full, const std::vector<Manifest>& incrementals);

}  // namespace offramp::source::exports
