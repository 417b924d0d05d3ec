#include "source/scan/item_lookup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "ddb/wire_json.h"

namespace offramp::source::scan {
namespace {

constexpr size_t kKeysMax = 100;  // of one BatchGetItem

Error corrupt(const std::string& table, std::string_view why) {
  return Error(ErrorKind::kCorrupt, "scan.lookup_answer",
               fmt::format("the answer of BatchGetItem for table {} {}", table, why));
}

// Decodes the items into the batch, which owns their bytes afterwards.
void add_items(const std::vector<std::string_view>& items, ddb::JsonDecoder& decoder,
               ddb::ItemBatch& batch) {
  for (std::string_view text : items) {
    const uint64_t ordinal = batch.size() + batch.bad.size();
    char* copy = batch.arena.allocate(text.size() + ddb::kJsonPadding);
    std::memcpy(copy, text.data(), text.size());
    std::memset(copy + text.size(), 0, ddb::kJsonPadding);
    auto root = decoder.decode_item({copy, text.size()}, {}, ddb::JsonForm::kTyped, batch);
    if (root.ok()) {
      batch.add_root(root.value(), ordinal);
    } else {
      batch.bad.push_back({ordinal, std::string(text), std::move(root).error()});
    }
    batch.source_bytes += text.size();
  }
}

}  // namespace

Result<std::unique_ptr<ItemLookup>> open_item_lookup(ScanOptions options) {
  TRY(check_table_name(options.table));
  if (!options.budget) options.budget = TRY(open_read_budget(options));
  auto client = TRY(open_client(options));
  return std::unique_ptr<ItemLookup>(new ItemLookup(std::move(options), std::move(client)));
}

Status ItemLookup::get(std::span<const std::string_view> keys_json, ddb::ItemBatch& batch) {
  batch.reset();
  std::unordered_set<std::string_view> seen;
  std::vector<std::string_view> keys;  // still to be asked for, the next ones at the end
  for (std::string_view key : keys_json)
    if (seen.insert(key).second) keys.push_back(key);
  std::reverse(keys.begin(), keys.end());

  ddb::JsonDecoder decoder;
  LookupAnswer answer;
  std::string text;
  std::unordered_set<std::string>
      rewritten;  // keys left over that the service wrote in another way
  io::Backoff backoff(options_.retry, *options_.clock);
  size_t at_once_max = kKeysMax;
  std::vector<std::string_view> asked;
  while (!keys.empty()) {
    const size_t count = std::min({keys.size(), keys_at_once(), at_once_max});
    asked.assign(keys.end() - static_cast<ptrdiff_t>(count), keys.end());
    Status answered = request(asked, text, answer);
    if (!answered.ok()) {
      if (answered.error().code() != "http.too_large" || count == 1) return answered;
      at_once_max = count / 2;
      continue;
    }
    const auto& unprocessed = answer.unprocessed_keys();
    if (answer.items().size() + unprocessed.size() > count)
      return corrupt(options_.table, "holds more than was asked for");
    keys.resize(keys.size() - count);
    add_items(answer.items(), decoder, batch);
    if (unprocessed.empty()) {
      backoff.reset();
      continue;
    }
    const bool progress = unprocessed.size() < count;
    for (const std::string& key : unprocessed) {
      auto known = seen.find(key);
      keys.push_back(known != seen.end() ? *known : *rewritten.insert(key).first);
    }
    if (progress) {
      backoff.reset();
    } else if (!backoff.wait(options_.stop)) {
      if (options_.stop.stop_requested())
        return Error(ErrorKind::kCancelled, "scan.cancelled", "the lookup was cancelled");
      return Error(ErrorKind::kThrottled, "ddb.throttled",
                   fmt::format("BatchGetItem of table {} left all keys over {} times; lower "
                               "read_units_per_second, raise the table's read capacity, or run the "
                               "same command again later",
                               options_.table, backoff.tries()));
    }
  }
  return {};
}

Status ItemLookup::request(std::span<const std::string_view> keys, std::string& text,
                           LookupAnswer& answer) {
  std::string body = R"({"RequestItems":{)";
  ddb::append_json_string(options_.table, body);
  body += R"(:{"ConsistentRead":true,"Keys":[)";
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i > 0) body += ",";
    body += keys[i];
  }
  body += R"(]}},"ReturnConsumedCapacity":"TOTAL"})";
  PageCost estimate{0, keys.size()};
  {
    std::lock_guard lock(mutex_);
    estimate.units = units_per_key_ * static_cast<double>(keys.size());
  }
  TRY(options_.budget->acquire(estimate, options_.stop));
  PageCost actual;
  Status done = [&]() -> Status {
    text = TRY(client_->call("BatchGetItem", options_.table, body));
    TRY(answer.parse(text));
    const size_t unprocessed = answer.unprocessed_keys().size();
    actual = {answer.consumed_units(), keys.size() - std::min(keys.size(), unprocessed)};
    return {};
  }();
  options_.budget->settle(estimate, actual, ReadKind::kLookup);
  if (done.ok()) learn(actual);
  return done;
}

// So many that one request is about a second of the budget.
size_t ItemLookup::keys_at_once() {
  const double per_second = options_.budget->units_per_second();
  if (per_second <= 0) return kKeysMax;
  std::lock_guard lock(mutex_);
  return static_cast<size_t>(
      std::clamp(per_second / std::max(units_per_key_, 0.5), 1.0, double{kKeysMax}));
}

void ItemLookup::learn(const PageCost& actual) {
  if (actual.items == 0 || actual.units <= 0) return;
  std::lock_guard lock(mutex_);
  units_per_key_ = (units_per_key_ * 3 + actual.units / static_cast<double>(actual.items)) / 4;
}

}  // namespace offramp::source::scan
