// Projections: errors as DynamoDB Local has them, and what is cut out of items.
#include "ddb/expression/projection.h"

#include <gtest/gtest.h>

#include "ddb/expression/request_test.h"

namespace offramp::ddb::expression {
namespace {

constexpr std::string_view kItem = R"({
  "a":{"S":"x"}, "n":{"N":"1"}, "l":{"L":[{"N":"0"},{"M":{"k":{"S":"y"},"z":{"S":"z"}}},{"L":[{"S":"q"}]}]},
  "m":{"M":{"a":{"M":{"b":{"N":"2"},"c":{"N":"3"}}},"e":{"M":{}}}}, "ss":{"SS":["p"]}, "a.b":{"S":"dot"}})";

TEST(Projection, Errors) {
  for_each_case(R"~(
    and => Syntax error; token: "and", near: "and"
    a.in => Syntax error; token: "in", near: ".in"
    a.:b => An expression attribute name used in the document path is not defined; attribute name: :b
    (a) => Syntax error; token: "(", near: "(a"
    a, => Syntax error; token: "<EOF>", near: ","
    name => Attribute name is a reserved keyword; reserved keyword: name
    :a => Syntax error; token: ":a", near: ":a"
    a b => Syntax error; token: "b", near: "a b"
    a.b, a.c.d, a => Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, c, d], path two: [a]
  )~",
                [](std::string_view text, std::string_view want) {
                  Placeholders none;
                  const auto projection = Projection::parse(text, none);
                  ASSERT_FALSE(projection.ok()) << text;
                  EXPECT_EQ(projection.error().code(), "ValidationException");
                  EXPECT_EQ(projection.error().message(),
                            "Invalid ProjectionExpression: " + std::string(want));
                });
}

TEST(Projection, CutsItems) {
  const TestItem item(kItem);
  ItemBatch out;
  for_each_case(R"~(
    a => {"a":{"S":"x"}}
    n, a => {"a":{"S":"x"},"n":{"N":"1"}}
    #dot => {"a.b":{"S":"dot"}}
    zz => {}
    a.b => {}
    l => {"l":{"L":[{"N":"0"},{"M":{"k":{"S":"y"},"z":{"S":"z"}}},{"L":[{"S":"q"}]}]}}
    l[2], l[0] => {"l":{"L":[{"N":"0"},{"L":[{"S":"q"}]}]}}
    l[1].k => {"l":{"L":[{"M":{"k":{"S":"y"}}}]}}
    l[1].q, l[0] => {"l":{"L":[{"N":"0"}]}}
    l[2][0], l[2][1], l[7] => {"l":{"L":[{"L":[{"S":"q"}]}]}}
    l.k => {}
    m[0] => {}
    ss[0] => {}
    m.a.b, m.a.c => {"m":{"M":{"a":{"M":{"b":{"N":"2"},"c":{"N":"3"}}}}}}
    m.a.c, n => {"m":{"M":{"a":{"M":{"c":{"N":"3"}}}}},"n":{"N":"1"}}
    m.e => {"m":{"M":{"e":{"M":{}}}}}
    m.e.f => {}
  )~",
                [&](std::string_view text, std::string_view want) {
                  Placeholders placeholders;
                  placeholders.add_name("#dot", "a.b");
                  const auto projection = Projection::parse(text, placeholders);
                  ASSERT_TRUE(projection.ok()) << text;
                  projection->apply(item.view(), out);
                  EXPECT_EQ(canonical_item_json(out.item(out.size() - 1)), want) << text;
                });
}

TEST(Projection, OfNoItemIsEmpty) {
  Placeholders none;
  ItemBatch out;
  Projection::parse("a", none)->apply(ItemView(), out);
  EXPECT_EQ(canonical_item_json(out.item(0)), "{}");
}

TEST(Projection, OfAttributes) {
  const TestItem item(kItem);
  const std::string_view names[] = {"n", "a.b", "zz", "n"};
  const Projection projection = Projection::of_attributes(names);
  ItemBatch out;
  projection.apply(item.view(), out);
  EXPECT_EQ(canonical_item_json(out.item(0)), R"({"a.b":{"S":"dot"},"n":{"N":"1"}})");
  EXPECT_EQ(projection.attributes(), (std::vector<std::string>{"a.b", "n", "zz"}));
}

TEST(Projection, SaysWhatItReads) {
  Placeholders none;
  const auto projection = Projection::parse("b.c, a, b.d[1], q[0]", none);
  ASSERT_TRUE(projection.ok());
  EXPECT_EQ(projection->attributes(), (std::vector<std::string>{"a", "b", "q"}));
  const std::string_view keys[] = {"a", "q"};
  EXPECT_EQ(projection->reads_below(keys), "q");
  EXPECT_EQ(projection->reads_below({keys, 1}), std::nullopt);
}

// More children than are searched one by one.
TEST(Projection, OfManyAttributes) {
  std::string json = "{", text;
  for (int i = 0; i < 400; ++i) {
    const std::string name = "n" + std::to_string(i * 7 % 400);
    json += (i == 0 ? "\"" : ",\"") + name + "\":{\"N\":\"1\"}";
    if (i % 2 == 0) text += (i == 0 ? "n" : ",n") + std::to_string(i);
  }
  const TestItem item(json + "}");
  Placeholders none;
  const auto projection = Projection::parse(text, none);
  ASSERT_TRUE(projection.ok());
  ItemBatch out;
  projection->apply(item.view(), out);
  EXPECT_EQ(out.item(0).size(), 200u);
  for (ValueView value : out.item(0))
    EXPECT_EQ(std::stoi(std::string(value.name().substr(1))) % 2, 0);
}

}  // namespace
}  // namespace offramp::ddb::expression
