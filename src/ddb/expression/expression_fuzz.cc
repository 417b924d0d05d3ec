// Fuzzes condition expressions in both dialects: no crash in parsing, nor in asking the condition
// of an item that has every type under the names a to k.
#include <cstdlib>
#include <vector>

#include "ddb/expression/condition.h"
#include "ddb/wire_json.h"

namespace {

using namespace offramp::ddb;

struct Item {
  Item() {
    text =
        R"({"a":{"S":"text"},"b":{"N":"1.5"},"c":{"B":"AQID"},"d":{"BOOL":true},"e":{"NULL":true},)"
        R"("f":{"L":[{"S":"x"},{"N":"2"}]},"g":{"M":{"a":{"S":"y"},"b":{"L":[]}}},"h":{"SS":["p","q"]},)"
        R"("i":{"NS":["1","2"]},"j":{"BS":["AQ=="]},"k":{"S":""}})";
    const size_t size = text.size();
    text.append(kJsonPadding, ' ');
    JsonDecoder decoder;
    const auto root = decoder.decode_item({text.data(), size}, "", JsonForm::kTyped, batch);
    if (!root.ok()) std::abort();
    batch.add_root(*root, 0);
  }
  std::string text;
  ItemBatch batch;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Item item;
  static const expression::Values values = [] {
    expression::Values out;
    for (ValueView value : item.batch.item(0)) out.emplace(":" + std::string(value.name()), value);
    return out;
  }();
  static const expression::Names names{{"#a", "a"}, {"#g", "g"}};
  const std::vector<char> bytes(data, data + size);
  const std::string_view text(bytes.data(), bytes.size());
  for (auto dialect : {expression::Dialect::kApi, expression::Dialect::kPlan}) {
    const auto condition = expression::Condition::parse(text, names, values, dialect);
    if (!condition.ok()) continue;
    (void)condition->evaluate(item.batch.item(0));
    (void)condition->evaluate(ItemView());
    (void)condition->attributes();
    // What the service takes, a plan file takes with the same meaning; but true, false and null are
    // literals there.
    if (dialect == expression::Dialect::kApi) {
      const auto plan =
          expression::Condition::parse(text, names, values, expression::Dialect::kPlan);
      if (plan.ok() && plan->attributes() == condition->attributes() &&
          plan->evaluate(item.batch.item(0)) != condition->evaluate(item.batch.item(0)))
        std::abort();
    }
  }
  return 0;
}
