// Conditions and updates of before expressions, without a table. Expectations are DynamoDB Local's
// and the service's.
#include "engine/legacy.h"

#include <gtest/gtest.h>

#include <deque>

#include "ddb/wire_json.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kMembers[] = {{"Expected", &kExpected},
                               {"ScanFilter", &kLegacyConditions},
                               {"AttributeUpdates", &kAttributeUpdates},
                               {"AttributesToGet", &kStrings},
                               {"ConditionalOperator", &kString},
                               {"ConditionExpression", &kString}};
constexpr Shape kAny = structure(kMembers, "Any");

class LegacyTest : public testing::Test {
 protected:
  Request& parse(const std::string& body) {
    text_ = body;
    text_.append(ddb::kJsonPadding, ' ');
    EXPECT_TRUE(request_.parse(std::string_view(text_).substr(0, body.size()), kAny).ok()) << body;
    return request_;
  }
  ddb::ItemView item(const std::string& json) {
    std::string& text = texts_.emplace_back(json);
    text.append(ddb::kJsonPadding, ' ');
    ddb::ItemBatch& batch = batches_.emplace_back();
    const uint32_t root = decoder_
                              .decode_item(std::string_view(text).substr(0, json.size()), "",
                                           ddb::JsonForm::kTyped, batch)
                              .value();
    batch.add_root(root, 0);
    return batch.item(0);
  }
  template <class T>
  static std::string message(const Result<T>& result) {
    return result.ok() ? "" : result.error().message();
  }
  // The error of an Expected, or "".
  std::string expected(const std::string& json, const std::string& more = "") {
    return message(read_expected(parse(R"({"Expected":)" + json + more + "}")));
  }
  // The item after an update, the error of reading it, or "!" and the error of applying it.
  std::string updated(const std::string& updates, const std::string& old) {
    auto update = LegacyUpdate::read(parse(R"({"AttributeUpdates":)" + updates + "}"));
    if (!update.ok()) return update.error().message();
    ddb::ItemBatch out;
    Status applied =
        update->apply(old.empty() ? ddb::ItemView() : item(old), item(R"({"pk":{"S":"a"}})"), out);
    return applied.ok() ? ddb::canonical_item_json(out.item(0)) : "!" + applied.error().message();
  }

  Request request_;
  std::string text_;
  std::deque<std::string> texts_;
  std::deque<ddb::ItemBatch> batches_;
  ddb::JsonDecoder decoder_;
};

// A row per attribute and a column per operand, as DynamoDB Local answers.
TEST_F(LegacyTest, ComparisonsHoldAsAtTheService) {
  const std::pair<const char*, const char*> attributes[] = {
      {"s", R"({"S":"abc"})"},
      {"n", R"({"N":"5"})"},
      {"b", R"({"B":"YWJj"})"},
      {"ss", R"({"SS":["a","b"]})"},
      {"ns", R"({"NS":["1","2"]})"},
      {"bs", R"({"BS":["YQ=="]})"},
      {"bo", R"({"BOOL":true})"},
      {"nu", R"({"NULL":true})"},
      {"l", R"({"L":[{"S":"a"},{"N":"1"},{"BOOL":true},{"NULL":true}]})"},
      {"m", R"({"M":{"a":{"S":"x"}}})"},
      {"missing", ""}};
  const char* operands[] = {R"({"S":"a"})",    R"({"S":"abc"})",  R"({"N":"5"})",
                            R"({"N":"1"})",    R"({"B":"YQ=="})", R"({"BOOL":true})",
                            R"({"NULL":true})"};
  const std::pair<const char*, const char*> tables[] = {
      {"CONTAINS",
       "1100000|0000000|0000100|1000000|0001000|0000100|0000000|0000000|1001011|0000000|0000000|"},
      {"NOT_CONTAINS",
       "0011111|1111111|1111011|0111111|1110111|1111011|1111111|1111111|0110100|1111111|0000000|"},
      {"NE",
       "1011111|1101111|1111111|1111111|1111111|1111111|1111101|1111110|1111111|1111111|1111111|"},
      {"LT",
       "00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|"},
      {"BEGINS_WITH",
       "11ee0ee|00ee0ee|00ee1ee|00ee0ee|00ee0ee|00ee0ee|00ee0ee|00ee0ee|00ee0ee|00ee0ee|00ee0ee|"},
      {"IN",
       "01000ee|00100ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|00000ee|"}};
  std::string whole = R"({"pk":{"S":"1"})";
  for (auto [name, value] : attributes)
    if (*value) whole += std::string(",\"") + name + "\":" + value;
  const ddb::ItemView subject = item(whole + "}");
  for (auto [op, expected_rows] : tables) {
    std::string rows;
    for (auto [name, value] : attributes) {
      for (const char* operand : operands) {
        auto filter = read_filter(
            parse(std::string(R"({"ScanFilter":{")") + name + R"(":{"ComparisonOperator":")" + op +
                  R"(","AttributeValueList":[)" + operand + "]}}}"),
            "ScanFilter");
        rows += !filter.ok() ? 'e' : filter->evaluate(subject) ? '1' : '0';
      }
      rows += '|';
    }
    EXPECT_EQ(rows, expected_rows) << op;
  }
}

TEST_F(LegacyTest, ConditionsAreJoined) {
  const ddb::ItemView subject = item(R"({"pk":{"S":"1"},"n":{"N":"5"}})");
  const std::string yes =
      R"("n":{"ComparisonOperator":"BETWEEN","AttributeValueList":[{"N":"4"},{"N":"5.0"}]})";
  const std::string no = R"("pk":{"ComparisonOperator":"NULL"})";
  const auto holds = [&](const std::string& conditions, const std::string& joined) {
    return read_filter(parse(R"({"ScanFilter":{)" + conditions + "}" + joined + "}"), "ScanFilter")
        .value()
        .evaluate(subject);
  };
  const std::string all = R"(,"ConditionalOperator":"AND")", any = R"(,"ConditionalOperator":"OR")";
  EXPECT_TRUE(holds(yes, ""));
  EXPECT_FALSE(holds(no, ""));
  EXPECT_FALSE(holds(yes + "," + no, ""));
  EXPECT_FALSE(holds(yes + "," + no, all));
  EXPECT_TRUE(holds(yes + "," + no, any));
  EXPECT_TRUE(holds(no + "," + yes, any));
  EXPECT_FALSE(holds(no + R"(,"n":{"ComparisonOperator":"NULL"})", any));
  EXPECT_TRUE(holds("", ""));
}

TEST_F(LegacyTest, ExpectedAsksOfPresenceAndValue) {
  const ddb::ItemView subject = item(R"({"pk":{"S":"1"},"n":{"N":"5"}})");
  const auto holds = [&](const std::string& json, bool there = true) {
    return read_expected(parse(R"({"Expected":)" + json + "}"))
        .value()
        .evaluate(there ? subject : ddb::ItemView());
  };
  EXPECT_TRUE(holds(R"({"n":{"Value":{"N":"5.0"}}})"));
  EXPECT_TRUE(holds(R"({"n":{"Exists":true,"Value":{"N":"5"}}})"));
  EXPECT_FALSE(holds(R"({"n":{"Value":{"S":"5"}}})"));
  EXPECT_FALSE(holds(R"({"n":{"Exists":false}})"));
  EXPECT_TRUE(holds(R"({"x":{"Exists":false}})"));
  EXPECT_TRUE(holds(R"({"n":{"Value":{"N":"6"},"ComparisonOperator":"LT"}})"));
  EXPECT_TRUE(holds(R"({"n":{"ComparisonOperator":"NOT_NULL"}})"));
  EXPECT_TRUE(holds(
      R"({"n":{"ComparisonOperator":"NULL"},"x":{"ComparisonOperator":"NE","AttributeValueList":[{"S":"a"}]}})",
      false));
  EXPECT_FALSE(holds(
      R"({"x":{"ComparisonOperator":"NOT_CONTAINS","AttributeValueList":[{"S":"a"}]}})", false));
}

TEST_F(LegacyTest, ExpectedIsRefusedInTheServicesWords) {
  const std::string invalid = "One or more parameter values were invalid: ";
  const std::pair<const char*, std::string> cases[] = {
      {R"({"x":{}})", "Value must be provided when Exists is null for Attribute: x"},
      {R"({"x":{"Exists":true}})", "Value must be provided when Exists is true for Attribute: x"},
      {R"({"x":{"Exists":false,"Value":{"S":"a"}}})",
       "Value cannot be used when Exists is false for Attribute: x"},
      {R"({"x":{"Exists":false,"ComparisonOperator":"NULL"}})",
       "Exists and ComparisonOperator cannot be used together for Attribute: x"},
      {R"({"x":{"Exists":true,"Value":{"S":"a"},"AttributeValueList":[{"S":"a"}],"ComparisonOperator":"EQ"}})",
       "Exists and ComparisonOperator cannot be used together for Attribute: x"},
      {R"({"x":{"AttributeValueList":[{"S":"a"}]}})",
       "AttributeValueList can only be used with a ComparisonOperator for Attribute: x"},
      {R"({"x":{"AttributeValueList":[{"S":"a"}],"Value":{"S":"a"}}})",
       "Value and AttributeValueList cannot be used together for Attribute: x"},
      {R"({"x":{"ComparisonOperator":"EQ"}})",
       "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: x"},
      {R"({"x":{"ComparisonOperator":"EQ","AttributeValueList":[]}})",
       "Invalid number of argument(s) for the EQ ComparisonOperator"},
      {R"({"x":{"ComparisonOperator":"NULL","Value":{"S":"a"}}})",
       "Invalid number of argument(s) for the NULL ComparisonOperator"},
      {R"({"x":{"Value":{"SS":[]}}})", "An string set  may not be empty"}};
  for (const auto& [json, text] : cases) EXPECT_EQ(expected(json), invalid + text) << json;
  EXPECT_EQ(
      expected(R"({"x":{"Value":{}}})"),
      "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  EXPECT_EQ(expected(R"({"":{"Exists":false}})"), "Empty attribute name");
  EXPECT_EQ(expected("{}", R"(,"ConditionalOperator":"OR")"),
            "ConditionalOperator cannot be used without Filter or Expected");
  EXPECT_EQ(
      expected(R"({"x":{"Exists":false}})", R"(,"ConditionalOperator":"OR")"),
      "ConditionalOperator can only be used when Filter or Expected has two or more elements");
}

TEST_F(LegacyTest, UpdatesChangeTopLevelAttributes) {
  const std::string old =
      R"({"pk":{"S":"a"},"n":{"N":"5"},"ss":{"SS":["1","2"]},"l":{"L":[{"S":"a"}]}})";
  const auto with = [](const std::string& n, const std::string& ss, const std::string& l,
                       const std::string& x) {
    return "{" + l + n + R"("pk":{"S":"a"})" + ss + x + "}";
  };
  const std::string n = R"("n":{"N":"5"},)", ss = R"(,"ss":{"SS":["1","2"]})",
                    l = R"("l":{"L":[{"S":"a"}]},)";
  EXPECT_EQ(updated("{}", old), with(n, ss, l, ""));
  EXPECT_EQ(updated("{}", ""), R"({"pk":{"S":"a"}})");
  EXPECT_EQ(updated(R"({"x":{"Value":{"S":"a"}}})", old), with(n, ss, l, R"(,"x":{"S":"a"})"))
      << "PUT is the default";
  EXPECT_EQ(updated(R"({"n":{"Action":"PUT","Value":{"N":"7"}}})", old),
            with(R"("n":{"N":"7"},)", ss, l, ""));
  EXPECT_EQ(updated(R"({"n":{"Action":"ADD","Value":{"N":"-7.5"}}})", old),
            with(R"("n":{"N":"-2.5"},)", ss, l, ""));
  EXPECT_EQ(updated(R"({"x":{"Action":"ADD","Value":{"N":"3"}}})", ""),
            R"({"pk":{"S":"a"},"x":{"N":"3"}})");
  EXPECT_EQ(updated(R"({"n":{"Action":"DELETE"},"nothing":{"Action":"DELETE"}})", old),
            with("", ss, l, ""));
  EXPECT_EQ(updated(R"({"ss":{"Action":"ADD","Value":{"SS":["2","3"]}}})", old),
            with(n, R"(,"ss":{"SS":["1","2","3"]})", l, ""));
  EXPECT_EQ(updated(R"({"ss":{"Action":"DELETE","Value":{"SS":["2","3"]}}})", old),
            with(n, R"(,"ss":{"SS":["1"]})", l, ""));
  EXPECT_EQ(updated(R"({"ss":{"Action":"DELETE","Value":{"SS":["2","1"]}}})", old),
            with(n, "", l, ""));
  EXPECT_EQ(
      updated(
          R"({"l":{"Action":"ADD","Value":{"L":[{"S":"b"}]}},"x":{"Action":"ADD","Value":{"L":[{"S":"c"}]}}})",
          old),
      with(n, ss, R"("l":{"L":[{"S":"a"},{"S":"b"}]},)", R"(,"x":{"L":[{"S":"c"}]})"));
}

TEST_F(LegacyTest, ManyUpdatesAreAppliedAlike) {
  std::string updates = "{", expected_numbers;
  for (int i = 0; i < 500; ++i) {
    const std::string name = "\"a" + std::to_string(1000 + i) + "\"";
    updates +=
        (i ? "," : "") + name + R"(:{"Action":"ADD","Value":{"N":")" + std::to_string(i) + "\"}}";
    expected_numbers += name + R"(:{"N":")" + std::to_string(i + (i == 499 ? 1 : 0)) + "\"},";
  }
  EXPECT_EQ(updated(updates + "}", R"({"pk":{"S":"a"},"a1499":{"N":"1"}})"),
            "{" + expected_numbers + R"("pk":{"S":"a"}})");
}

TEST_F(LegacyTest, UpdatesAreRefusedInTheServicesWords) {
  const std::string old = R"({"pk":{"S":"a"},"n":{"N":"5"},"ss":{"SS":["1"]}})";
  const std::string invalid = "One or more parameter values were invalid: ";
  const std::pair<const char*, std::string> cases[] = {
      {R"({"x":{}})",
       invalid + "Only DELETE action is allowed when no attribute value is specified"},
      {R"({"x":{"Action":"ADD"}})",
       invalid + "Only DELETE action is allowed when no attribute value is specified"},
      {R"({"x":{"Action":"ADD","Value":{"S":"a"}}})",
       invalid + "ADD action is not supported for the type STRING"},
      {R"({"x":{"Action":"ADD","Value":{"BOOL":true}}})",
       invalid + "ADD action is not supported for the type BOOLEAN"},
      {R"({"x":{"Action":"ADD","Value":{"M":{}}}})",
       invalid + "ADD action is not supported for the type MAP"},
      {R"({"x":{"Action":"DELETE","Value":{"N":"1"}}})",
       invalid + "DELETE action with value is not supported for the type NUMBER"},
      {R"({"x":{"Action":"DELETE","Value":{"L":[]}}})",
       invalid + "DELETE action with value is not supported for the type LIST"},
      {R"({"":{"Value":{"S":"a"}}})", "Empty attribute name"},
      {R"({"n":{"Action":"ADD","Value":{"NS":["1"]}}})", "!Type mismatch for attribute to update"},
      {R"({"ss":{"Action":"DELETE","Value":{"NS":["1"]}}})",
       "!Type mismatch for attribute to update"},
      {R"({"n":{"Action":"ADD","Value":{"L":[{"S":"a"}]}}})",
       "!Type mismatch for attribute to update"}};
  for (const auto& [json, text] : cases) EXPECT_EQ(updated(json, old), text) << json;
}

TEST_F(LegacyTest, UpdatesTellWhatTheyTouched) {
  const auto update = LegacyUpdate::read(
      parse(R"({"AttributeUpdates":{"n":{"Value":{"N":"7"}},"x":{"Action":"DELETE"}}})"));
  ASSERT_TRUE(update.ok());
  EXPECT_FALSE(update->only_removes());
  EXPECT_EQ(update->written_attributes(), (std::vector<std::string_view>{"n", "x"}));
  ddb::ItemBatch out;
  EXPECT_TRUE(update->touched(item(R"({"pk":{"S":"a"},"n":{"N":"5"},"y":{"N":"1"}})"), out));
  EXPECT_EQ(ddb::canonical_item_json(out.item(0)), R"({"n":{"N":"5"}})");
  EXPECT_FALSE(update->touched(item(R"({"pk":{"S":"a"}})"), out));
  EXPECT_FALSE(update->touched({}, out));
  EXPECT_TRUE(LegacyUpdate::read(parse(R"({"AttributeUpdates":{"x":{"Action":"DELETE"}}})"))
                  ->only_removes());
  EXPECT_FALSE(LegacyUpdate::read(parse(R"({"AttributeUpdates":{}})"))->only_removes());
}

TEST_F(LegacyTest, AttributesToGetAreDistinct) {
  EXPECT_EQ(read_attributes_to_get(parse(R"({"AttributesToGet":["a","b"]})").root()).value(),
            (std::vector<std::string_view>{"a", "b"}));
  EXPECT_TRUE(read_attributes_to_get(parse("{}").root()).value().empty());
  EXPECT_EQ(message(read_attributes_to_get(parse(R"({"AttributesToGet":["a","a"]})").root())),
            "One or more parameter values were invalid: Duplicate value in attribute name: a");
  EXPECT_EQ(message(read_attributes_to_get(parse(R"({"AttributesToGet":[""]})").root())),
            "Empty attribute name");
}

TEST_F(LegacyTest, ConstraintsNameTheMember) {
  const Request& request = parse(
      R"({"Expected":{"a":{"ComparisonOperator":"X"}},"AttributeUpdates":{"b":{"Action":"Y"}}})");
  Constraints constraints;
  constrain_expected(request["Expected"], constraints);
  constrain_updates(request["AttributeUpdates"], constraints);
  EXPECT_EQ(message(constraints.done()),
            "2 validation errors detected: Value 'X' at 'expected.a.member.comparisonOperator' "
            "failed to satisfy constraint: "
            "Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, "
            "NOT_NULL, NE, LE, "
            "BEGINS_WITH, GE, CONTAINS]; Value 'Y' at 'attributeUpdates.b.member.action' failed to "
            "satisfy constraint: "
            "Member must satisfy enum value set: [ADD, DELETE, PUT]");
}

}  // namespace
}  // namespace offramp::engine
