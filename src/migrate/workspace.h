// The folder PLAN.offramp/ beside the plan, or PLAN.offramp/TABLE/ of one move: journal, staged
// files, reports. Private (0700), one process at a time. Plans are named as on the command line
// (plan/plan_name.h).
#pragma once

#include <memory>
#include <string>

#include "base/result.h"

namespace offramp::migrate {

class Workspace {
 public:
  // The folder of a plan's migration: "plan.yaml" → "plan.yaml.offramp", "plan.yaml::T" →
  // "plan.yaml.offramp/T".
  static std::string folder_of(const std::string& plan_name);

  // Creates the folder and takes its lock. kConflict when another process works on the same plan.
  static Result<std::unique_ptr<Workspace>> open_exclusive(const std::string& plan_name);
  // True while some process holds the plan's lock.
  static bool is_held(const std::string& plan_name);
  ~Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  const std::string& folder() const { return folder_; }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

 private:
  Workspace(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  std::string folder_;
  int lock_;
};

}  // namespace offramp::migrate
