// Client: calls of the DynamoDB API or the DynamoDB Streams API (JSON 1.0) at AWS or at any
// endpoint that speaks it.
//
// Signs with SigV4, checks x-amz-crc32 where it is sent, and repeats what may be repeated:
// throttles, 5xx and lost connections with backoff and jitter, an expired token once with new
// credentials. The calls are used for reading, where repeating is safe; a caller that writes must
// make its request idempotent. Thread-safe: connections come from a pool, all else is constant
// after open(). Messages hold the service's own text, the table and the region, never an answer's
// items (C12).
#pragma once

#include <atomic>
#include <functional>
#include <limits>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/aws/credentials.h"
#include "io/backoff.h"

namespace offramp::ddb::client {

enum class Api { kDynamoDb, kStreams };

// For calls that wait for a lost or throttling service until a stop is requested.
constexpr int kTriesUnlimited = std::numeric_limits<int>::max();

// What calls needed since it was made; shared by the clients that are given it. Atomics, nothing to
// guard.
struct CallCounts {
  std::atomic<uint64_t> retries{0};    // tries after the first
  std::atomic<uint64_t> throttles{0};  // of these, asked for by the service
};

struct ClientOptions {
  std::string region;  // empty: AWS_REGION, AWS_DEFAULT_REGION, the profile's
  // Empty: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, AWS itself. For kStreams see
  // configured_streams_endpoint() in endpoint.h: an endpoint that is not AWS's own serves both
  // APIs.
  std::string endpoint;
  // Empty: the standard chain. For an endpoint on this machine, where nobody checks them, keys
  // "local"/"local" stand in when the environment and the profile have none.
  std::shared_ptr<io::aws::CredentialsProvider> credentials;
  io::BackoffOptions retry{.tries_max = 15};
  io::Clock* clock = &io::system_clock();
  std::stop_token stop;
  size_t answer_bytes_max =
      32
      << 20;  // a page of 1 MB of items is at most about 14 MB of JSON ({"NULL":true} for 1 byte)
  Api api = Api::kDynamoDb;
  // An endpoint that has never answered is given up after this many tries, because its address is
  // most likely wrong.
  int first_tries_max = 5;
  // Called with the reason before each wait for another try, and with nullptr when no call of this
  // client waits any more. From the calling threads, one at a time; it must not call the client.
  std::function<void(const Error* why)> on_wait;
  std::shared_ptr<CallCounts> counts;  // empty: not counted
};

class Client {
 public:
  // kConfig when no region or a bad endpoint is given. Does not connect.
  static Result<std::unique_ptr<Client>> open(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends `body` (JSON) and returns the JSON of the answer. `table` is for messages only. Codes:
  // "ddb.table_not_found", "ddb.access_denied", "ddb.credentials", "ddb.refused" are kConfig;
  // "ddb.throttled" is kThrottled; "ddb.unavailable" is kUnavailable; "ddb.crc32" is kCorrupt;
  // "ddb.cancelled" is kCancelled; "ddb.in_use" (a table that is being changed) is kConflict. Of
  // kStreams also "ddb.iterator_expired" (kRetry; not repeated here), "ddb.trimmed" and
  // "ddb.stream_not_found" (both kGap).
  Result<std::string> call(std::string_view operation, std::string_view table,
                           std::string_view body);

  const std::string& region() const;
  const std::string& endpoint() const;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::ddb::client
