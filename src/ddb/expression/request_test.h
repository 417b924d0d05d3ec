// For tests and fuzzers of expressions: an item from JSON, and a request's placeholders.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "ddb/expression/placeholders.h"
#include "ddb/wire_json.h"

namespace offramp::ddb::expression {

// An item in typed JSON; ends the program when it is none.
class TestItem {
 public:
  explicit TestItem(std::string_view json) {
    char* text = batch_.arena.allocate(json.size() + kJsonPadding);
    std::memcpy(text, json.data(), json.size());
    std::memset(text + json.size(), ' ', kJsonPadding);
    JsonDecoder decoder;
    const auto root = decoder.decode_item({text, json.size()}, "", JsonForm::kTyped, batch_);
    if (!root.ok()) std::abort();
    batch_.add_root(*root, 0);
  }
  ItemView view() const { return batch_.item(0); }

 private:
  ItemBatch batch_;
};

// Calls check(text, want) for every line "text => want" of a table.
template <class Check>
void for_each_case(std::string_view table, Check check) {
  int cases = 0;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(table.size(), line.size() + 1));
    const size_t arrow = line.find(" => ");
    if (arrow == line.npos) continue;
    const size_t start = line.find_first_not_of(' ');
    check(line.substr(start, arrow - start), line.substr(arrow + 4));
    ++cases;
  }
  if (cases == 0) std::abort();
}

// Every type under the names a to k, and m: what the fuzzers ask about.
constexpr std::string_view kEveryType =
    R"({"a":{"S":"text"},"b":{"N":"1.5"},"c":{"B":"AQID"},"d":{"BOOL":true},"e":{"NULL":true},)"
    R"("f":{"L":[{"S":"x"},{"N":"2"}]},"g":{"M":{"a":{"S":"y"},"b":{"L":[{"N":"3"}]}}},)"
    R"("h":{"SS":["p","q"]},"i":{"NS":["1","2"]},"j":{"BS":["AQ=="]},"k":{"S":""},)"
    R"("m":{"L":[{"M":{"a":{"L":[]}}},{"L":[{"S":"z"},{"S":"w"}]}]}})";

// :a to :m are the values of `item` of that name, #a to #m those names.
inline void add_all(ItemView item, Placeholders& placeholders, std::string& memory) {
  memory.clear();
  memory.reserve(item.size() * 4);
  for (ValueView value : item) {
    for (char sigil : {'#', ':'}) {
      const size_t start = memory.size();
      memory.append(1, sigil).append(value.name());
      const std::string_view placeholder(memory.data() + start, memory.size() - start);
      if (sigil == '#')
        placeholders.add_name(placeholder, value.name());
      else
        placeholders.add_value(placeholder, value);
    }
  }
}

}  // namespace offramp::ddb::expression
