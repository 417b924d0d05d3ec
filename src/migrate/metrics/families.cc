// A row of kMetrics per metric with one value a table; those with labels of their own are below it.
#include "migrate/metrics/families.h"

#include <limits>

namespace offramp::migrate::metrics {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double seconds_or_unknown(int64_t ms) {
  return ms == 0 ? kUnknown : static_cast<double>(ms) / 1000;
}

// A value of the capture, 0 before it has begun.
template <auto Member>
double live_count(const Sample& sample, int64_t) {
  return sample.live ? static_cast<double>((*sample.live).*Member) : 0;
}
template <auto Member>
double live_time(const Sample& sample, int64_t) {
  return sample.live ? seconds_or_unknown((*sample.live).*Member) : kUnknown;
}
template <auto Member>
double count(const Sample& sample, int64_t) {
  return static_cast<double>(sample.*Member);
}
template <auto Member>
double verdict_time(const Sample& sample, int64_t) {
  return sample.verdict && (*sample.verdict).*Member
             ? static_cast<double>((*sample.verdict).*Member)
             : kUnknown;
}

double lag_seconds(const Sample& sample, int64_t now_ms) {
  if (!sample.live || sample.live->applied_until_ms == 0) return kUnknown;
  return static_cast<double>(std::max<int64_t>(0, now_ms - sample.live->applied_until_ms)) / 1000;
}

double expiry_seconds(const Sample& sample, int64_t now_ms) {
  if (!sample.live || sample.live->expires_at_ms == 0) return kUnknown;
  return static_cast<double>(sample.live->expires_at_ms - now_ms) / 1000;
}

double verify_equal(const Sample& sample, int64_t) {
  return sample.verdict ? static_cast<double>(sample.verdict->equal) : kUnknown;
}

struct Metric {
  const char* name;
  MetricType type;
  double (*value)(const Sample& sample, int64_t now_ms);
  const char* help;
};

constexpr MetricType kCounter = MetricType::Counter;
constexpr MetricType kGauge = MetricType::Gauge;

constexpr Metric kMetrics[] = {
    {"offramp_source_records_read_total", kCounter, count<&Sample::records>,
     "Records that the load has read."},
    {"offramp_source_read_bytes_total", kCounter, count<&Sample::source_bytes>,
     "Bytes that the load has read."},
    {"offramp_items_loaded_total", kCounter, count<&Sample::stored>,
     "Items that the load handed to the target, those of the overflow table included."},
    {"offramp_items_overflow_total", kCounter, count<&Sample::overflow>,
     "Items stored whole in the overflow table, because their keys fit no index."},
    {"offramp_items_skipped_total", kCounter, count<&Sample::skipped>,
     "Items that the plan leaves behind."},
    {"offramp_items_refused_total", kCounter, count<&Sample::refused>,
     "Items that became dead letters in the load."},
    {"offramp_changes_captured_total", kCounter, live_count<&LiveState::captured>,
     "Changes read from the stream into the spool."},
    {"offramp_deletions_captured_total", kCounter, live_count<&LiveState::deletions>,
     "Captured changes that were deletions."},
    {"offramp_ttl_deletions_captured_total", kCounter, live_count<&LiveState::ttl_deletions>,
     "Captured deletions that were made by TTL."},
    {"offramp_captured_bytes_total", kCounter, live_count<&LiveState::bytes>,
     "Bytes of captured changes."},
    {"offramp_stream_answers_total", kCounter, count<&Sample::stream_answers>,
     "Answers of the stream, empty ones included."},
    {"offramp_changes_applied_total", kCounter, live_count<&LiveState::applied>,
     "Captured changes that are at the target, overtaken ones included."},
    {"offramp_lag_seconds", kGauge, lag_seconds,
     "How far the target is behind the table; NaN while not known."},
    {"offramp_captured_until_timestamp_seconds", kGauge, live_time<&LiveState::captured_until_ms>,
     "Every change up to this time is in the spool."},
    {"offramp_applied_until_timestamp_seconds", kGauge, live_time<&LiveState::applied_until_ms>,
     "Every change up to this time is at the target."},
    {"offramp_spool_bytes", kGauge, live_count<&LiveState::spool_bytes>,
     "Size of the spool on disk."},
    {"offramp_spool_changes", kGauge, live_count<&LiveState::spool_changes>,
     "Changes in the spool's log."},
    {"offramp_spool_keys", kGauge, live_count<&LiveState::spool_keys>,
     "About how many keys are folded in the spool."},
    {"offramp_shards", kGauge, live_count<&LiveState::shards>,
     "Shards of the stream that are known."},
    {"offramp_shards_open", kGauge, live_count<&LiveState::shards_open>,
     "Shards that have not been read to their end."},
    {"offramp_unread_expiry_seconds", kGauge, expiry_seconds,
     "Time until a record that was not read yet could begin to expire; NaN when none could."},
    {"offramp_source_retries_total", kCounter, count<&Sample::source_retries>,
     "Calls of the source that were repeated."},
    {"offramp_source_throttles_total", kCounter, count<&Sample::source_throttles>,
     "Repeated calls of the source that it had throttled."},
    {"offramp_target_retries_total", kCounter, live_count<&LiveState::retries>,
     "Transactions of changes that were repeated at the target."},
    {"offramp_verify_equal", kGauge, verify_equal,
     "1 when the newest comparison found both sides equal; NaN before it."},
    {"offramp_verify_timestamp_seconds", kGauge, verdict_time<&Verdict::at_s>,
     "When the newest comparison ended."},
    {"offramp_verify_equal_until_timestamp_seconds", kGauge, verdict_time<&Verdict::equal_until_s>,
     "The newest comparison speaks of both sides as of this time or later."},
};

ClientMetric value_of(MetricType type, double value, std::vector<ClientMetric::Label> labels) {
  ClientMetric out;
  out.label = std::move(labels);
  if (type == MetricType::Counter)
    out.counter.value = value;
  else
    out.gauge.value = value;
  return out;
}

using Labelled = std::vector<std::pair<std::string, double>>;

// A gauge with one series for each value of `label`, per table.
template <class Values>
MetricFamily labelled(const char* name, const char* help, const char* label,
                      const std::vector<TableSample>& tables, Values values) {
  MetricFamily family{name, help, MetricType::Gauge, {}};
  for (const TableSample& table : tables)
    for (const auto& [label_value, value] : values(table.sample))
      family.metric.push_back(
          value_of(MetricType::Gauge, value, {{"table", table.table}, {label, label_value}}));
  return family;
}

Labelled phases_of(const Sample& sample) {
  Labelled out;
  for (std::string_view phase : kPhases) out.emplace_back(phase, sample.phase == phase ? 1 : 0);
  return out;
}

Labelled letters_of(const Sample& sample) {
  return {{"open", static_cast<double>(sample.letters.open)},
          {"waived", static_cast<double>(sample.letters.waived)},
          {"applied", static_cast<double>(sample.letters.applied)}};
}

Labelled waiting_of(const Sample& sample) {
  bool target = !sample.target_waiting.empty();
  bool source =
      sample.live && !sample.live->waiting.empty() && sample.live->waiting != sample.target_waiting;
  return {{"source", source}, {"target", target}};
}

Labelled differences_of(const Sample& sample) {
  auto number = [&](uint64_t Verdict::*member) {
    return sample.verdict ? static_cast<double>((*sample.verdict).*member) : kUnknown;
  };
  return {{"missing", number(&Verdict::missing)},     {"extra", number(&Verdict::extra)},
          {"different", number(&Verdict::different)}, {"refused", number(&Verdict::refused)},
          {"waived", number(&Verdict::waived)},       {"unsettled", number(&Verdict::unsettled)}};
}

}  // namespace

std::vector<MetricFamily> make_families(const ProcessFacts& process,
                                        const std::vector<TableSample>& tables, int64_t now_ms) {
  std::vector<MetricFamily> out;
  out.push_back({"offramp_build_info",
                 "The version of this process.",
                 MetricType::Gauge,
                 {value_of(MetricType::Gauge, 1, {{"version", process.version}})}});
  out.push_back(
      {"offramp_start_time_seconds",
       "When this process began.",
       MetricType::Gauge,
       {value_of(MetricType::Gauge, static_cast<double>(process.started_ms) / 1000, {})}});
  if (tables.empty()) return out;
  MetricFamily healthy{"offramp_healthy",
                       "1 when the table's migration makes progress, as /healthz says it.",
                       MetricType::Gauge,
                       {}};
  for (const TableSample& table : tables)
    healthy.metric.push_back(value_of(MetricType::Gauge, table.healthy, {{"table", table.table}}));
  out.push_back(std::move(healthy));
  for (const Metric& metric : kMetrics) {
    MetricFamily family{metric.name, metric.help, metric.type, {}};
    for (const TableSample& table : tables)
      family.metric.push_back(
          value_of(metric.type, metric.value(table.sample, now_ms), {{"table", table.table}}));
    out.push_back(std::move(family));
  }
  out.push_back(
      labelled("offramp_phase", "1 for what the process is at.", "phase", tables, phases_of));
  out.push_back(labelled("offramp_waiting", "1 while this side is away and waited for.", "side",
                         tables, waiting_of));
  out.push_back(labelled("offramp_dead_letters", "Dead letters by their state.", "state", tables,
                         letters_of));
  out.push_back(labelled("offramp_verify_differences",
                         "Keys that the newest comparison found, by kind.", "kind", tables,
                         differences_of));
  return out;
}

}  // namespace offramp::migrate::metrics
