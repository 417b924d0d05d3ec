#include "source/dump/dump_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "source/dump/dump_source.h"

namespace offramp::source::dump {

DumpReader::DumpReader(std::unique_ptr<GzReader> gz, ddb::JsonForm form,
                       const model::Position& resume)
    : window_(std::move(gz)), scanner_(form), form_(form), resume_(resume) {}

void DumpReader::stop(Error error, uint64_t offset) {
  ended_ = true;
  error_ = std::move(error).with_context(fmt::format("{}, byte {}", window_.path(), offset));
}

size_t DumpReader::collect(ddb::ItemBatch& batch) {
  found_.clear();
  size_t target = std::clamp<size_t>(record_bytes_ * kBatchItemsMax, 16 * 1024, kBatchBytesMax);
  window_.begin(batch.buffer, target);
  size_t at = 0;
  while (found_.size() < kBatchItemsMax) {
    std::string_view text = window_.text(batch.buffer);
    bool last = window_.at_end() && !window_.error();
    FoundRecord record;
    Step step = scanner_.next(text, at, last, record);
    if (step == Step::kRecord) {
      found_.push_back(std::move(record));
    } else if (step == Step::kEnd) {
      ended_ = true;
      break;
    } else if (step == Step::kError) {
      stop(scanner_.error(), window_.offset() + scanner_.failed_at());
      break;
    } else if (!found_.empty()) {
      break;
    } else if (window_.at_end()) {
      ended_ = true;
      error_ = *window_.error();
      break;
    } else if (text.size() - at > kRecordBytesMax) {
      stop(Error(ErrorKind::kCorrupt, "dump.record_too_large",
                 fmt::format("a record does not end within {} bytes; no item is that large: the "
                             "file is damaged there",
                             kRecordBytesMax)),
           window_.offset() + at);
      break;
    } else {
      window_.more(batch.buffer, std::max(text.size() - at, target));
    }
  }
  return at;
}

Status DumpReader::check_resume(uint64_t offset) const {
  if (resume_.token.empty() || resume_.token == std::to_string(offset)) return {};
  return Error(
      ErrorKind::kCorrupt, "dump.resume_mismatch",
      fmt::format(
          "{}: record {} ends at byte {}, not at {} as before the restart; the file has changed, "
          "begin the load anew",
          window_.path(), records_, offset, resume_.token));
}

void DumpReader::decode(const FoundRecord& record, std::string_view text, ddb::ItemBatch& batch) {
  std::string_view bytes = text.substr(record.start, record.size);
  uint64_t ordinal = records_ - 1;
  std::optional<Error> error = record.bad;
  if (!error) {
    Result<uint32_t> root = decoder_.decode_item(bytes, record.wrapped ? "Item" : "", form_, batch);
    if (root.ok()) {
      batch.add_root(*root, ordinal);
      return;
    }
    error = std::move(root).error();
  }
  batch.bad.push_back(
      {ordinal, std::string(bytes),
       std::move(*error).with_context(fmt::format("{}, record {}, byte {}", window_.path(), ordinal,
                                                  window_.offset() + record.start))});
}

Result<bool> DumpReader::next(ddb::ItemBatch& batch, model::Position& after) {
  batch.reset();
  if (resume_.done) {
    after = resume_;
    return false;
  }
  while (!ended_) {
    size_t consumed = collect(batch);
    std::string_view text = window_.text(batch.buffer);
    if (!found_.empty()) record_bytes_ = consumed / found_.size() + 1;
    for (const FoundRecord& record : found_) {
      if (records_++ < resume_.records) {
        if (records_ == resume_.records)
          TRY(check_resume(window_.offset() + record.start + record.size));
        continue;
      }
      decode(record, text, batch);
    }
    if (!found_.empty())
      after = {records_,
               std::to_string(window_.offset() + found_.back().start + found_.back().size), false};
    batch.source_bytes = consumed;
    window_.keep(batch.buffer, consumed);
    if (!batch.empty()) return true;
  }
  if (error_) return *error_;
  if (records_ < resume_.records) {
    return Error(
        ErrorKind::kCorrupt, "dump.resume_mismatch",
        fmt::format(
            "{}: it holds {} records, {} were read before the restart; the file has changed, begin "
            "the load anew",
            window_.path(), records_, resume_.records));
  }
  after = {records_, std::to_string(window_.offset()), true};
  return false;
}

}  // namespace offramp::source::dump
