// Fuzzes plan files: no crash and no exception; a plan that is accepted is written as a text that
// reads as the same plan.
#include <cstdlib>
#include <string>

#include "migrate/plan/plan.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace offramp::migrate::plan;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto plan = parse_plan(text, "plan.yaml");
  if (!plan.ok()) return 0;
  const std::string written = write_plan(*plan);
  const auto again = parse_plan(written, "plan.yaml");
  if (!again.ok()) std::abort();
  if (write_plan(*again) != written) std::abort();
  return 0;
}
