#include "source/json_cut.h"

#include <gtest/gtest.h>

#include <string>

namespace offramp::source {
namespace {

TEST(JsonCut, FindsTheEndOfEveryKindOfValue) {
  for (std::string value : {R"({"a":"}]\"{\\"})", R"([1,[2,{"x":[]}],"\\\""])", R"("a\"b")",
                            R"("\\")", "true", "-1.5e3", "{}", "[]"}) {
    std::string text = value + " , tail";
    Cut cut = cut_json_value(text, 0);
    EXPECT_EQ(cut.state, CutState::kDone) << value;
    EXPECT_EQ(cut.end, value.size()) << value;
    // No prefix is taken for the whole.
    for (size_t size = 0; size < value.size(); ++size)
      EXPECT_EQ(cut_json_value(std::string_view(value).substr(0, size), 0).state,
                CutState::kIncomplete)
          << value << size;
  }
  EXPECT_EQ(cut_json_value(", 1", 0).state, CutState::kBad);
}

TEST(JsonCut, FindsMembers) {
  std::string text = R"({ "a" : {"b":1} , "c":"x", "d":[1,2] })";
  EXPECT_EQ(find_json_member(text, "a"), R"({"b":1})");
  EXPECT_EQ(find_json_member(text, "c"), R"("x")");
  EXPECT_EQ(find_json_member(text, "d"), "[1,2]");
  EXPECT_EQ(find_json_member(text, "b"), "");
  EXPECT_EQ(find_json_member("[]", "b"), "");
}

TEST(JsonCut, TellsAttributeValuesFromItems) {
  for (const char* value :
       {R"({"S":"x"})", R"({"N":"1"})", R"({"M":{}})",
        R"({"M":{"a":{"S":"x"},"b":{"M":{"S":{"S":"x"}}}}})", R"({ "L" : [ {"S":"x"} ] })",
        R"({"BOOL":true})", R"({"NULL":true})", R"({"BS":[]})"})
    EXPECT_TRUE(looks_like_attribute_value(value)) << value;
  for (const char* item :
       {R"({"S":{"S":"x"}})", R"({"M":{"S":"x"}})", R"({"L":{"L":[]}})", R"({"pk":{"S":"x"}})",
        "{}", "[]", R"({"S":"x","N":"1"})", R"({"M":{"L":{"x":{"L":[]}}}})",
        R"({"NULL":{"NULL":true}})", R"({"S":"x")"})
    EXPECT_FALSE(looks_like_attribute_value(item)) << item;
}

}  // namespace
}  // namespace offramp::source
