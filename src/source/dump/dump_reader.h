// DumpReader: the items of one dump file in batches, decoded where they lie in the batch's buffer.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "source/dump/record_scanner.h"
#include "source/item_source.h"
#include "source/text_window.h"

namespace offramp::source::dump {

class DumpReader : public ItemReader {
 public:
  DumpReader(std::unique_ptr<GzReader> gz, ddb::JsonForm form, const model::Position& resume);
  Result<bool> next(ddb::ItemBatch& batch, model::Position& after) override;

 private:
  // Fills found_ from one window and leaves it in batch.buffer; the offset behind what was dealt
  // with.
  size_t collect(ddb::ItemBatch& batch);
  void decode(const FoundRecord& record, std::string_view text, ddb::ItemBatch& batch);
  Status check_resume(uint64_t offset) const;
  void stop(Error error, uint64_t offset);

  TextWindow window_;
  RecordScanner scanner_;
  ddb::JsonDecoder decoder_;
  const ddb::JsonForm form_;
  model::Position resume_;
  std::vector<FoundRecord> found_;
  uint64_t records_ = 0;
  size_t record_bytes_ = 512;  // running mean, to size the windows
  bool ended_ = false;
  std::optional<Error> error_;  // given out when the items before it have been
};

}  // namespace offramp::source::dump
