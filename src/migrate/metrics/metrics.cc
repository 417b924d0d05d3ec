#include "migrate/metrics/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <sstream>

#include "base/version.h"
#include "io/wall_ms.h"
#include "migrate/metrics/families.h"

namespace offramp::migrate::metrics {

Metrics::Entry::~Entry() {
  std::lock_guard lock(metrics_.mutex_);
  metrics_.entries_.remove(this);
}

Metrics::Metrics(const MetricsOptions& options) : options_(options), started_ms_(wall_ms()) {}

int64_t Metrics::wall_ms() const { return io::wall_ms(*options_.clock); }

std::unique_ptr<Metrics::Entry> Metrics::add(std::string table, Sampler sampler) {
  std::unique_ptr<Entry> entry(
      new Entry(*this, std::move(table), std::move(sampler), options_.progress_limit));
  std::lock_guard lock(mutex_);
  failed_.erase(entry->table_);
  entries_.push_back(entry.get());
  return entry;
}

void Metrics::add_failed(std::string table, std::string why) {
  std::lock_guard lock(mutex_);
  failed_[std::move(table)] = std::move(why);
}

void Metrics::observe() {
  std::lock_guard lock(mutex_);
  for (Entry* entry : entries_) entry->health_.observe(entry->sampler_(), options_.clock->now());
}

std::string Metrics::text() {
  std::vector<TableSample> tables;
  {
    std::lock_guard lock(mutex_);
    for (Entry* entry : entries_) {
      Sample sample = entry->sampler_();
      auto now = options_.clock->now();
      entry->health_.observe(sample, now);
      tables.push_back({entry->table_, std::move(sample), entry->health_.complaint(now).empty()});
    }
    for (const auto& [failed, why] : failed_) {
      // One that is being taken down is still among the entries.
      auto same = [&table = failed](const TableSample& other) { return other.table == table; };
      if (std::none_of(tables.begin(), tables.end(), same))
        tables.push_back({failed, Sample{.phase = "failed"}, false});
    }
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(
      out, make_families({std::string(base::version()), started_ms_}, tables, wall_ms()));
  return std::move(out).str();
}

Metrics::Verdict Metrics::health() {
  Verdict verdict;
  std::lock_guard lock(mutex_);
  for (Entry* entry : entries_) {
    auto now = options_.clock->now();
    entry->health_.observe(entry->sampler_(), now);
    std::string complaint = entry->health_.complaint(now);
    if (complaint.empty()) continue;
    verdict.healthy = false;
    verdict.text += entry->table_ + ": " + complaint + "\n";
  }
  for (const auto& [table, why] : failed_) {
    verdict.healthy = false;
    verdict.text += table + ": the migration failed: " + why + "\n";
  }
  if (verdict.healthy) verdict.text = "ok\n";
  return verdict;
}

}  // namespace offramp::migrate::metrics
