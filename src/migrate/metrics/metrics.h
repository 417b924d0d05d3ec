// Metrics: what a process that migrates says to a monitoring system; one per process, for all its
// tables.
//
// A table is added with a function that gives its sample; text() and health() call it, and
// observe() is to be called every few seconds so that health knows when something last moved. A
// function is never called after its Entry is gone. Threads: any; everything is guarded by mutex_,
// which is held while the functions are called.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "io/clock.h"
#include "migrate/metrics/health.h"
#include "migrate/metrics/sample.h"

namespace offramp::migrate::metrics {

struct MetricsOptions {
  std::chrono::seconds progress_limit{60};  // nothing moved for longer than this: not healthy
  io::Clock* clock = &io::system_clock();
};

class Metrics {
 public:
  using Sampler = std::function<Sample()>;

  // The table's part; taking it down removes the table.
  class Entry {
   public:
    ~Entry();
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    friend class Metrics;
    Entry(Metrics& metrics, std::string table, Sampler sampler, std::chrono::seconds limit)
        : metrics_(metrics),
          table_(std::move(table)),
          sampler_(std::move(sampler)),
          health_(limit) {}
    Metrics& metrics_;
    const std::string table_;
    const Sampler sampler_;
    Health health_;  // guarded by Metrics::mutex_
  };

  explicit Metrics(const MetricsOptions& options = {});

  // `table`: its name, a label of every series. The Entry must not outlive this.
  std::unique_ptr<Entry> add(std::string table, Sampler sampler);

  // A table whose migration has ended with an error while others go on: phase "failed", and not
  // healthy.
  void add_failed(std::string table, std::string why);

  void observe();
  // All metrics in Prometheus' text format 0.0.4.
  std::string text();
  struct Verdict {
    bool healthy = true;
    std::string text;  // "ok", or a line for each table that does not move
  };
  Verdict health();

 private:
  int64_t wall_ms() const;

  const MetricsOptions options_;
  const int64_t started_ms_;
  std::mutex mutex_;
  std::list<Entry*> entries_;                  // guarded by mutex_; in the order they were added
  std::map<std::string, std::string> failed_;  // guarded by mutex_; why, by table
};

}  // namespace offramp::migrate::metrics
