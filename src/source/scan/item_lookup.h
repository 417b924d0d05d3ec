// ItemLookup: items of a table by their keys, as they are now.
//
// Strongly consistent BatchGetItem, 100 keys a request, keys that the service leaves over asked for
// again with backoff. Used to look again at single keys: when both sides are compared while they
// move, and when a key is made what the source says. Reads within the budget that its options name.
// Thread-safe: a call has its own buffers, the client and the budget are thread-safe, what a key
// costs on average is guarded by mutex_.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ddb/client/client.h"
#include "ddb/item_batch.h"
#include "source/scan/lookup_answer.h"
#include "source/scan/read_budget.h"
#include "source/scan/scan_source.h"

namespace offramp::source::scan {

class ItemLookup {
 public:
  // The items that exist among `keys_json` (DynamoDB JSON, {"pk":{"S":"a"}}), in any order, into
  // `batch` (reset first); the others are simply absent. A key that is named twice is read once. An
  // item that cannot be decoded is in batch.bad. Memory is that of all items: ask for some hundred
  // keys at a time. Errors as Client::call.
  Status get(std::span<const std::string_view> keys_json, ddb::ItemBatch& batch);

 private:
  friend Result<std::unique_ptr<ItemLookup>> open_item_lookup(ScanOptions options);
  ItemLookup(ScanOptions options, std::unique_ptr<ddb::client::Client> client)
      : options_(std::move(options)), client_(std::move(client)) {}
  // `answer` points into `text` afterwards.
  Status request(std::span<const std::string_view> keys, std::string& text, LookupAnswer& answer);
  size_t keys_at_once();
  void learn(const PageCost& actual);

  const ScanOptions options_;
  const std::unique_ptr<ddb::client::Client> client_;
  std::mutex mutex_;
  double units_per_key_ = 1;  // guarded by mutex_
};

// Of the options, `segments` is not looked at. Checks them (kConfig); does not connect.
Result<std::unique_ptr<ItemLookup>> open_item_lookup(ScanOptions options);

}  // namespace offramp::source::scan
