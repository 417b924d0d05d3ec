// What Scan returns and refuses.
#include <set>

#include "engine/page_fixture_test.h"

namespace offramp::engine {
namespace {

class ScanTest : public PageTest {
 protected:
  ScanTest() { make_full_table(); }
  void fill(int items) {
    for (int n = 0; n < items; ++n)
      put("ttt", R"({"pk":{"S":"p)" + std::to_string(n / 3) + R"("},"sk":{"N":")" +
                     std::to_string(n) + R"("},"l":{"S":"l"},"g":{"S":"g"},"x":{"S":"1"}})");
  }
  // All sort keys that the pages of a Scan show, in a set; each must come once.
  std::set<std::string> all(const std::string& more) {
    std::set<std::string> seen;
    std::string start;
    for (int pages = 0; pages < 1000; ++pages) {
      std::string answer = page("Scan", R"({"TableName":"ttt")" + more + start + "}");
      std::string keys = answer.substr(0, answer.find(' '));
      while (!keys.empty()) {
        const size_t comma = std::min(keys.find(','), keys.size());
        EXPECT_TRUE(seen.insert(keys.substr(0, comma)).second) << keys;
        keys.erase(0, comma + 1);
      }
      const size_t key = answer.find(" > ");
      if (key == std::string::npos) return seen;
      start = R"(,"ExclusiveStartKey":)" + answer.substr(key + 3);
    }
    ADD_FAILURE() << "the scan does not end";
    return seen;
  }
  std::string refused(const std::string& body) {
    std::string text = error("Scan", body);
    const std::string kind = "ValidationException: ";
    return text.starts_with(kind) ? text.substr(kind.size()) : text;
  }
};

TEST_F(ScanTest, ReadsEverythingInPagesAndSegments) {
  fill(50);
  EXPECT_EQ(all("").size(), 50u);
  EXPECT_EQ(all(R"(,"Limit":7)").size(), 50u);
  EXPECT_EQ(all(R"(,"Limit":7,"IndexName":"gkeys")").size(), 50u);
  EXPECT_EQ(all(R"(,"Limit":7,"IndexName":"lall")").size(), 50u);
  EXPECT_EQ(all(R"(,"Limit":7,"IndexName":"gall")").size(), 0u) << "no item has gs";
  size_t of_segments = 0;
  std::set<std::string> seen;
  for (int segment = 0; segment < 4; ++segment) {
    std::set<std::string> part =
        all(R"(,"Limit":3,"TotalSegments":4,"Segment":)" + std::to_string(segment));
    of_segments += part.size();
    seen.merge(part);
  }
  EXPECT_EQ(of_segments, 50u);
  EXPECT_EQ(seen.size(), 50u);
}

TEST_F(ScanTest, SaysWhereItStopped) {
  fill(3);
  EXPECT_EQ(page("Scan", R"({"TableName":"ttt","Limit":3,"Select":"COUNT"})"),
            R"(- 3/3 > {"pk":{"S":"p0"},"sk":{"N":"2"}})")
      << "Limit was reached, whether or not anything follows";
  EXPECT_EQ(page("Scan", R"({"TableName":"ttt","Limit":4,"Select":"COUNT"})"), "- 3/3");
  EXPECT_EQ(page("Scan", R"({"TableName":"ttt","Limit":1,"FilterExpression":"x=y"})"),
            R"( 0/1 > {"pk":{"S":"p0"},"sk":{"N":"0"}})");
  EXPECT_EQ(page("Scan", R"({"TableName":"ttt","Limit":1,"IndexName":"lkeys"})"),
            R"(0 1/1 > {"pk":{"S":"p0"},"sk":{"N":"0"},"l":{"S":"l"}})");
}

TEST_F(ScanTest, FiltersByAnyAttribute) {
  fill(6);
  EXPECT_EQ(
      page(
          "Scan",
          R"({"TableName":"ttt","FilterExpression":"pk=:p","ExpressionAttributeValues":{":p":{"S":"p1"}}})"),
      "3,4,5 3/6");
  EXPECT_EQ(
      page(
          "Scan",
          R"({"TableName":"ttt","ScanFilter":{"sk":{"ComparisonOperator":"GE","AttributeValueList":[{"N":"4"}]}}})"),
      "4,5 2/6");
  const std::string x1 =
      R"("FilterExpression":"x=:x","Select":"COUNT","ExpressionAttributeValues":{":x":{"S":"1"}}})";
  EXPECT_EQ(page("Scan", R"({"TableName":"ttt","IndexName":"gkeys",)" + x1), "- 0/6")
      << "a global index does not have x";
  EXPECT_EQ(page("Scan", R"({"TableName":"ttt","IndexName":"lkeys",)" + x1), "- 6/6")
      << "a local index fetches it";
  EXPECT_EQ(page("Scan", R"({"TableName":"ttt","IndexName":"ginc",)" + x1), "- 0/0");
}

TEST_F(ScanTest, CountsCapacity) {
  EXPECT_EQ(member(ok("Scan", R"({"TableName":"ttt","ReturnConsumedCapacity":"INDEXES"})"),
                   "ConsumedCapacity"),
            R"({"TableName":"ttt","CapacityUnits":0.5,"Table":{"CapacityUnits":0.5}})");
  for (int n = 0; n < 5; ++n)
    put("ttt", R"({"pk":{"S":"p"},"sk":{"N":")" + std::to_string(n) + R"("},"y":{"S":")" +
                   std::string(3000, 'y') + "\"}}");
  EXPECT_EQ(
      member(ok("Scan", R"({"TableName":"ttt","Select":"COUNT","ReturnConsumedCapacity":"TOTAL"})"),
             "ConsumedCapacity"),
      R"({"TableName":"ttt","CapacityUnits":2.0})");
  EXPECT_EQ(
      member(
          ok("Scan",
             R"({"TableName":"ttt","Select":"COUNT","ConsistentRead":true,"ReturnConsumedCapacity":"TOTAL"})"),
          "ConsumedCapacity"),
      R"({"TableName":"ttt","CapacityUnits":4.0})");
}

TEST_F(ScanTest, RefusesInTheServicesWords) {
  struct Case {
    std::string members, message;
  };
  const Case cases[] = {
      {R"("Limit":0)",
       "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member "
       "must have value greater than or equal to 1"},
      {R"("Segment":0)",
       "The TotalSegments parameter is required but was not present in the request when Segment "
       "parameter is present"},
      {R"("TotalSegments":2)",
       "The Segment parameter is required but was not present in the request when parameter "
       "TotalSegments is present"},
      {R"("Segment":5,"TotalSegments":5)",
       "The Segment parameter is zero-based and must be less than parameter TotalSegments: "
       "Segment: 5 is not less than TotalSegments: 5"},
      {R"("Segment":-1,"TotalSegments":0)",
       "2 validation errors detected: Value '0' at 'totalSegments' failed to satisfy constraint: "
       "Member must have value greater than or equal to 1; Value '-1' at 'segment' failed to "
       "satisfy constraint: Member must have value greater than or equal to 0"},
      {R"("Segment":1,"TotalSegments":1000001)",
       "1 validation error detected: Value '1000001' at 'totalSegments' failed to satisfy "
       "constraint: Member must have value less than or equal to 1000000"},
      {R"("AttributesToGet":["a","a"])",
       "One or more parameter values were invalid: Duplicate value in attribute name: a"},
      {R"("ScanFilter":{"x":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}},"FilterExpression":"a=b")",
       "Can not use both expression and non-expression parameters in the same request: "
       "Non-expression parameters: {ScanFilter} Expression parameters: {FilterExpression}"},
      {R"("ConditionalOperator":"AND")",
       "ConditionalOperator cannot be used without Filter or Expected"},
      {R"("ConditionalOperator":"OR","ScanFilter":{"x":{"ComparisonOperator":"NULL"}})",
       "ConditionalOperator can only be used when Filter or Expected has two or more elements"},
      {R"("ScanFilter":{"x":{"ComparisonOperator":"IN","AttributeValueList":[]}})",
       "One or more parameter values were invalid: Invalid number of argument(s) for the IN "
       "ComparisonOperator"},
      {R"("ScanFilter":{"x":{"ComparisonOperator":"CONTAINS","AttributeValueList":[{"L":[]}]}})",
       "One or more parameter values were invalid: ComparisonOperator CONTAINS is not valid for L "
       "AttributeValue type"},
      {R"("ExpressionAttributeValues":{":a":{"S":"a"}})",
       "ExpressionAttributeValues can only be specified when using expressions: FilterExpression "
       "is null"},
      {R"("IndexName":"gall","ConsistentRead":true)",
       "Consistent reads are not supported on global secondary indexes"},
      {R"("IndexName":"gkeys","Select":"ALL_ATTRIBUTES")",
       "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for "
       "global secondary index gkeys because its projection type is not ALL"},
      {R"("IndexName":"gkeys","ProjectionExpression":"x")",
       "One or more parameter values were invalid: Global secondary index gkeys does not project "
       "[x]"},
      {R"("FilterExpression":"g.y=x.z")",
       "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
       "allowed: IndexKey: g"},
      {R"("ExclusiveStartKey":{})",
       "The provided starting key is invalid: The provided key element does not match the schema"},
      {R"("ExclusiveStartKey":{"pk":{"S":"a"}})",
       "The provided starting key is invalid: The provided key element does not match the schema"},
      {R"("ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"S":"1"}})",
       "The provided starting key is invalid: The provided key element does not match the schema"},
      {R"("ExclusiveStartKey":{"pk":{"S":""},"sk":{"N":"1"}})",
       "The provided starting key is invalid: One or more parameter values are not valid. The "
       "AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
      {R"("IndexName":"gall","ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"S":""},"gs":{"N":"4"}})",
       "The provided starting key is invalid: One or more parameter values are not valid. A value "
       "specified for a "
       "secondary index key is not supported. The AttributeValue for a key attribute cannot "
       "contain an empty string "
       "value. IndexName: gall, IndexKey: g"},
      {R"("IndexName":"gall","ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}})",
       "The provided starting key is invalid"},
      {R"("IndexName":"gall","ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"},"g":{"S":"g"},"gs":{"S":"4"}})",
       "The provided key element does not match the schema"},
      {R"("IndexName":"gall","ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"S":"1"},"g":{"S":"g"},"gs":{"N":"4"}})",
       "The provided starting key is invalid: The provided key element does not match the schema"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(refused(R"({"TableName":"ttt",)" + c.members + "}"), c.message) << c.members;
}

}  // namespace
}  // namespace offramp::engine
