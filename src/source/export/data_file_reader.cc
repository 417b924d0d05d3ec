#include "source/export/data_file_reader.h"

#include <fmt/format.h>

#include <cstring>

namespace offramp::source::exports {

DataFileReader::DataFileReader(FetchedFile fetched, const DataFile& file, Format format,
                               std::unique_ptr<GzReader> gz, const model::Position& resume)
    : fetched_(std::move(fetched)),
      file_(file),
      decoder_(format),
      lines_(std::move(gz)),
      resume_(resume) {}

Result<std::unique_ptr<ItemReader>> DataFileReader::open(FetchedFile fetched, const DataFile& file,
                                                         Format format, const Overlay* overlay,
                                                         const model::Position& resume) {
  std::unique_ptr<GzReader> gz = TRY(GzReader::open(fetched.path()));
  std::unique_ptr<DataFileReader> reader(
      new DataFileReader(std::move(fetched), file, format, std::move(gz), resume));
  if (overlay && overlay->keys() > 0) {
    reader->overlay_ = overlay;
    reader->lookup_ = TRY(OverlayReader::open(*overlay));
  }
  return std::unique_ptr<ItemReader>(std::move(reader));
}

Error DataFileReader::count_error(std::string_view found) const {
  return Error(
      ErrorKind::kCorrupt, "export.count_mismatch",
      fmt::format("data file {}: it holds {} records, the manifest says {}; copy the export again",
                  file_.key, found, file_.items));
}

Status DataFileReader::check_resume(const Line& line) const {
  if (resume_.token.empty() || resume_.token == std::to_string(line.offset)) return {};
  return Error(
      ErrorKind::kCorrupt, "export.resume_mismatch",
      fmt::format(
          "data file {}: record {} begins at byte {}, not at {} as before the restart; the file is "
          "not the one that was being read",
          file_.key, records_, line.offset, resume_.token));
}

Result<bool> DataFileReader::replaced(ddb::ItemView item) {
  key_.clear();
  if (!append_key_json(item, overlay_->key_names(), key_)) {
    return Error(ErrorKind::kBadItem, "export.no_key",
                 "the item has no key attribute of the table's type");
  }
  return TRY(lookup_->holds(key_));
}

Status DataFileReader::take(const Line& line, ddb::ItemBatch& batch) {
  if (line.text.find_first_not_of(" \t") == line.text.npos) return {};
  if (records_ == file_.items) return count_error("more");
  if (records_ == resume_.records) TRY(check_resume(line));
  uint64_t ordinal = records_++;
  if (ordinal < resume_.records) return {};
  auto refuse = [&](Error error) {
    batch.bad.push_back(
        {ordinal, std::string(line.text),
         std::move(error).with_context(
             fmt::format("data file {}, record {}, byte {}", file_.key, ordinal, line.offset))});
  };
  if (line.oversized) {
    refuse(Error(ErrorKind::kBadItem, "export.record_too_large",
                 fmt::format("the record has more than {} bytes", kLineBytesMax)));
    return {};
  }
  Result<uint32_t> root = decoder_.decode_item(line.text, batch);
  if (!root.ok()) {
    refuse(std::move(root).error());
    return {};
  }
  if (overlay_) {
    Result<bool> drop = replaced(ddb::ItemView(&batch.nodes()[*root]));
    if (!drop.ok() && drop.error().kind() != ErrorKind::kBadItem) return std::move(drop).error();
    if (!drop.ok()) refuse(std::move(drop).error());
    if (!drop.ok() || *drop) {
      batch.nodes().resize(*root);
      return {};
    }
  }
  batch.add_root(*root, ordinal);
  return {};
}

Result<bool> DataFileReader::next(ddb::ItemBatch& batch, model::Position& after) {
  batch.reset();
  if (resume_.done) {
    after = resume_;
    return false;
  }
  while (batch.empty()) {
    batch.reset();
    const std::vector<Line>* lines =
        TRY_CONTEXT(fmt::format("data file {}", file_.key), lines_.next(batch.buffer));
    if (lines->empty()) {
      if (records_ != file_.items) return count_error(std::to_string(records_));
      after = {records_, std::to_string(lines_.offset()), true};
      return false;
    }
    uint64_t start = lines->front().offset;
    for (const Line& line : *lines) TRY(take(line, batch));
    batch.source_bytes = lines_.offset() - start;
  }
  after = {records_, std::to_string(lines_.offset()), false};
  return true;
}

OverlayImages::OverlayImages(std::unique_ptr<OverlayReader> reader, const model::Position& resume)
    : reader_(std::move(reader)),
      last_key_(resume.token),
      records_(resume.records),
      done_(resume.done) {
  reader_->seek(last_key_);
}

Result<std::unique_ptr<ItemReader>> OverlayImages::open(const Overlay& overlay,
                                                        const model::Position& resume) {
  return std::unique_ptr<ItemReader>(new OverlayImages(TRY(OverlayReader::open(overlay)), resume));
}

Result<bool> OverlayImages::next(ddb::ItemBatch& batch, model::Position& after) {
  batch.reset();
  while (!done_ && batch.size() < kBatchItemsMax && batch.source_bytes < kBatchBytesMax) {
    std::optional<OverlayReader::Image> image = TRY(reader_->next());
    if (!image) {
      done_ = true;
      break;
    }
    char* text = batch.arena.allocate(image->json.size() + ddb::kJsonPadding);
    std::memcpy(text, image->json.data(), image->json.size());
    std::memset(text + image->json.size(), 0, ddb::kJsonPadding);
    uint32_t root = TRY_CONTEXT(
        fmt::format("overlay of the export chain, key {}", image->key),
        decoder_.decode_item({text, image->json.size()}, "", ddb::JsonForm::kTyped, batch));
    batch.add_root(root, records_++);
    batch.source_bytes += image->json.size();
    last_key_ = image->key;
  }
  after = {records_, last_key_, batch.empty()};
  return !batch.empty();
}

}  // namespace offramp::source::exports
