// Metrics: what an endpoint says to a monitoring system.
//
// Each server thread has its Shard, so that threads do not wait for one another; a scrape adds them
// up. Series are bounded: operations are those of operations.h, error types at most kErrorsMax.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "endpoint/operations.h"
#include "io/http/server.h"

namespace offramp::endpoint {

class Metrics {
 public:
  static constexpr size_t kErrorsMax = 64;
  // Seconds; the upper bounds of the latency histogram.
  static constexpr std::array<double, 14> kBounds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5};

  class Shard {
   public:
    // `operation`: a place in kOperations, or its size for anything else. `error`: empty for none.
    void count(size_t operation, std::string_view error, std::chrono::nanoseconds took);

   private:
    friend class Metrics;
    struct Counted {
      uint64_t requests = 0;
      std::array<uint64_t, kBounds.size() + 1> buckets{};
      double seconds = 0;
    };
    std::mutex mutex_;
    std::array<Counted, kOperations.size() + 1> operations_;                  // guarded by mutex_
    std::map<std::pair<size_t, std::string>, uint64_t, std::less<>> errors_;  // guarded by mutex_
  };

  // Any thread; the shard lives as long as the metrics.
  Shard& new_shard();
  // In Prometheus' text format.
  std::string text(const io::http::Server::Counts& http) const;

 private:
  mutable std::mutex mutex_;
  std::deque<Shard> shards_;  // guarded by mutex_
};

}  // namespace offramp::endpoint
