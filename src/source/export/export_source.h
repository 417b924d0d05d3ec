// An S3 export of a table as an ItemSource: a full export, or one with the incremental exports that
// follow it.
//
// What is true:
// - Files are found through the manifest only. Every data file's MD5 is checked before one of its
// records is given out,
//   record counts are checked per file and in sum; a missing file, wrong sum or count stops the run
//   (C6).
// - A chain reads as the table's state at the end of its last window: the incrementals are gathered
// in
//   stage_dir/overlay.sqlite, items of the full export whose key is there are left out, and a last
//   partition "changes" gives the images out. The source is static, so load and verify see the same
//   items.
// - Partitions are data files (id = the file's key), in the manifest's order, then "changes" if
// there is a chain.
// - Objects of a bucket are staged in stage_dir, one per open reader, and removed with it. Staged
// files and the overlay
//   hold items and have mode 0600.
// Thread-safe as ItemSource demands: everything is constant after open_export() but the overlay,
// guarded by mutex_.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "source/item_source.h"

namespace offramp::source::exports {

struct ExportOptions {
  std::string
      location;  // a folder, its manifest-summary.json, or s3://bucket/[prefix/]AWSDynamoDB/ID
  std::vector<std::string> then;        // the incremental exports that follow it, in any order
  std::optional<model::KeySchema> key;  // the table's key, when the caller knows it
  std::string stage_dir;  // an existing folder for staged files; needed for s3:// and for chains
  std::string s3_endpoint, region;
  std::stop_token stop;  // ends waits and transfers of a bucket's objects with kCancelled
};

// Reads the manifests and checks the chain; touches no data file.
Result<std::unique_ptr<ItemSource>> open_export(ExportOptions options);

}  // namespace offramp::source::exports
