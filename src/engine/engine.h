// Engine: executes operations of the DynamoDB API (JSON 1.0) over a Store.
//
// It knows nothing of HTTP, signatures or databases. What is true:
// - Results, error types, messages and the order of validation are the service's (reference notes:
// dynamodb-api.md).
// - Every operation is one transaction of the store or one consistent read; nothing is held between
// calls.
// - Errors inside are base::Error with the service's error type as code ("ValidationException");
// anything else (a
//   store's error) becomes InternalServerError, TransactionConflictException or ThrottlingException
//   at the edge, and its message goes to the log only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/clock.h"
#include "target/store.h"

namespace offramp::engine {

struct Reply {
  int status = 200;
  std::string body;  // JSON; reused between calls
  std::string
      error_type;  // "ValidationException" when it is an error, for metrics; empty otherwise
};

struct EngineOptions {
  std::string region = "local";          // in ARNs
  std::string account = "000000000000";  // in ARNs
  std::string endpoint_address;          // what DescribeEndpoints answers, "127.0.0.1:8000"
  // Shards of a stream that is switched on from now on; and how old they get before others follow.
  uint32_t stream_shards = 4;
  std::chrono::milliseconds stream_shard_age = std::chrono::hours(4);
  // How long a stream keeps a change; the service's is 24 hours, and tests take less.
  std::chrono::milliseconds stream_retention = std::chrono::hours(24);
  io::Clock* clock = &io::system_clock();
  std::function<void(const Error&)> log;  // errors that are not the client's; any thread
};

class Engine;
class Expiry;
class IndexBuilds;

// Executes requests on one thread at a time; keeps a session of the store and memory between calls.
class Worker {
 public:
  ~Worker();
  // `operation`: the part of X-Amz-Target behind the dot; no name is in both APIs. `body` must be
  // followed by ddb::kJsonPadding readable bytes.
  void execute(std::string_view operation, std::string_view body, Reply& reply);

 private:
  friend class Engine;
  struct Impl;
  explicit Worker(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Any thread. Shared by all workers: the catalog of tables (reloaded when the store's version
// changes), parsed expressions, idempotency tokens.
class Engine {
 public:
  // Loads the catalog. `store` outlives the engine.
  static Result<std::unique_ptr<Engine>> open(target::Store& store, EngineOptions options);
  ~Engine();
  // A table that a plan has loaded, served under its old name; it is not in the store's catalog,
  // and DeleteTable refuses it. Before the first request. `indexes`: its indexes with their
  // projections.
  Status serve_plan_table(target::ServedTable table,
                          const std::vector<model::SecondaryIndex>& indexes);
  Result<std::unique_ptr<Worker>> worker();
  // What is to be done every second or so: streams begin new shards and forget what is older than
  // their retention. One thread at a time; several processes may do it for one database.
  Status maintain_streams();
  // See expiry.h; the engine outlives it.
  std::unique_ptr<Expiry> expiry();
  // See index_builds.h; the engine outlives it.
  std::unique_ptr<IndexBuilds> index_builds();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::engine
