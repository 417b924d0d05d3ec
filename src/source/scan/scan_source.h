// A DynamoDB table read by a parallel, strongly consistent Scan (C2).
//
// A partition is a segment; its number and the number of all segments are its name, so that a
// resume with another number of segments is refused. A position's token is the key after which the
// scan goes on, as DynamoDB JSON text, typed and exact: the service's own LastEvaluatedKey, or
// inside a page the key of the last item given out. A scan shows each item as it is when its page
// is read; what changes meanwhile is the business of capture. Threads: readers are independent; the
// client, the read budget and the cached description are shared and thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "ddb/client/client.h"
#include "io/aws/credentials.h"
#include "io/backoff.h"
#include "source/item_source.h"
#include "source/scan/read_budget.h"

namespace offramp::source::scan {

// What `segments: 0` stands for: fixed, because a resume must find the same segments.
constexpr int kSegmentsDefault = 16;
constexpr int kSegmentsMax = 4096;

struct ScanOptions {
  std::string table;                 // name or ARN
  std::string region;                // empty: environment or profile
  std::string endpoint;              // empty: AWS
  int segments = 0;                  // 0: kSegmentsDefault
  double read_units_per_second = 0;  // over all segments; 0: no limit
  uint64_t items_per_hour = 0;       // over all segments; 0: no limit
  std::string window;                // "22:00-06:00" local time; empty: always
  // How fast to read together with others (open_read_budget); the three limits above are not looked
  // at then. Empty: a budget of this source's own.
  std::shared_ptr<ReadBudget> budget;
  std::stop_token stop;  // ends waits and requests with kCancelled

  // Empty: the standard chain.
  std::shared_ptr<io::aws::CredentialsProvider> credentials;
  io::BackoffOptions retry{.tries_max = 20};
  io::Clock* clock = &io::system_clock();
  std::shared_ptr<ddb::client::CallCounts> counts;  // of repeated calls; empty: not counted
};

// The budget that read_units_per_second, items_per_hour and window describe, to be shared between
// sources, lookups and tables. kConfig when one of them is unusable.
Result<std::shared_ptr<ReadBudget>> open_read_budget(const ScanOptions& options);

// kConfig when it is no name or ARN of a table.
Status check_table_name(const std::string& table);
// The client that the options ask for.
Result<std::unique_ptr<ddb::client::Client>> open_client(const ScanOptions& options);

// Checks the options (kConfig); does not connect.
Result<std::unique_ptr<ItemSource>> open_scan(ScanOptions options);

}  // namespace offramp::source::scan
