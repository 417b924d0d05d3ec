// Ion text in: the lines of an S3 export in ION format, `$ion_1_0 {Item:{…}}`, become nodes.
//
// What is true:
// - Zero-copy: strings and names without escapes, and numbers that are canonical already, point
// into the caller's
//   text, which must outlive the nodes; everything else is put into batch.arena. No padding is
//   needed.
// - The text is UTF-8 (checked first) and at most kTextBytesMax; depth is bounded by ddb::kDepthMax
// (C10).
// - A decimal or int becomes N by exact arithmetic (C11). An Ion float, timestamp, symbol, clob or
// s-expression has no
//   DynamoDB type and is refused rather than guessed (C7).
// - On error (kBadItem, with the byte offset in the text and no content of it) nothing is appended
// to the batch. Not thread-safe; one decoder per thread. Source of the mapping: the developer
// guide's "DynamoDB table export output format" and the Ion 1.0 specification.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "ddb/ion/ion_scanner.h"
#include "ddb/item_batch.h"

namespace offramp::ddb::ion {

constexpr size_t kTextBytesMax = size_t{1} << 30;

// One line of an incremental export. The numbers are indexes of roots in batch.nodes().
struct IonRecord {
  std::optional<uint32_t> keys;
  std::optional<uint32_t>
      new_image;  // absent: the item was deleted, or the export has no such view
  std::optional<uint32_t> old_image;
  std::optional<uint64_t> write_timestamp_micros;
};

class IonDecoder {
 public:
  // Decodes the one struct in `text`, appends its nodes to batch.nodes() and returns the index of
  // the item's root (the caller adds the root). `wrapper` names the member that holds the item
  // ("Item"), or is empty when the struct itself is the item; other members beside it are read and
  // dropped.
  Result<uint32_t> decode_item(std::string_view text, std::string_view wrapper, ItemBatch& batch);

  // Decodes a change record,
  // `{Record:{Metadata:{WriteTimestampMicros:…},Keys:{…},NewImage:{…},OldImage:{…}}}`, with or
  // without the outer `Record`. Keys are mandatory. The caller adds the roots it wants.
  Result<IonRecord> decode_record(std::string_view text, ItemBatch& batch);

 private:
  std::string scratch_;                  // text with escapes or blanks taken out
  std::vector<std::string_view> names_;  // for the search of duplicates
};

}  // namespace offramp::ddb::ion
