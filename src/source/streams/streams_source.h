// A DynamoDB table's stream as a ChangeSource, and switching a stream on.
//
// Tables are described through the DynamoDB API, shards through the Streams API; both clients wait
// for a lost or throttling service until the stop is requested, and say so through `on_wait`. A
// service that has never answered is given up soon, because its address is most likely wrong.
// Threads: the source is thread-safe; the pace of DescribeStream and the key schema are guarded by
// mutexes, all else is constant. Readers may outlive nothing of it but their clock.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "ddb/client/client.h"
#include "source/change_source.h"

namespace offramp::source::streams {

struct StreamsOptions {
  std::string table;     // name or ARN
  std::string region;    // empty: environment or profile
  std::string endpoint;  // empty: AWS; one that is not AWS's own serves Streams too
  std::stop_token stop;  // ends waits and requests with kCancelled
  std::shared_ptr<io::aws::CredentialsProvider> credentials;  // empty: the standard chain
  io::BackoffOptions retry{.tries_max = ddb::client::kTriesUnlimited,
                           .base = std::chrono::milliseconds(100),
                           .cap = std::chrono::milliseconds(5'000)};
  io::Clock* clock = &io::system_clock();
  // Called with the reason before each wait for the service, and with nullptr when no call waits
  // any more (the two APIs each say so for themselves). It must not call the source.
  std::function<void(const Error* why)> on_wait;
  std::shared_ptr<ddb::client::CallCounts> counts;  // empty: not counted
};

// Checks the options (kConfig); does not connect.
Result<std::unique_ptr<ChangeSource>> open_streams(StreamsOptions options);

// Switches the table's stream on (NEW_AND_OLD_IMAGES) and waits until it is ENABLED. A stream that
// is on already and whose view type will do is left as it is. kConfig "streams.view_type" when
// another view type is in the way; kUnavailable "streams.enabling" when it takes longer than ten
// minutes.
Result<StreamDescription> enable_stream(const StreamsOptions& options);

}  // namespace offramp::source::streams
