// Fuzzes key conditions: no crash in parsing, nor in binding them to keys of one to four
// attributes; what is bound has values of the key's types.
#include <cstdlib>
#include <vector>

#include "ddb/expression/key_condition.h"
#include "ddb/expression/request_test.h"

using namespace offramp::ddb;
using expression::KeyPart;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const expression::TestItem item(expression::kEveryType);
  static std::string memory;
  expression::Placeholders placeholders;
  expression::add_all(item.view(), placeholders, memory);
  const std::vector<char> bytes(data, data + size);
  const auto condition =
      expression::KeyExpression::parse({bytes.data(), bytes.size()}, placeholders);
  if (!condition.ok()) return 0;
  const std::vector<KeyPart> parts{
      {"a", Type::kS}, {"b", Type::kN}, {"c", Type::kB}, {"k", Type::kS}};
  for (size_t hashes = 1; hashes <= 2; ++hashes) {
    for (size_t sorts = 0; sorts <= 2; ++sorts) {
      const std::vector<KeyPart> partition(parts.begin(), parts.begin() + hashes);
      const std::vector<KeyPart> sort(parts.begin() + hashes, parts.begin() + hashes + sorts);
      const auto bound = condition->bind(partition, sort, hashes == 2 ? "index" : "");
      if (!bound.ok()) continue;
      if (bound->partition.size() != hashes) std::abort();
      for (size_t i = 0; i < hashes; ++i)
        if (bound->partition[i].type() != partition[i].type) std::abort();
      const size_t used = bound->sort_equal.size();
      const bool ranges = bound->range != expression::KeyCondition::Range::kNone;
      if (used + ranges > sorts || ranges != static_cast<bool>(bound->first)) std::abort();
      if (ranges && bound->first.type() != sort[used].type) std::abort();
    }
  }
  return 0;
}
