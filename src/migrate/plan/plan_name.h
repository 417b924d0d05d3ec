// PlanName: how a command line names what it works on: "plan.yaml", or "plan.yaml::Orders" for one
// move of a file that has several. The only place that takes such a name apart.
#pragma once

#include <string>

namespace offramp::migrate::plan {

struct PlanName {
  std::string path;   // the plan file
  std::string table;  // of one move; empty: the whole file

  // A file that exists under the whole name is that file.
  static PlanName parse(const std::string& name);
  std::string text() const { return table.empty() ? path : path + "::" + table; }
  // The folder of journal, spool and reports: "plan.yaml.offramp", "plan.yaml.offramp/Orders".
  std::string folder() const;
};

}  // namespace offramp::migrate::plan
