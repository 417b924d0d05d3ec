// Fuzzes the plan reader: no crash, and what was read can be written and read again.
#include <cstdint>
#include <cstdlib>

#include "migrate/plan/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace offramp::migrate::plan;
  auto plan = parse_plan_file({reinterpret_cast<const char*>(data), size}, "plan.yaml");
  if (!plan.ok()) return 0;
  std::string written = write_plan_file(*plan);
  auto again = parse_plan_file(written, "plan.yaml");
  if (!again.ok() || write_plan_file(*again) != written) std::abort();
  return 0;
}
