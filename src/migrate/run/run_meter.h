// RunMeter: gathers what a run's parts know of themselves into one sample for the metrics.
//
// The load counts into it, the live part is asked while it lives, letters come from the journal,
// and the newest verdict from PLAN.offramp/verify-report.json, whichever process wrote it. Threads:
// sample() may be called from any thread.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "ddb/client/client.h"
#include "migrate/live/live.h"
#include "migrate/load.h"
#include "migrate/metrics/sample.h"
#include "migrate/migration.h"
#include "migrate/progress.h"
#include "source/scan/daily_window.h"

namespace offramp::migrate {

class RunMeter {
 public:
  // Both must outlive it.
  RunMeter(Migration& migration, const Progress& progress);

  LoadMeter& load() { return load_; }
  // What a run without a live part is at; a live part says it itself, but for "finishing".
  void set_phase(std::string phase);

  // While it lives, the live part is asked.
  class Attached {
   public:
    Attached(RunMeter& meter, live::Live& live) : meter_(meter) { meter_.attach(&live); }
    ~Attached() { meter_.attach(nullptr); }
    Attached(const Attached&) = delete;
    Attached& operator=(const Attached&) = delete;

   private:
    RunMeter& meter_;
  };

  metrics::Sample sample();

 private:
  void attach(live::Live* live);
  void read_verdict(metrics::Sample& sample);

  Migration& migration_;
  const Progress& progress_;
  const std::string report_path_;
  std::optional<source::scan::DailyWindow> window_;  // constant
  LoadMeter load_;
  std::mutex mutex_;  // guards what follows; held while the live part is asked
  live::Live* live_ = nullptr;
  std::string phase_ = "starting";
  int64_t report_written_ns_ = 0;  // of the report that verdict_ was read from
  std::optional<metrics::Verdict> verdict_;
};

}  // namespace offramp::migrate
