// The item, the values and the reader of tables that the tests of conditions share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ddb/expression/condition.h"
#include "ddb/expression/request_test.h"

namespace offramp::ddb::expression {

constexpr std::string_view kItem = R"({
  "pk":{"S":"USER#1"}, "sk":{"S":"ORDER#7"}, "n":{"N":"10"}, "m":{"N":"-2.5"}, "big":{"N":"99999999999999999999"},
  "bin":{"B":"AQID"}, "yes":{"BOOL":true}, "nil":{"NULL":true}, "blank":{"S":""}, "word":{"S":"gr\u00fc\u00df"},
  "ss":{"SS":["a","b"]}, "ns":{"NS":["1","2.5"]}, "bs":{"BS":["AQ==","Ag=="]},
  "ss2":{"SS":["b","a"]}, "size":{"S":"reserved"}, "a.b":{"S":"dotted"}, "my name":{"S":"quoted"},
  "l":{"L":[{"N":"1"},{"S":"x"},{"M":{"deep":{"L":[{"S":"found"}]}}},{"L":[]}]},
  "doc":{"M":{"a":{"N":"1"},"b":{"M":{"c":{"S":"leaf"}}}}}, "doc2":{"M":{"b":{"M":{"c":{"S":"leaf"}}},"a":{"N":"1"}}}
})";

// The values that the tables may use.
constexpr std::string_view kValues = R"({
  ":user":{"S":"USER#"}, ":order":{"S":"ORDER#7"}, ":ten":{"N":"10"}, ":ten_text":{"S":"10"}, ":one":{"N":"1"},
  ":twenty":{"N":"20"}, ":bin":{"B":"AQI="}, ":byte":{"B":"AQ=="}, ":b23":{"B":"AgM="}, ":true":{"BOOL":true}, ":null":{"NULL":true},
  ":ss":{"SS":["b","a"]}, ":map":{"M":{"b":{"M":{"c":{"S":"leaf"}}},"a":{"N":"1"}}}, ":empty_list":{"L":[]},
  ":a":{"S":"a"}, ":x":{"S":"x"}, ":type_s":{"S":"S"}, ":type_x":{"S":"X"}
})";

enum class Form { kRequest, kPlan };

// Runs a table against `item`.
inline void run(std::string_view table, Form form, ItemView item) {
  const TestItem values(kValues);
  Placeholders placeholders;
  for (ValueView value : values.view()) placeholders.add_value(value.name(), value);
  for (auto [placeholder, name] : {std::pair("#size", "size"), std::pair("#dotted", "a.b"),
                                   std::pair("#pk", "pk"), std::pair("#none", "none")})
    placeholders.add_name(placeholder, name);
  int cases = 0;
  while (!table.empty()) {
    const std::string_view line = table.substr(0, table.find('\n'));
    table.remove_prefix(std::min(table.size(), line.size() + 1));
    const size_t arrow = line.find("=>");
    if (arrow == line.npos) continue;
    ++cases;
    std::string_view text = line.substr(0, arrow), want = line.substr(arrow + 3);
    text = text.substr(text.find_first_not_of(' '));
    text.remove_suffix(1);
    auto condition = form == Form::kPlan
                         ? Condition::parse_plan(text)
                         : Condition::parse_api(text, "FilterExpression", placeholders);
    if (want.starts_with('!')) {
      EXPECT_FALSE(condition.ok()) << line;
      if (condition.ok()) continue;
      EXPECT_EQ(condition.error().kind(), ErrorKind::kConfig);
      EXPECT_THAT(condition.error().message(), testing::HasSubstr(std::string(want.substr(2))))
          << line;
    } else {
      EXPECT_TRUE(condition.ok()) << line << ": "
                                  << (condition.ok() ? "" : condition.error().message());
      if (condition.ok()) {
        EXPECT_EQ(condition->evaluate(item), want == "true") << line;
      }
    }
  }
  EXPECT_GT(cases, 0);
}

}  // namespace offramp::ddb::expression
