#include "migrate/metrics/health.h"

#include <fmt/format.h>

#include <functional>

namespace offramp::migrate::metrics {

void Health::observe(const Sample& sample, io::Clock::Steady now) {
  answers_.see(sample.stream_answers, now);
  phase_.see(std::hash<std::string>()(sample.phase), now);
  uint64_t written = sample.records + sample.steps;
  if (sample.live)
    written += sample.live->applied + static_cast<uint64_t>(sample.live->applied_until_ms);
  // A phase that has just begun, or hours that have just come, are given the limit to show
  // something.
  if (phase_.at == now || (last_.window_closed && !sample.window_closed) || sample.window_closed)
    written_.at.reset();
  written_.see(written, now);
  if (sample.target_waiting.empty())
    target_away_since_.reset();
  else if (!target_away_since_)
    target_away_since_ = now;
  last_ = sample;
}

std::optional<int64_t> Health::overdue(const Watched& watched, io::Clock::Steady now) const {
  if (!watched.at || now - *watched.at <= limit_) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::seconds>(now - *watched.at).count();
}

std::string Health::complaint(io::Clock::Steady now) const {
  if (target_away_since_ && now - *target_away_since_ > limit_)
    return fmt::format(
        "the target has been away for {} s: {}",
        std::chrono::duration_cast<std::chrono::seconds>(now - *target_away_since_).count(),
        last_.target_waiting);
  if (last_.live) {
    if (auto seconds = overdue(answers_, now))
      return fmt::format("the stream has not answered for {} s{}", *seconds,
                         last_.live->waiting.empty() ? "" : ": " + last_.live->waiting);
  }
  if (last_.window_closed ||
      (last_.phase != "loading" && last_.phase != "verifying" && !last_.following))
    return {};
  auto seconds = overdue(written_, now);
  if (!seconds) return {};
  if (last_.phase == "loading") return fmt::format("nothing has been loaded for {} s", *seconds);
  if (last_.following) return fmt::format("nothing has been applied for {} s", *seconds);
  return fmt::format("nothing has been compared for {} s", *seconds);
}

}  // namespace offramp::migrate::metrics
