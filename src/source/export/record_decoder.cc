#include "source/export/record_decoder.h"

#include <charconv>

#include "source/json_cut.h"

namespace offramp::source::exports {
namespace {

Error bad(std::string message) {
  return Error(ErrorKind::kBadItem, "export.bad_record", std::move(message));
}

// {"WriteTimestampMicros":{"N":"1768387643192366"}}, or the number bare as some documents show it.
std::optional<uint64_t> write_micros(std::string_view metadata) {
  std::string_view value = find_json_member(metadata, "WriteTimestampMicros");
  size_t digits = value.find_first_of("0123456789");
  if (digits == value.npos) return std::nullopt;
  uint64_t micros = 0;
  auto [end, code] = std::from_chars(value.data() + digits, value.data() + value.size(), micros);
  if (code != std::errc()) return std::nullopt;
  return micros;
}

}  // namespace

Result<uint32_t> RecordDecoder::decode_item(std::string_view line, ddb::ItemBatch& batch) {
  if (format_ == Format::kIon) return ion_.decode_item(line, "Item", batch);
  return json_.decode_item(line, "Item", ddb::JsonForm::kTyped, batch);
}

Result<ChangeRecord> RecordDecoder::decode_change(std::string_view line, ddb::ItemBatch& batch) {
  if (format_ == Format::kJson) return decode_json_change(line, batch);
  ddb::ion::IonRecord record = TRY(ion_.decode_record(line, batch));
  if (!record.keys) return bad("the record has no Keys");
  if (!record.write_timestamp_micros) return bad("the record has no WriteTimestampMicros");
  return ChangeRecord{*record.keys, record.new_image, *record.write_timestamp_micros};
}

Result<ChangeRecord> RecordDecoder::decode_json_change(std::string_view line,
                                                       ddb::ItemBatch& batch) {
  std::string_view keys, image, metadata;
  size_t at = skip_json_blanks(line, 0);
  if (at >= line.size() || line[at] != '{') return bad("the record is not a JSON object");
  for (++at;;) {
    Member member = read_member(line, at);
    if (member.state != CutState::kDone) return bad("the record is not valid JSON");
    if (member.end) {
      if (skip_json_blanks(line, member.next) != line.size())
        return bad("bytes follow the record on its line");
      break;
    }
    Cut cut = cut_json_value(line, member.value);
    if (cut.state != CutState::kDone) return bad("the record is not valid JSON");
    std::string_view value = line.substr(member.value, cut.end - member.value);
    if (member.name == "Keys") keys = value;
    if (member.name == "NewImage") image = value;
    if (member.name == "Metadata") metadata = value;
    at = cut.end;
  }
  if (keys.empty()) return bad("the record has no Keys");
  std::optional<uint64_t> micros = write_micros(metadata);
  if (!micros) return bad("the record has no WriteTimestampMicros");
  ChangeRecord record{};
  record.write_micros = *micros;
  size_t nodes = batch.nodes().size();
  record.keys = TRY(json_.decode_item(keys, "", ddb::JsonForm::kTyped, batch));
  if (image.empty()) return record;
  Result<uint32_t> decoded = json_.decode_item(image, "", ddb::JsonForm::kTyped, batch);
  if (!decoded.ok()) {
    batch.nodes().resize(nodes);
    return std::move(decoded).error();
  }
  record.image = *decoded;
  return record;
}

}  // namespace offramp::source::exports
