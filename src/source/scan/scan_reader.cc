#include "source/scan/scan_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

namespace offramp::source::scan {
namespace {

Error no_key(const std::string& table) {
  return Error(
      ErrorKind::kCorrupt, "scan.no_key",
      fmt::format("Scan of table {} gave an item without the table's key attributes", table));
}

}  // namespace

ScanReader::ScanReader(ddb::client::Client& client, ReadBudget& budget, SegmentRequest request,
                       const model::Position& resume)
    : client_(client),
      budget_(budget),
      request_(std::move(request)),
      position_(resume),
      start_key_(resume.token) {}

Result<bool> ScanReader::next(ddb::ItemBatch& batch, model::Position& after) {
  batch.reset();
  while (!position_.done && next_item_ == page_.items().size()) {
    if (last_page_) {
      position_.done = true;
      break;
    }
    TRY_CONTEXT(fmt::format("segment {}/{}", request_.segment, request_.segments), read_page());
  }
  if (!position_.done) TRY(fill(batch));
  after = position_;
  return !batch.empty();
}

std::string ScanReader::request_body() {
  std::string body = R"({"TableName":)";
  ddb::append_json_string(request_.table, body);
  body += fmt::format(
      R"(,"ConsistentRead":true,"ReturnConsumedCapacity":"TOTAL","Segment":{},"TotalSegments":{})",
      request_.segment, request_.segments);
  if (auto limit = budget_.page_limit()) body += fmt::format(R"(,"Limit":{})", *limit);
  if (!start_key_.empty()) body += R"(,"ExclusiveStartKey":)" + start_key_;
  return body + "}";
}

Status ScanReader::read_page() {
  TRY(budget_.acquire(estimate_, request_.stop));
  auto answer = client_.call("Scan", request_.table, request_body());
  if (!answer.ok()) {
    budget_.settle(estimate_, {});
    return std::move(answer).error();
  }
  TRY(page_.parse(std::move(answer).value()));
  PageCost actual{page_.consumed_units(), page_.scanned()};
  budget_.settle(estimate_, actual);
  estimate_ = actual;
  next_item_ = 0;
  last_page_ = page_.last_key().empty();
  // The same key again would go round for ever.
  if (!last_page_ && page_.last_key() == start_key_)
    return Error(ErrorKind::kCorrupt, "scan.no_progress",
                 fmt::format("Scan of table {} does not move on", request_.table));
  start_key_ = page_.last_key();
  if (page_.items().empty() && !last_page_) position_.token = start_key_;
  return {};
}

Status ScanReader::fill(ddb::ItemBatch& batch) {
  const auto& items = page_.items();
  const char* start = items[next_item_].data();
  size_t end = next_item_ + 1;
  while (end < items.size() && end - next_item_ < kBatchItemsMax &&
         static_cast<size_t>(items[end].data() + items[end].size() - start) <= kBatchBytesMax)
    ++end;
  size_t bytes = static_cast<size_t>(items[end - 1].data() + items[end - 1].size() - start);
  batch.buffer.resize(bytes + ddb::kJsonPadding);
  std::memcpy(batch.buffer.data(), start, bytes);
  batch.source_bytes = bytes;

  bool last_is_bad = false;
  for (; next_item_ < end; ++next_item_) {
    std::string_view text(batch.buffer.data() + (items[next_item_].data() - start),
                          items[next_item_].size());
    auto root = decoder_.decode_item(text, {}, ddb::JsonForm::kTyped, batch);
    last_is_bad = !root.ok();
    if (root.ok()) {
      batch.add_root(root.value(), position_.records);
    } else {
      batch.bad.push_back({position_.records, std::string(text), std::move(root).error()});
    }
    ++position_.records;
  }
  if (end == items.size() && !last_page_) {
    position_.token = page_.last_key();
  } else {
    position_.token = last_is_bad ? TRY(key_text_of_bad(batch.bad.back().raw))
                                  : TRY(key_text(batch.item(batch.size() - 1)));
  }
  return {};
}

Result<std::string> ScanReader::key_text(ddb::ItemView item) const {
  std::string out = "{";
  auto append = [&](const model::KeyAttribute& attribute) {
    ddb::ValueView value = item.find(attribute.name);
    if (!value || value.type() != attribute.type) return false;
    if (out.size() > 1) out += ",";
    ddb::append_json_string(attribute.name, out);
    out += ":";
    ddb::append_value_json(value, out);
    return true;
  };
  if (!append(request_.key.partition)) return no_key(request_.table);
  if (request_.key.sort && !append(*request_.key.sort)) return no_key(request_.table);
  return out + "}";
}

Result<std::string> ScanReader::key_text_of_bad(const std::string& raw) const {
  auto item = nlohmann::json::parse(raw, nullptr, /*allow_exceptions=*/false);
  if (!item.is_object()) return no_key(request_.table);
  nlohmann::json key = nlohmann::json::object();
  auto take = [&](const std::string& name) {
    auto at = item.find(name);
    if (at == item.end()) return false;
    key[name] = *at;
    return true;
  };
  if (!take(request_.key.partition.name)) return no_key(request_.table);
  if (request_.key.sort && !take(request_.key.sort->name)) return no_key(request_.table);
  return key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace offramp::source::scan
