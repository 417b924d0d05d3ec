// Fuzzes condition expressions in both dialects: no crash in parsing, nor in asking the condition
// of an item that has every type under the names a to m.
#include <cstdlib>
#include <vector>

#include "ddb/expression/condition.h"
#include "ddb/expression/request_test.h"

using namespace offramp::ddb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const expression::TestItem item(expression::kEveryType);
  static std::string memory;
  expression::Placeholders placeholders;
  expression::add_all(item.view(), placeholders, memory);
  const std::vector<char> bytes(data, data + size);
  const std::string_view text(bytes.data(), bytes.size());
  const auto plan = expression::Condition::parse_plan(text);
  if (plan.ok()) {
    (void)plan->evaluate(item.view());
    (void)plan->attributes();
  }
  const auto condition =
      expression::Condition::parse_api(text, "ConditionExpression", placeholders);
  if (!condition.ok()) return 0;
  const bool holds = condition->evaluate(item.view());
  (void)condition->evaluate(ItemView());
  (void)placeholders.check_all_used();
  // What the service takes, a plan file takes with the same meaning; but true, false and null are
  // literals there.
  if (plan.ok() && plan->attributes() == condition->attributes() &&
      plan->evaluate(item.view()) != holds)
    std::abort();
  return 0;
}
