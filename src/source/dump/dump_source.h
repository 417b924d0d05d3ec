// A dump file as an ItemSource: `aws dynamodb scan` output, BatchWriteItem requests, arrays or
// lines of items, gzip or not.
//
// What is true:
// - One file is one partition. Memory is bounded by a batch and the largest record
// (kRecordBytesMax), never by the file.
// - A record that is no item becomes a BadRecord with its bytes and offset (C7). A file whose
// structure ends or breaks
//   is kCorrupt at that offset, after the items before it have been given out (C6).
// - A position is the record's number and its offset in the inflated text; resume reads the file
// again from the start,
//   passes over the records before it and refuses another file (by fingerprint, and when the offset
//   does not fit).
// - Standard input is copied to stage_dir/stdin.dump (mode 0600) first, since a load may have to
// read it again; with
//   nothing on standard input, the copy of an earlier run is used.
// Thread-safe as ItemSource demands: all is constant after open_dump().
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "ddb/wire_json.h"
#include "source/item_source.h"

namespace offramp::source::dump {

constexpr size_t kRecordBytesMax = 32 * 1024 * 1024;

struct DumpOptions {
  std::string path;                            // "-" = standard input
  ddb::JsonForm form = ddb::JsonForm::kTyped;  // or kPlain
  std::string stage_dir;                       // an existing folder, needed for standard input
};

Result<std::unique_ptr<ItemSource>> open_dump(DumpOptions options);

}  // namespace offramp::source::dump
