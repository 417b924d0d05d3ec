// RecordDecoder: one line of an export's data file, in either format, as nodes of a batch.
//
// Full exports: {"Item":{…}} or $ion_1_0 {Item:{…}}. Incremental exports: Metadata, Keys and,
// unless the item was deleted, NewImage; OldImage is not decoded. On error nothing of the line is
// in the batch. Not thread-safe.
#pragma once

#include <optional>
#include <string_view>

#include "base/result.h"
#include "ddb/ion/ion_decoder.h"
#include "ddb/item_batch.h"
#include "ddb/wire_json.h"
#include "source/export/manifest.h"

namespace offramp::source::exports {

// Indexes of roots in batch.nodes().
struct ChangeRecord {
  uint32_t keys;
  std::optional<uint32_t> image;
  uint64_t write_micros = 0;
};

class RecordDecoder {
 public:
  explicit RecordDecoder(Format format) : format_(format) {}

  // The item's root; the caller adds it. `line` is followed by ddb::kJsonPadding readable bytes.
  Result<uint32_t> decode_item(std::string_view line, ddb::ItemBatch& batch);
  Result<ChangeRecord> decode_change(std::string_view line, ddb::ItemBatch& batch);

 private:
  Result<ChangeRecord> decode_json_change(std::string_view line, ddb::ItemBatch& batch);

  Format format_;
  ddb::JsonDecoder json_;
  ddb::ion::IonDecoder ion_;
};

}  // namespace offramp::source::exports
