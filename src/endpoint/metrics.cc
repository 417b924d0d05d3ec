#include "endpoint/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

namespace offramp::endpoint {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(std::string name, std::string help, MetricType type) {
  MetricFamily made;
  made.name = "offramp_endpoint_" + std::move(name);
  made.help = std::move(help);
  made.type = type;
  return made;
}

MetricFamily counter(std::string name, std::string help, uint64_t value) {
  MetricFamily made = family(std::move(name), std::move(help), MetricType::Counter);
  made.metric.emplace_back();
  made.metric.back().counter.value = static_cast<double>(value);
  return made;
}

std::string name_of(size_t operation) {
  return operation < kOperations.size() ? std::string(kOperations[operation].name) : "other";
}

}  // namespace

void Metrics::Shard::count(size_t operation, std::string_view error,
                           std::chrono::nanoseconds took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  std::lock_guard lock(mutex_);
  Counted& counted = operations_[operation];
  ++counted.requests;
  ++counted.buckets[static_cast<size_t>(bucket)];
  counted.seconds += seconds;
  if (error.empty()) return;
  std::pair<size_t, std::string> key(operation, error);
  if (errors_.size() >= kErrorsMax && !errors_.contains(key)) key.second = "other";
  ++errors_[std::move(key)];
}

Metrics::Shard& Metrics::new_shard() {
  std::lock_guard lock(mutex_);
  return shards_.emplace_back();
}

std::string Metrics::text(const io::http::Server::Counts& http) const {
  std::array<Shard::Counted, kOperations.size() + 1> sums;
  std::map<std::pair<size_t, std::string>, uint64_t> errors;
  {
    std::lock_guard lock(mutex_);
    for (const Shard& shard : shards_) {
      std::lock_guard shard_lock(const_cast<Shard&>(shard).mutex_);
      for (size_t i = 0; i < sums.size(); ++i) {
        sums[i].requests += shard.operations_[i].requests;
        sums[i].seconds += shard.operations_[i].seconds;
        for (size_t b = 0; b < sums[i].buckets.size(); ++b)
          sums[i].buckets[b] += shard.operations_[i].buckets[b];
      }
      for (const auto& [key, count] : shard.errors_) errors[key] += count;
    }
  }
  MetricFamily requests =
      family("requests_total", "Requests by operation and error type; no error: \"\".",
             MetricType::Counter);
  MetricFamily took = family("request_seconds", "From the request being read to its answer.",
                             MetricType::Histogram);
  auto add_requests = [&](size_t operation, const std::string& error, uint64_t count) {
    ClientMetric& metric = requests.metric.emplace_back();
    metric.label = {{"operation", name_of(operation)}, {"error", error}};
    metric.counter.value = static_cast<double>(count);
  };
  for (size_t i = 0; i < sums.size(); ++i) {
    if (sums[i].requests == 0) continue;
    uint64_t failed = 0;
    for (const auto& [key, count] : errors)
      if (key.first == i) {
        add_requests(i, key.second, count);
        failed += count;
      }
    add_requests(i, "", sums[i].requests - failed);
    ClientMetric& metric = took.metric.emplace_back();
    metric.label = {{"operation", name_of(i)}};
    metric.histogram.sample_count = sums[i].requests;
    metric.histogram.sample_sum = sums[i].seconds;
    uint64_t below = 0;
    for (size_t b = 0; b < sums[i].buckets.size(); ++b) {
      below += sums[i].buckets[b];
      metric.histogram.bucket.push_back(
          {below, b < kBounds.size() ? kBounds[b] : std::numeric_limits<double>::infinity()});
    }
  }
  MetricFamily open = family("connections_open", "Connections that are open.", MetricType::Gauge);
  open.metric.emplace_back();
  open.metric.back().gauge.value = static_cast<double>(http.connections_open);
  return prometheus::TextSerializer().Serialize(
      {std::move(requests), std::move(took), std::move(open),
       counter("connections_total", "Connections taken.", http.connections),
       counter("refused_total", "Requests and connections refused before a handler saw them.",
               http.refused),
       counter("received_bytes_total", "Bytes read from clients.", http.bytes_in),
       counter("sent_bytes_total", "Bytes written to clients.", http.bytes_out)});
}

}  // namespace offramp::endpoint
