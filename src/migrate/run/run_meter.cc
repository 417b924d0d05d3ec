#include "migrate/run/run_meter.h"

#include <sys/stat.h>

#include <ctime>
#include <fstream>

#include "io/clock.h"
#include "migrate/verify/verify.h"

namespace offramp::migrate {
namespace {

constexpr size_t kReportBytesMax = 16 << 20;  // a thousand findings with their keys are far less

// "2026-01-02T03:04:05Z" as Unix seconds; 0 for anything else.
int64_t seconds_of_utc(const std::string& text) {
  std::tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return end && *end == '\0' ? static_cast<int64_t>(::timegm(&parts)) : 0;
}

std::optional<metrics::Verdict> verdict_in(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text(kReportBytesMax, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  auto report = verify::parse_report(text);
  if (!report.ok()) return std::nullopt;
  return metrics::Verdict{.equal = report->equal,
                          .missing = report->missing,
                          .extra = report->extra,
                          .different = report->different,
                          .refused = report->refused,
                          .waived = report->waived,
                          .unsettled = report->unsettled,
                          .at_s = seconds_of_utc(report->at),
                          .equal_until_s = seconds_of_utc(report->equal_until)};
}

}  // namespace

RunMeter::RunMeter(Migration& migration, const Progress& progress)
    : migration_(migration),
      progress_(progress),
      report_path_(migration.folder + "/verify-report.json") {
  const plan::SourceSpec& source = migration.plan.source;
  if (source.load.from != plan::LoadSpec::From::kScan || source.limits.window.empty()) return;
  if (auto window = source::scan::DailyWindow::parse(source.limits.window); window.ok())
    window_ = *window;
}

void RunMeter::set_phase(std::string phase) {
  std::lock_guard lock(mutex_);
  phase_ = std::move(phase);
}

void RunMeter::attach(live::Live* live) {
  std::lock_guard lock(mutex_);
  live_ = live;
}

void RunMeter::read_verdict(metrics::Sample& sample) {
  struct stat found {};
  if (::stat(report_path_.c_str(), &found) == 0) {
    int64_t written = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
    if (written != report_written_ns_) {
      verdict_ = verdict_in(report_path_);
      report_written_ns_ = written;
    }
  }
  sample.verdict = verdict_;
}

metrics::Sample RunMeter::sample() {
  metrics::Sample out;
  out.records = load_.records;
  out.source_bytes = load_.bytes;
  out.stored = load_.stored;
  out.overflow = load_.overflow;
  out.skipped = load_.skipped;
  out.refused = load_.refused;
  out.steps = progress_.items();
  out.source_retries = migration_.source_calls->retries;
  out.source_throttles = migration_.source_calls->throttles;
  if (auto counts = migration_.journal->letter_counts(); counts.ok()) out.letters = *counts;
  std::lock_guard lock(mutex_);
  out.phase = phase_;
  read_verdict(out);
  if (live_) {
    out.live = live_->state();
    out.phase = out.live->phase;
    out.stream_answers = live_->capture_counts().answers;
    if (auto* follower = live_->follower()) {
      out.following = true;
      out.target_waiting = follower->waiting();
    }
  }
  if (load_.finishing) out.phase = "finishing";
  if (window_ && out.phase == "loading")
    out.window_closed = window_->until_open(io::system_clock().wall()) > std::chrono::seconds(0);
  return out;
}

}  // namespace offramp::migrate
