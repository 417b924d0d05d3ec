// The types and attribute values of request bodies: what is refused, and in which words.
#include "engine/request.h"

#include <gtest/gtest.h>

#include "ddb/wire_json.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kMembers[] = {{"TableName", &kString},   {"Item", &kAttributeMap},
                               {"Limit", &kInteger},      {"ConsistentRead", &kBoolean},
                               {"Names", &kStringMap},    {"List", &kStrings},
                               {"Values", &kAttributeMap}};
constexpr Shape kShape = structure(kMembers, "TestInput");

class RequestTest : public testing::Test {
 protected:
  Status parse(std::string_view body) {
    text_ = std::string(body) + std::string(ddb::kJsonPadding, '\0');
    return request_.parse({text_.data(), body.size()}, kShape);
  }
  std::string type_error(std::string_view body) {
    Status status = parse(body);
    if (status.ok()) return "fine";
    EXPECT_EQ(status.error().code(), "SerializationException");
    return status.error().message();
  }
  // The error of the item {"a": value}, or its JSON.
  std::string value(std::string_view json) {
    Status status = parse("{\"Item\":{\"a\":" + std::string(json) + "}}");
    if (!status.ok()) return status.error().code() + ": " + status.error().message();
    Result<ddb::ItemView> item = request_.item(request_["Item"]);
    if (!item.ok()) {
      EXPECT_EQ(item.error().code(), "ValidationException");
      return item.error().message();
    }
    std::string out;
    ddb::append_value_json(item->find("a"), out);
    return out;
  }
  Request request_;
  std::string text_;
};

TEST_F(RequestTest, TypesOfMembersAreChecked) {
  struct Case {
    std::string_view body, error;
  };
  constexpr Case kCases[] = {
      {"{", ""},
      {"", ""},
      {"[]", ""},
      {"{}", "fine"},
      {R"({"Unknown":{"x":[1]},"TableName":null})", "fine"},
      {R"({"TableName":23})", "NUMBER_VALUE cannot be converted to String"},
      {R"({"TableName":2.5})", "DECIMAL_VALUE cannot be converted to String"},
      {R"({"TableName":true})", "TRUE_VALUE cannot be converted to String"},
      {R"({"TableName":[]})", "Unrecognized collection type class java.lang.String"},
      {R"({"TableName":{}})", "Start of structure or map found where not expected"},
      {R"({"Limit":"1"})", "STRING_VALUE cannot be converted to Integer"},
      {R"({"Limit":false})", "FALSE_VALUE cannot be converted to Integer"},
      {R"({"ConsistentRead":1})", "NUMBER_VALUE cannot be converted to Boolean"},
      {R"({"ConsistentRead":"true"})", "Unexpected token received from parser"},
      {R"({"List":"a"})", "Unexpected field type"},
      {R"({"List":[1]})", "NUMBER_VALUE cannot be converted to String"},
      {R"({"Item":"a"})", "Unexpected field type"},
      {R"({"Item":[]})",
       "Unrecognized collection type java.util.Map<java.lang.String, "
       "com.amazonaws.dynamodb.v20120810.AttributeValue>"},
      {R"({"Item":{"a":"x"}})", "Unexpected value type in payload"},
      {R"({"Item":{"a":[]}})",
       "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"},
      {R"({"Item":{"a":{"N":1}}})", "NUMBER_VALUE cannot be converted to String"},
      {R"({"Item":{"a":{"BOOL":"true"}}})", "Unexpected token received from parser"},
      {R"({"Item":{"a":{"SS":"x"}}})", "Unexpected field type"},
      {R"({"Item":{"a":{"B":"23456"}}})",
       "Base64 encoded length is expected a multiple of 4 bytes but found: 5"},
      {R"({"Item":{"a":{"B":"=+/="}}})", "Invalid last non-pad Base64 character dectected"},
      {R"({"Item":{"a":{"B":"+/+="}}})", "Invalid last non-pad Base64 character dectected"},
      {R"({"Item":{"a":{"B":"ab!d"}}})", "Invalid Base64 character: '!'"},
      {R"({"Item":{"a":{"L":[{"M":{"b":{"S":1}}}]}}})",
       "NUMBER_VALUE cannot be converted to String"},
  };
  for (const Case& c : kCases) EXPECT_EQ(type_error(c.body), c.error) << c.body;
}

TEST_F(RequestTest, AttributeValuesAreDecoded) {
  struct Case {
    std::string_view json, result;
  };
  constexpr Case kCases[] = {
      {R"({"S":"\u00e9\n"})", "{\"S\":\"é\\n\"}"},
      {R"({"S":""})", R"({"S":""})"},
      {R"({"N":"+1.50E2"})", R"({"N":"150"})"},
      {R"({"N":"0.0e126"})", R"({"N":"0"})"},
      {R"({"B":"AAE="})", R"({"B":"AAE="})"},
      {R"({"B":""})", R"({"B":""})"},
      {R"({"BOOL":false})", R"({"BOOL":false})"},
      {R"({"NULL":true})", R"({"NULL":true})"},
      {R"({"L":[{"S":"x"},{"L":[]},{"M":{}}]})", R"({"L":[{"S":"x"},{"L":[]},{"M":{}}]})"},
      {R"({"SS":["b",""]})", R"({"SS":["b",""]})"},
      {R"({"NS":["1","-2.0"]})", R"({"NS":["1","-2"]})"},
      {R"({"BS":["AA==","AQ=="]})", R"({"BS":["AA==","AQ=="]})"},
      {R"({"S":"x","N":null})", R"({"S":"x"})"},
  };
  for (const Case& c : kCases) EXPECT_EQ(value(c.json), c.result) << c.json;
}

TEST_F(RequestTest, AttributeValuesAreRefused) {
  struct Case {
    std::string_view json, error;
  };
  constexpr std::string_view kInvalid = "One or more parameter values were invalid: ";
  constexpr std::string_view kEmpty =
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes";
  const Case kCases[] = {
      {"{}", kEmpty},
      {"null", kEmpty},
      {R"({"X":"a"})", kEmpty},
      {R"({"S":null})", kEmpty},
      {R"({"L":[{}]})", kEmpty},
      {R"({"S":"a","N":"1"})",
       "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
       "supported datatypes"},
      {R"({"S":"a","N":"b"})", "The parameter cannot be converted to a numeric value: b"},
      {R"({"N":""})", "The parameter cannot be converted to a numeric value"},
      {R"({"N":"1 "})", "The parameter cannot be converted to a numeric value: 1 "},
      {R"({"N":"1e126"})",
       "Number overflow. Attempting to store a number with magnitude larger than supported range"},
      {R"({"N":"1e-131"})",
       "Number underflow. Attempting to store a number with magnitude smaller than supported "
       "range"},
      {R"({"N":"0e126"})",
       "Number overflow. Attempting to store a number with magnitude larger than supported range"},
      {R"({"N":"0e-131"})",
       "Number underflow. Attempting to store a number with magnitude smaller than supported "
       "range"},
      {R"({"N":"123456789012345678901234567890123456789"})",
       "Attempting to store more than 38 significant digits in a Number"},
      {R"({"NULL":false})", "*Null attribute value types must have the value of true"},
      {R"({"SS":[]})", "*An string set  may not be empty"},
      {R"({"NS":[]})", "*An number set  may not be empty"},
      {R"({"BS":[]})", "*Binary sets should not be empty"},
      {R"({"SS":["a","b","a"]})", "*Input collection [a, b, a] contains duplicates."},
      {R"({"NS":["1","1.0"]})", "Input collection contains duplicates"},
      {R"({"BS":["AA==","AA=="]})",
       "*Input collection [AA==, AA==]of type BS contains duplicates."},
  };
  for (const Case& c : kCases) {
    std::string expected = c.error.starts_with('*')
                               ? std::string(kInvalid) + std::string(c.error.substr(1))
                               : std::string(c.error);
    EXPECT_EQ(value(c.json), expected) << c.json;
  }
}

TEST_F(RequestTest, NestingStopsAt32Levels) {
  auto nested = [&](int containers) {
    std::string json;
    for (int i = 0; i < containers; ++i) json += "{\"L\":[";
    json += "{\"S\":\"x\"}";
    for (int i = 0; i < containers; ++i) json += "]}";
    return value(json);
  };
  EXPECT_TRUE(nested(31).starts_with("{\"L\":["));
  EXPECT_EQ(nested(32), "Nesting Levels have exceeded supported limits");
  // Far deeper is refused before it can hurt.
  EXPECT_EQ(nested(5000), "SerializationException: ");
}

TEST_F(RequestTest, ViewsStayWhereTheyAreWhenMoreIsDecoded) {
  ASSERT_TRUE(
      parse(R"({"Item":{"a":{"S":"first"},"b":{"L":[{"S":"x"}]}},"Values":{":v":{"S":"second"}}})")
          .ok());
  ddb::ItemView item = request_.item(request_["Item"]).value();
  std::vector<ddb::ValueView> values;
  for (int i = 0; i < 5000; ++i) values.push_back(request_.value(request_["Values"][":v"]).value());
  EXPECT_EQ(item.find("a").bytes(), "first");
  for (ddb::ValueView value : values) EXPECT_EQ(value.bytes(), "second");
}

TEST_F(RequestTest, LargeSetsAreSearchedForDuplicates) {
  std::string set = R"({"SS":[)";
  for (int i = 0; i < 100; ++i) set += "\"m" + std::to_string(i) + "\",";
  EXPECT_TRUE(value(set + "\"m100\"]}").starts_with(R"({"SS":["m0")"));
  EXPECT_TRUE(value(set + "\"m7\"]}").ends_with("contains duplicates."));
}

class PlaceholderTest : public RequestTest {
 protected:
  std::string read(std::string_view body, ExpressionUse use = {true, true, {}}) {
    Status status = parse(body);
    if (!status.ok()) return status.error().message();
    status = read_placeholders(request_, request_["Names"], request_["Values"], use, placeholders_);
    return status.ok() ? "fine" : status.error().message();
  }
  ddb::expression::Placeholders placeholders_;
};

TEST_F(PlaceholderTest, AreReadAndRefused) {
  EXPECT_EQ(read(R"({"Names":{"#a":"b"},"Values":{":v":{"S":"x"}}})"), "fine");
  EXPECT_EQ(*placeholders_.name("#a"), "b");
  EXPECT_EQ(placeholders_.value(":v").bytes(), "x");
  EXPECT_EQ(read(R"({"Names":{}})"), "ExpressionAttributeNames must not be empty");
  EXPECT_EQ(read(R"({"Values":{}})"), "ExpressionAttributeValues must not be empty");
  EXPECT_EQ(read(R"({"Names":{"a":"b"}})"),
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"a\"");
  EXPECT_EQ(read(R"({"Values":{"v":{"S":"x"}}})"),
            "ExpressionAttributeValues contains invalid key: Syntax error; key: \"v\"");
  EXPECT_EQ(read(R"({"Values":{":v":{"N":"x"}}})"),
            "ExpressionAttributeValues contains invalid value: The parameter cannot be converted "
            "to a numeric value: x for key :v");
  EXPECT_EQ(read(R"({"Names":{"#a":"b"}})", {}),
            "ExpressionAttributeNames can only be specified when using expressions");
  EXPECT_EQ(read(R"({"Values":{":v":{"S":"x"}}})", {true, false, "ConditionExpression is null"}),
            "ExpressionAttributeValues can only be specified when using expressions: "
            "ConditionExpression is null");
}

}  // namespace
}  // namespace offramp::engine
