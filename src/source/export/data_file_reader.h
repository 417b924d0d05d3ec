// DataFileReader: the items of one data file of a full export; OverlayImages: the items that an
// overlay puts in place.
//
// Both are ItemReaders. A data file's MD5 was checked before the reader exists
// (ExportStore::fetch); the number of its records is checked while it is read: one too many is an
// error before that record is given out, one too few is an error instead of the end. Resume reads
// the file again from its start and passes over what was dealt with; a token (the offset in the
// inflated text) that does not fall on that record is kCorrupt. Items whose key is in the overlay
// are dropped: their state is the overlay's.
#pragma once

#include "source/export/export_store.h"
#include "source/export/overlay.h"
#include "source/export/record_decoder.h"
#include "source/item_source.h"
#include "source/line_reader.h"

namespace offramp::source::exports {

class DataFileReader : public ItemReader {
 public:
  // `overlay` may be nullptr; it outlives the reader.
  static Result<std::unique_ptr<ItemReader>> open(FetchedFile fetched, const DataFile& file,
                                                  Format format, const Overlay* overlay,
                                                  const model::Position& resume);
  Result<bool> next(ddb::ItemBatch& batch, model::Position& after) override;

 private:
  DataFileReader(FetchedFile fetched, const DataFile& file, Format format,
                 std::unique_ptr<GzReader> gz, const model::Position& resume);
  Status take(const Line& line, ddb::ItemBatch& batch);
  Result<bool> replaced(ddb::ItemView item);
  Status check_resume(const Line& line) const;
  Error count_error(std::string_view found) const;

  FetchedFile fetched_;
  DataFile file_;
  RecordDecoder decoder_;
  LineReader lines_;
  const Overlay* overlay_ = nullptr;
  std::unique_ptr<OverlayReader> lookup_;
  std::string key_;  // reused
  model::Position resume_;
  uint64_t records_ = 0;
};

class OverlayImages : public ItemReader {
 public:
  static Result<std::unique_ptr<ItemReader>> open(const Overlay& overlay,
                                                  const model::Position& resume);
  Result<bool> next(ddb::ItemBatch& batch, model::Position& after) override;

 private:
  OverlayImages(std::unique_ptr<OverlayReader> reader, const model::Position& resume);

  std::unique_ptr<OverlayReader> reader_;
  ddb::JsonDecoder decoder_;
  std::string last_key_;
  uint64_t records_ = 0;
  bool done_ = false;
};

}  // namespace offramp::source::exports
