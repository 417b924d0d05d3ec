// ScanReader: one segment of a Scan as batches.
//
// A page of 1 MB becomes several batches; the position inside a page is the key of the last item
// given out, which DynamoDB takes as ExclusiveStartKey like its own. Pages without items are passed
// over. One thread.
#pragma once

#include <string>

#include "ddb/client/client.h"
#include "ddb/wire_json.h"
#include "source/item_source.h"
#include "source/scan/read_budget.h"
#include "source/scan/scan_page.h"

namespace offramp::source::scan {

struct SegmentRequest {
  std::string table;
  model::KeySchema key;
  int segment = 0;
  int segments = 1;
  std::stop_token stop;
};

class ScanReader : public ItemReader {
 public:
  ScanReader(ddb::client::Client& client, ReadBudget& budget, SegmentRequest request,
             const model::Position& resume);
  Result<bool> next(ddb::ItemBatch& batch, model::Position& after) override;

 private:
  Status read_page();
  std::string request_body();
  Status fill(ddb::ItemBatch& batch);
  // The key of an item, as DynamoDB JSON.
  Result<std::string> key_text(ddb::ItemView item) const;
  Result<std::string> key_text_of_bad(const std::string& raw) const;

  ddb::client::Client& client_;
  ReadBudget& budget_;
  const SegmentRequest request_;
  ddb::JsonDecoder decoder_;
  ScanPage page_;
  size_t next_item_ = 0;      // index in page_.items()
  bool last_page_ = false;    // page_ is the segment's last
  model::Position position_;  // behind the last item given out
  std::string start_key_;     // of the next request; empty: from the start
  PageCost estimate_{1, 1};   // what the last page cost
};

}  // namespace offramp::source::scan
