// Fuzzes projection expressions: no crash; what is projected is part of the item, and projecting it
// once more by the attributes it reads changes nothing.
#include <cstdlib>
#include <vector>

#include "ddb/expression/projection.h"
#include "ddb/expression/request_test.h"

using namespace offramp::ddb;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const expression::TestItem item(expression::kEveryType);
  static std::string memory;
  expression::Placeholders placeholders;
  expression::add_all(item.view(), placeholders, memory);
  const std::vector<char> bytes(data, data + size);
  const auto projection = expression::Projection::parse({bytes.data(), bytes.size()}, placeholders);
  if (!projection.ok()) return 0;
  ItemBatch out, again;
  projection->apply(item.view(), out);
  if (out.item(0).node()->span > item.view().node()->span) std::abort();
  const std::vector<std::string> names = projection->attributes();
  const std::vector<std::string_view> views(names.begin(), names.end());
  expression::Projection::of_attributes(views).apply(out.item(0), again);
  if (!equal(out.item(0), again.item(0))) std::abort();
  (void)projection->reads_below(views);
  return 0;
}
