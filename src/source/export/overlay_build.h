// Building a chain's overlay from the incremental exports: every record of every window, file by
// file, each checked by MD5 and count. A record that cannot be read is an error: leaving it out
// would leave an older state standing (C6).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "source/export/export_store.h"
#include "source/export/overlay.h"

namespace offramp::source::exports {

struct Window {
  std::shared_ptr<ExportStore> store;
  Manifest manifest;
};

// `windows` oldest first. A complete overlay of the same chain at `path` is taken as it is.
Result<std::unique_ptr<Overlay>> open_or_build_overlay(const std::string& path,
                                                       const std::string& fingerprint,
                                                       const std::vector<Window>& windows);

}  // namespace offramp::source::exports
