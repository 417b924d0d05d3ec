// The DynamoDB-compatible endpoint: protocol, authentication and dispatch between HTTP and an
// executor of operations.
//
// serve puts the engine behind it; the cut-over proxy will put its router there. What is true:
// - A request reaches the executor only when its signature is good (or any key is accepted, on
// loopback only).
// - Every answer carries x-amzn-RequestId and x-amz-crc32; errors have the service's shapes, also
// those of the protocol
//   (unknown operation, wrong content type, oversize, bad signature, clock skew).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/clock.h"
#include "io/http/server.h"

namespace offramp::endpoint {

// Executes one operation; one per server thread.
class Executor {
 public:
  virtual ~Executor() = default;
  struct Outcome {
    int status = 200;
    std::string body;
    std::string error_type;  // empty when it is none
  };
  // `api`: "DynamoDB_20120810" or "DynamoDBStreams_20120810". `body` is followed by
  // io::http::kBodyPadding bytes.
  virtual void execute(std::string_view api, std::string_view operation, std::string_view body,
                       Outcome& outcome) = 0;
};

// Access keys and their secrets. From a file with lines "ACCESS_KEY_ID SECRET" (blank lines and #
// comments allowed) that only its owner can read, else kConfig with the chmod to run.
class AccessKeys {
 public:
  static Result<AccessKeys> read(const std::string& file);
  void add(std::string id, std::string secret) { secrets_[std::move(id)] = std::move(secret); }
  const std::string* secret(std::string_view id) const;
  bool empty() const { return secrets_.empty(); }

 private:
  std::map<std::string, std::string, std::less<>> secrets_;
};

struct EndpointOptions {
  io::http::ServerOptions http;
  AccessKeys keys;
  bool any_key = false;  // --insecure-any-key: whatever key, no signature checked; refused unless
                         // the address is loopback
  // In the health check; and what signatures must be made for, but "local" takes those for any
  // region.
  std::string region = "local";
  std::chrono::seconds clock_skew_max{15 * 60};
  io::Clock* clock = &io::system_clock();
  bool metrics =
      true;  // GET /metrics (Prometheus) and GET /healthz, answered to loopback peers only
};

class Endpoint {
 public:
  static Result<std::unique_ptr<Endpoint>> start(
      EndpointOptions options, std::function<Result<std::unique_ptr<Executor>>()> make_executor);
  ~Endpoint();
  uint16_t port() const;
  void stop(std::chrono::milliseconds grace);

 private:
  struct Impl;
  explicit Endpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::endpoint
