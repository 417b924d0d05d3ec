// Fuzzes update expressions: no crash in parsing, nor in applying the update to an item that has
// every type under the names a to m; the new item is well-formed and nothing is left of a failure.
#include <cstdlib>
#include <vector>

#include "ddb/expression/request_test.h"
#include "ddb/expression/update.h"

using namespace offramp::ddb;

namespace {

// The spans and sizes of a tree agree.
void check(ValueView value) {
  if (!is_container(value.type())) return;
  uint32_t children = 0, span = 1;
  for (ValueView child : value) {
    check(child);
    ++children;
    span += child.node()->span;
  }
  if (children != value.size() || span != value.node()->span) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const expression::TestItem item(expression::kEveryType);
  static const expression::TestItem key(R"({"a":{"S":"key"}})");
  static std::string memory;
  expression::Placeholders placeholders;
  expression::add_all(item.view(), placeholders, memory);
  const std::vector<char> bytes(data, data + size);
  const auto update = expression::Update::parse({bytes.data(), bytes.size()}, placeholders);
  if (!update.ok()) return 0;
  for (ItemView old : {item.view(), ItemView()}) {
    ItemBatch out, touched;
    if (!update->apply(old, key.view(), out).ok()) {
      if (!out.nodes().empty() || out.size() != 0) std::abort();
      continue;
    }
    check(out.item(0));
    for (ItemView side : {old, out.item(0)})
      if (update->touched(side, expression::Update::Touched::kNew, touched))
        check(touched.item(touched.size() - 1));
  }
  (void)update->written_attributes();
  (void)update->only_removes();
  return 0;
}
