// What Query returns and refuses. Expectations are answers of the service where the reference notes
// have them, else of DynamoDB Local.
#include "engine/page_fixture_test.h"

namespace offramp::engine {
namespace {

class QueryTest : public PageTest {
 protected:
  QueryTest() { make_full_table(); }
  void fill() {
    for (int n = 0; n < 5; ++n)
      put("ttt",
          R"({"pk":{"S":"a"},"sk":{"N":")" + std::to_string(n) +
              R"("},"l":{"S":"l"},"g":{"S":"g"},"gs":{"N":"5"},"x":{"S":"1"},"y":{"S":"yy"}})");
    put("ttt", R"({"pk":{"S":"b"},"sk":{"N":"1"},"g":{"S":"g"}})");
  }
  // A Query of pk = a with further members.
  static std::string of_a(const std::string& condition, const std::string& values,
                          const std::string& more = "") {
    return R"({"TableName":"ttt","KeyConditionExpression":"pk=:v)" + condition +
           R"(","ExpressionAttributeValues":{":v":{"S":"a"})" + values + "}" + more + "}";
  }
  static std::string of_g(const std::string& index, const std::string& more = "") {
    return R"({"TableName":"ttt","IndexName":")" + index +
           R"(","KeyConditionExpression":"g=:v","ExpressionAttributeValues":{":v":{"S":"g"}})" +
           more + "}";
  }
  std::string refused(const std::string& body) {
    std::string text = error("Query", body);
    const std::string kind = "ValidationException: ";
    return text.starts_with(kind) ? text.substr(kind.size()) : text;
  }
};

TEST_F(QueryTest, ReadsAPartitionInOrder) {
  fill();
  put("ttt", R"({"pk":{"S":"a"},"sk":{"N":"-10"}})");
  put("ttt", R"({"pk":{"S":"a"},"sk":{"N":"10"}})");
  EXPECT_EQ(page("Query", of_a("", "")), "-10,0,1,2,3,4,10 7/7");
  EXPECT_EQ(page("Query", of_a("", "", R"(,"ScanIndexForward":false)")), "10,4,3,2,1,0,-10 7/7");
  EXPECT_EQ(page("Query", of_a(" and sk<:a", R"(,":a":{"N":"2"})")), "-10,0,1 3/3");
  EXPECT_EQ(page("Query", of_a(" and sk<=:a", R"(,":a":{"N":"2.0"})")), "-10,0,1,2 4/4");
  EXPECT_EQ(page("Query", of_a(" and sk>:a", R"(,":a":{"N":"2"})")), "3,4,10 3/3");
  EXPECT_EQ(page("Query", of_a(" and :a<=sk", R"(,":a":{"N":"2"})")), "2,3,4,10 4/4");
  EXPECT_EQ(page("Query", of_a(" and sk=:a", R"(,":a":{"N":"2"})")), "2 1/1");
  EXPECT_EQ(page("Query", of_a(" and sk between :a and :b", R"(,":a":{"N":"1"},":b":{"N":"3"})")),
            "1,2,3 3/3");
  EXPECT_EQ(page("Query", of_a("", "", R"(,"Select":"COUNT")")), "- 7/7");
}

TEST_F(QueryTest, TextsAreOrderedByTheirBytes) {
  make_table("sss", true);
  for (std::string_view sk : {"b", "B", "a", "ab", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xef\xbf\xbd"})
    put("sss", R"({"pk":{"S":"p"},"sk":{"S":")" + std::string(sk) + R"("}})");
  const std::string answer = ok("Query", R"({"TableName":"sss","ProjectionExpression":"sk",
      "KeyConditionExpression":"pk=:v","ExpressionAttributeValues":{":v":{"S":"p"}}})");
  EXPECT_EQ(member(answer, "Items"),
            "[{\"sk\":{\"S\":\"B\"}},{\"sk\":{\"S\":\"a\"}},{\"sk\":{\"S\":\"ab\"}},{\"sk\":{\"S\":"
            "\"b\"}},"
            "{\"sk\":{\"S\":\"\xc3\xa9\"}},{\"sk\":{\"S\":\"\xef\xbf\xbd\"}},"
            "{\"sk\":{\"S\":\"\xf0\x9f\x98\x80\"}}]");
  const std::string prefixed = ok("Query", R"!({"TableName":"sss","Select":"COUNT",
      "KeyConditionExpression":"pk=:v and begins_with(sk,:b)",
      "ExpressionAttributeValues":{":v":{"S":"p"},":b":{"S":"a"}}})!");
  EXPECT_EQ(member(prefixed, "Count"), "2");
}

TEST_F(QueryTest, SaysWhereItStopped) {
  fill();
  const std::string limit1 = R"(,"Limit":1)", limit2 = R"(,"Limit":2)",
                    back = R"(,"ScanIndexForward":false)";
  const std::string one = R"(,":a":{"N":"1"})";
  struct Case {
    std::string condition, values, more, expected;
  };
  const Case cases[] = {
      {"", "", R"(,"Limit":6)", "0,1,2,3,4 5/5"},
      {"", "", R"(,"Limit":5)", R"(0,1,2,3,4 5/5 > {"pk":{"S":"a"},"sk":{"N":"4"}})"},
      {"", "", R"(,"Limit":2,"Select":"COUNT")", R"(- 2/2 > {"pk":{"S":"a"},"sk":{"N":"1"}})"},
      {" and sk=:a", one, limit1, R"(1 1/1 > {"pk":{"S":"a"},"sk":{"N":"1"}})"},
      {" and sk=:a", one, limit2, "1 1/1"},
      {" and sk<=:a", one, limit1, R"(0 1/1 > {"pk":{"S":"a"},"sk":{"N":"0"}})"},
      {" and sk<=:a", one, limit2, "0,1 2/2"},
      {" and sk<:a", one, limit1, R"(0 1/1 > {"pk":{"S":"a"},"sk":{"N":"0"}})"},
      {" and sk>=:a", one, limit1, R"(1 1/1 > {"pk":{"S":"a"},"sk":{"N":"1"}})"},
      {" and sk>=:a", R"(,":a":{"N":"4"})", limit1 + back, "4 1/1"},
      {" and sk between :a and :a", one, limit1, "1 1/1"},
      {" and sk between :a and :a", one, limit1 + back, "1 1/1"},
      {"", "", R"(,"Limit":3,"FilterExpression":"x<>y")",
       R"(0,1,2 3/3 > {"pk":{"S":"a"},"sk":{"N":"2"}})"},
      {"", "", R"(,"Limit":3,"FilterExpression":"x=y")",
       R"( 0/3 > {"pk":{"S":"a"},"sk":{"N":"2"}})"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(page("Query", of_a(c.condition, c.values, c.more)), c.expected)
        << c.condition + c.more;
  EXPECT_EQ(page("Query", of_g("gall", limit1)),
            R"(0 1/1 > {"pk":{"S":"a"},"sk":{"N":"0"},"g":{"S":"g"},"gs":{"N":"5"}})");
  EXPECT_EQ(
      page("Query", of_a(" and l<=:a", R"(,":a":{"S":"l"})", R"(,"IndexName":"lkeys","Limit":5)")),
      R"(0,1,2,3,4 5/5 > {"pk":{"S":"a"},"sk":{"N":"4"},"l":{"S":"l"}})");
  make_table("hhh");
  put("hhh", R"({"pk":{"S":"a"}})");
  EXPECT_EQ(page("Query", R"({"TableName":"hhh","Limit":1,"KeyConditionExpression":"pk=:v",
      "ExpressionAttributeValues":{":v":{"S":"a"}}})"),
            "? 1/1")
      << "there is one item at most";
}

TEST_F(QueryTest, GoesOnBehindTheStartKey) {
  fill();
  for (std::string index : {"", "lall", "lkeys", "gall", "gkeys", "ginc"})
    for (std::string more : {R"(,"ScanIndexForward":true)", R"(,"ScanIndexForward":false)"}) {
      std::string seen, start;
      for (int pages = 0; pages < 10; ++pages) {
        std::string given = more + R"(,"Limit":2)" + start;
        std::string body = index.starts_with("g") ? of_g(index, given)
                           : index.empty()
                               ? of_a("", "", given)
                               : of_a("", "", given + R"(,"IndexName":")" + index + "\"");
        std::string answer = page("Query", body);
        const size_t key = answer.find(" > ");
        seen += answer.substr(0, answer.find(' ')) + ",";
        if (key == std::string::npos) break;
        start = R"(,"ExclusiveStartKey":)" + answer.substr(key + 3);
      }
      const bool forward = more.ends_with("true");
      std::string expected = forward ? "0,1,2,3,4," : "4,3,2,1,0,";
      // The item of b is in gkeys only: it has no gs.
      if (index == "gkeys") expected = forward ? "0,1,2,3,4,1,," : "1,4,3,2,1,0,,";
      EXPECT_EQ(seen, expected) << index << more;
    }
}

TEST_F(QueryTest, PagesEndAtOneMebibyte) {
  const std::string text(131072 - 9, 'z');  // with names, keys and the number's two bytes: 131,072
  for (int n = 1; n <= 9; ++n)
    put("ttt",
        R"({"pk":{"S":"a"},"sk":{"N":")" + std::to_string(n) + R"("},"yy":{"S":")" + text + "\"}}");
  EXPECT_EQ(page("Query", of_a("", "", R"(,"ProjectionExpression":"sk")")),
            R"(1,2,3,4,5,6,7,8 8/8 > {"pk":{"S":"a"},"sk":{"N":"8"}})");
  EXPECT_EQ(
      page("Query", of_a(" and sk>:a", R"(,":a":{"N":"2"})", R"(,"ProjectionExpression":"sk")")),
      "3,4,5,6,7,8,9 7/7");
  EXPECT_EQ(page("Query", of_a("", "", R"(,"FilterExpression":"sz=yy")")),
            R"( 0/8 > {"pk":{"S":"a"},"sk":{"N":"8"}})");
}

TEST_F(QueryTest, IndexesShowWhatTheyProject) {
  fill();
  const auto first = [this](const std::string& body) {
    const std::string items = member(ok("Query", body), "Items");
    return items.substr(
        0, items.find("}},{") == std::string::npos ? items.size() : items.find("}},{") + 2);
  };
  const std::string keys = R"([{"pk":{"S":"a"},"sk":{"N":"0"},"l":{"S":"l"})";
  EXPECT_EQ(first(of_a("", "", R"(,"IndexName":"lkeys")")), keys + "}");
  EXPECT_EQ(first(of_a("", "", R"(,"IndexName":"linc")")), keys + R"(,"x":{"S":"1"}})");
  const std::string whole = keys + R"(,"g":{"S":"g"},"gs":{"N":"5"},"x":{"S":"1"},"y":{"S":"yy"}})";
  EXPECT_EQ(first(of_a("", "", R"(,"IndexName":"lall")")), whole);
  EXPECT_EQ(first(of_a("", "", R"(,"IndexName":"lkeys","Select":"ALL_ATTRIBUTES")")), whole);
  EXPECT_EQ(first(of_a("", "", R"(,"IndexName":"lkeys","ProjectionExpression":"y")")),
            R"([{"y":{"S":"yy"}})");
  EXPECT_EQ(first(of_g("gkeys")), R"([{"pk":{"S":"a"},"sk":{"N":"0"},"g":{"S":"g"}})");
  EXPECT_EQ(first(of_g("ginc")),
            R"([{"pk":{"S":"a"},"sk":{"N":"0"},"g":{"S":"g"},"gs":{"N":"5"},"x":{"S":"1"}})");
  EXPECT_EQ(page("Query", of_g("gkeys", R"(,"Select":"ALL_PROJECTED_ATTRIBUTES")")),
            "0,1,2,3,4,1 6/6");
}

TEST_F(QueryTest, CountsCapacityOfTableAndIndex) {
  fill();
  const auto capacity = [this](const std::string& body) {
    return member(ok("Query", body), "ConsumedCapacity");
  };
  const std::string parts = R"(,"ReturnConsumedCapacity":"INDEXES")";
  EXPECT_EQ(capacity(of_a("", "")), "");
  EXPECT_EQ(capacity(of_a("", "", R"(,"ReturnConsumedCapacity":"TOTAL","ConsistentRead":true)")),
            R"({"TableName":"ttt","CapacityUnits":1.0})");
  EXPECT_EQ(capacity(of_a("", "", parts)),
            R"({"TableName":"ttt","CapacityUnits":0.5,"Table":{"CapacityUnits":0.5}})");
  EXPECT_EQ(capacity(of_g("gkeys", parts)),
            R"({"TableName":"ttt","CapacityUnits":0.5,"Table":{"CapacityUnits":0.0},)"
            R"("GlobalSecondaryIndexes":{"gkeys":{"CapacityUnits":0.5}}})");
  EXPECT_EQ(capacity(of_a("", "", R"(,"IndexName":"lkeys")" + parts)),
            R"({"TableName":"ttt","CapacityUnits":0.5,"Table":{"CapacityUnits":0.0},)"
            R"("LocalSecondaryIndexes":{"lkeys":{"CapacityUnits":0.5}}})");
  for (std::string_view fetching :
       {R"("Select":"ALL_ATTRIBUTES")", R"("ProjectionExpression":"x")"})
    EXPECT_EQ(capacity(of_a("", "", R"(,"IndexName":"lkeys",)" + std::string(fetching) + parts)),
              R"({"TableName":"ttt","CapacityUnits":3.0,"Table":{"CapacityUnits":2.5},)"
              R"("LocalSecondaryIndexes":{"lkeys":{"CapacityUnits":0.5}}})");
}

TEST_F(QueryTest, LegacyParametersMeanTheSame) {
  fill();
  const auto query = [](const std::string& more) {
    return R"({"TableName":"ttt","KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]})" +
           more + "}";
  };
  const auto sort = [](const std::string& op, const std::string& values) {
    return R"(,"sk":{"ComparisonOperator":")" + op + R"(","AttributeValueList":[)" + values + "]}}";
  };
  EXPECT_EQ(page("Query", query("}")), "0,1,2,3,4 5/5");
  EXPECT_EQ(page("Query", query(sort("EQ", R"({"N":"1"})"))), "1 1/1");
  EXPECT_EQ(page("Query", query(sort("LT", R"({"N":"2"})"))), "0,1 2/2");
  EXPECT_EQ(page("Query", query(sort("LE", R"({"N":"2"})"))), "0,1,2 3/3");
  EXPECT_EQ(page("Query", query(sort("GT", R"({"N":"2"})"))), "3,4 2/2");
  EXPECT_EQ(page("Query", query(sort("GE", R"({"N":"2"})"))), "2,3,4 3/3");
  EXPECT_EQ(page("Query", query(sort("BETWEEN", R"({"N":"1"},{"N":"2"})"))), "1,2 2/2");
  EXPECT_EQ(
      page(
          "Query",
          query(
              R"(},"QueryFilter":{"x":{"ComparisonOperator":"NE","AttributeValueList":[{"S":"1"}]}})")),
      " 0/5");
  EXPECT_EQ(
      page("Query", query(R"(},"AttributesToGet":["sk"],"ConditionalOperator":"OR","QueryFilter":{
      "x":{"ComparisonOperator":"NULL"},"y":{"ComparisonOperator":"CONTAINS","AttributeValueList":[{"S":"y"}]}})")),
      "0,1,2,3,4 5/5");
  EXPECT_EQ(page("Query", query(R"(},"FilterExpression":"x=y")")), " 0/5")
      << "KeyConditions may be mixed with other expressions";
}

TEST_F(QueryTest, IndexesOfSeveralKeys) {
  make_many_key_table();
  int n = 0;
  for (std::string c : {"1", "2"})
    for (std::string d : {"d", "e", "f"}) {
      put("mmm", R"({"pk":{"S":"p)" + std::to_string(n) + R"("},"sk":{"N":")" + std::to_string(n) +
                     R"("},"a":{"S":"a"},"b":{"S":"b"},"c":{"N":")" + c + R"("},"d":{"S":")" + d +
                     R"("}})");
      ++n;
    }
  put("mmm", R"({"pk":{"S":"q"},"a":{"S":"a"},"b":{"S":"b"},"c":{"N":"1"}})");
  const auto query = [](const std::string& condition, const std::string& values,
                        const std::string& more = "") {
    return R"({"TableName":"mmm","IndexName":"gmi","KeyConditionExpression":")" + condition +
           R"(","ExpressionAttributeValues":{":a":{"S":"a"})" + values + "}" + more + "}";
  };
  const std::string b = R"(,":b":{"S":"b"})", c = R"(,":c":{"N":"1"})", d = R"(,":d":{"S":"e"})";
  EXPECT_EQ(page("Query", query("a=:a and b=:b", b)), "0,1,2,3,4,5 6/6")
      << "the item without d is not in the index";
  EXPECT_EQ(page("Query", query("a=:a and b=:b and c>:c", b + c)), "3,4,5 3/3");
  EXPECT_EQ(page("Query", query("a=:a and b=:b and c=:c and d>=:d", b + c + d)), "1,2 2/2");
  EXPECT_EQ(page("Query", query("a=:a and b=:b and c=:c and d=:d", b + c + d)), "1 1/1");
  EXPECT_EQ(
      page("Query", query("a=:a and b=:b", b, R"(,"Limit":4)")),
      R"(0,1,2,3 4/4 > {"pk":{"S":"p3"},"a":{"S":"a"},"b":{"S":"b"},"c":{"N":"2"},"d":{"S":"d"}})");
  EXPECT_EQ(
      page(
          "Query",
          query(
              "a=:a and b=:b", b,
              R"(,"ExclusiveStartKey":{"pk":{"S":"p3"},"a":{"S":"a"},"b":{"S":"b"},"c":{"N":"2"},"d":{"S":"d"}})")),
      "4,5 2/2");
  EXPECT_EQ(refused(query("a=:a", "")),
            "HASH key attributes b must have equality conditions specified in the query");
  EXPECT_EQ(refused(query("a=:a and b=:b and d>:d", b + d)),
            "RANGE key attributes c must have equality conditions specified in the query because a "
            "condition is present "
            "on key attribute d");
  EXPECT_EQ(refused(R"({"TableName":"mmm","IndexName":"gmi","KeyConditions":{
      "a":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}}})"),
            "HASH key attributes b must have equality conditions specified in the query");
  EXPECT_EQ(page("Query", R"({"TableName":"mmm","IndexName":"gmi","KeyConditions":{
      "a":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]},
      "b":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"b"}]},
      "c":{"ComparisonOperator":"LE","AttributeValueList":[{"N":"1"}]}}})"),
            "0,1,2 3/3");
}

TEST_F(QueryTest, RefusesInTheServicesWords) {
  fill();
  const std::string eq_a =
      R"("KeyConditions":{"pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]}})";
  const auto start = [](const std::string& key, const std::string& more = "") {
    return of_a("", "", R"(,"ExclusiveStartKey":)" + key + more);
  };
  struct Case {
    std::string body, message;
  };
  const Case cases[] = {
      {"{}",
       "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: "
       "Member must not be null"},
      {R"({"TableName":"ttt"})",
       "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
       "request."},
      {R"({"TableName":"ttt","KeyConditions":{}})", "Conditions must be at least length 1"},
      {of_a("", "", R"(,"Limit":0)"),
       "1 validation error detected: Value at 'Limit' failed to satisfy constraint: Member must "
       "have value greater than or equal to 1"},
      {of_a("", "", R"(,"Select":"BOGUS")"),
       "1 validation error detected: Value 'BOGUS' at 'select' failed to satisfy constraint: "
       "Member must satisfy enum value set: [SPECIFIC_ATTRIBUTES, COUNT, ALL_ATTRIBUTES, "
       "ALL_PROJECTED_ATTRIBUTES]"},
      {of_a("", "", R"(,"ReturnConsumedCapacity":"x")"),
       "1 validation error detected: Value 'x' at 'returnConsumedCapacity' failed to satisfy "
       "constraint: Member must satisfy enum value set: [INDEXES, TOTAL, NONE]"},
      {R"({"TableName":"ttt","KeyConditions":{"a":{},"b":{"ComparisonOperator":"X"}}})",
       "2 validation errors detected: Value null at 'keyConditions.a.member.comparisonOperator' "
       "failed to satisfy constraint: Member must not be null; Value 'X' at "
       "'keyConditions.b.member.comparisonOperator' failed to satisfy constraint: Member must "
       "satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, NOT_NULL, NE, LE, "
       "BEGINS_WITH, GE, CONTAINS]"},
      {of_a("", "", R"(,"IndexName":"nope")"), "The table does not have the specified index: nope"},
      {of_g("gall", R"(,"ConsistentRead":true)"),
       "Consistent reads are not supported on global secondary indexes"},
      {of_a("", "", "," + eq_a),
       "Can not use both expression and non-expression parameters in the same request: "
       "Non-expression parameters: {KeyConditions} Expression parameters: "
       "{KeyConditionExpression}"},
      {of_a("", "",
            R"(,"AttributesToGet":["x"],"ConditionalOperator":"OR","FilterExpression":"a=b")"),
       "Can not use both expression and non-expression parameters in the same request: "
       "Non-expression parameters: {AttributesToGet, ConditionalOperator} Expression parameters: "
       "{FilterExpression, KeyConditionExpression}"},
      {R"({"TableName":"ttt","ExpressionAttributeValues":{":v":{"S":"a"}},)" + eq_a + "}",
       "ExpressionAttributeValues can only be specified when using expressions: FilterExpression "
       "and KeyConditionExpression are null"},
      {R"({"TableName":"ttt","ExpressionAttributeNames":{"#a":"a"},)" + eq_a + "}",
       "ExpressionAttributeNames can only be specified when using expressions"},
      {of_a("", R"(,":u":{"N":"1"})"),
       "Value provided in ExpressionAttributeValues unused in expressions: keys: {:u}"},
      {of_a("", "", R"(,"FilterExpression":"(")"),
       R"(Invalid FilterExpression: Syntax error; token: "<EOF>", near: "(")"},
      {of_a("", "", R"(,"ProjectionExpression":"")"),
       "Invalid ProjectionExpression: The expression can not be empty;"},
      // Select
      {of_a("", "", R"(,"Select":"ALL_PROJECTED_ATTRIBUTES")"),
       "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName"},
      {of_a("", "", R"(,"Select":"SPECIFIC_ATTRIBUTES")"),
       "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
       "SPECIFIC_ATTRIBUTES"},
      {of_a("", "", R"(,"Select":"COUNT","ProjectionExpression":"x")"),
       "Cannot specify the ProjectionExpression when choosing to get only the Count"},
      {of_a("", "", R"(,"Select":"ALL_ATTRIBUTES","ProjectionExpression":"x")"),
       "Cannot specify the ProjectionExpression when choosing to get ALL_ATTRIBUTES"},
      {R"({"TableName":"ttt","Select":"COUNT","AttributesToGet":["x"],)" + eq_a + "}",
       "Cannot specify the AttributesToGet when choosing to get only the Count"},
      {of_g("gkeys", R"(,"Select":"ALL_PROJECTED_ATTRIBUTES","ProjectionExpression":"g")"),
       "Cannot specify the ProjectionExpression when choosing to get ALL_PROJECTED_ATTRIBUTES"},
      {of_g("gkeys", R"(,"Select":"ALL_ATTRIBUTES")"),
       "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for "
       "global secondary index gkeys because its projection type is not ALL"},
      {of_g("ginc", R"(,"ProjectionExpression":"x,z.a,y")"),
       "One or more parameter values were invalid: Global secondary index ginc does not project "
       "[y, z]"},
      {of_g("gkeys", R"(,"FilterExpression":"y<>x")"),
       "One or more parameter values were invalid: Secondary index gkeys does not project one or "
       "more filter attributes: [x, y]"},
      {of_a("", "", R"(,"IndexName":"lkeys","FilterExpression":"y<>x","Select":"ALL_ATTRIBUTES")"),
       "One or more parameter values were invalid: Secondary index lkeys does not project one or "
       "more filter attributes: [x, y]"},
      {R"({"TableName":"ttt","IndexName":"lkeys","QueryFilter":{"y":{"ComparisonOperator":"NULL"}},)" +
           eq_a + "}",
       "One or more parameter values were invalid: Secondary index lkeys does not project one or "
       "more filter attributes: [y]"},
      // keys in filters
      {of_a("", "", R"(,"FilterExpression":"sk<>y and pk<>y")"),
       "Filter Expression can only contain non-primary key attributes: Primary key attribute: pk"},
      {of_a("", "", R"(,"IndexName":"lall","FilterExpression":"l<>y")"),
       "Filter Expression can only contain non-primary key attributes: Primary key attribute: l"},
      {R"({"TableName":"ttt","QueryFilter":{"sk":{"ComparisonOperator":"NULL"}},)" + eq_a + "}",
       "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk"},
      {of_a("", "", R"(,"FilterExpression":"pk.y=x.z")"),
       "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
       "allowed: Key: pk"},
      {of_a("", "", R"(,"ProjectionExpression":"x.y,g[0]")"),
       "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
       "allowed: IndexKey: g"},
      // key conditions
      {of_a(" and x=:v", ""), "Query condition missed key schema element: sk"},
      {of_a(" and sk=:v", ""),
       "One or more parameter values were invalid: Condition parameter type does not match schema "
       "type"},
      {R"({"TableName":"ttt","KeyConditionExpression":"pk=:v","ExpressionAttributeValues":{":v":{"S":""}}})",
       "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
       "contain an empty string value. Key: pk"},
      {R"({"TableName":"ttt","IndexName":"gall","KeyConditionExpression":"g=:v","ExpressionAttributeValues":{":v":{"S":""}}})",
       "One or more parameter values are not valid. A value specified for a secondary index key is "
       "not supported. The AttributeValue for a key attribute cannot contain an empty string "
       "value. IndexName: gall, IndexKey: g"},
      {of_a(" and l>=:w", R"(,":w":{"S":""})", R"(,"IndexName":"lall")"),
       "One or more parameter values are not valid. A value specified for a secondary index key is "
       "not supported. The AttributeValue for a key attribute cannot contain an empty string "
       "value. IndexName: lall, IndexKey: l"},
      {of_a(" and l>:w", R"(,":w":{"S":")" + std::string(1025, 'q') + "\"}",
            R"(,"IndexName":"lall")"),
       "One or more parameter values were invalid: Aggregated size of all range keys has exceeded "
       "the size limit of 1024 bytes"},
      {R"({"TableName":"ttt","KeyConditionExpression":"pk=:v","ExpressionAttributeValues":{":v":{"S":")" +
           std::string(2049, 'q') + "\"}}}",
       "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size "
       "limit of2048 bytes"},
      // start keys
      {start("{}"), "The provided starting key is invalid"},
      {start(R"({"pk":{"S":"a"}})"), "The provided starting key is invalid"},
      {start(R"({"pk":{"S":"a"},"x":{"N":"1"}})"), "The provided starting key is invalid"},
      {start(R"({"pk":{"S":"a"},"sk":{"N":"1"},"x":{"N":"1"}})"),
       "The provided starting key is invalid"},
      {start(R"({"pk":{"S":"a"},"sk":{"S":"1"}})"),
       "The provided key element does not match the schema"},
      {start(R"({"pk":{"N":"1"},"sk":{"N":"1"}})"),
       "The provided key element does not match the schema"},
      {start(R"({"pk":{},"sk":{"N":"1"}})"),
       "The provided starting key is invalid: Supplied AttributeValue is empty, must contain "
       "exactly one of the supported datatypes"},
      {start(R"({"pk":{"SS":[]},"sk":{"N":"1"}})"),
       "The provided starting key is invalid: One or more parameter values were invalid: An string "
       "set  may not be empty"},
      {start(R"({"pk":{"NS":[]},"sk":{"N":"1"}})"),
       "One or more parameter values were invalid: An number set  may not be empty"},
      {start(R"({"pk":{"S":"a"},"sk":{"N":"b"}})"),
       "The parameter cannot be converted to a numeric value: b"},
      {start(R"({"pk":{"S":"b"},"sk":{"N":"1"}})"),
       "The provided starting key is outside query boundaries based on provided conditions"},
      {start(R"({"pk":{"S":"a"},"sk":{"N":"1"}})", R"(,"IndexName":"lall")"),
       "The provided starting key is invalid"},
      {start(R"({"pk":{"S":"a"},"sk":{"S":"1"},"l":{"S":"l"}})", R"(,"IndexName":"lall")"),
       "The provided starting key is invalid: The provided key element does not match the schema"},
      {start(R"({"pk":{"S":"a"},"sk":{"N":"1"},"l":{"N":"1"}})", R"(,"IndexName":"lall")"),
       "The provided key element does not match the schema"},
      {of_a(" and sk>:a", R"(,":a":{"N":"2"})",
            R"(,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"2"}})"),
       "The provided starting key does not match the range key predicate"},
      {of_a(" and sk=:a", R"(,":a":{"N":"2"})",
            R"(,"ExclusiveStartKey":{"pk":{"S":"a"},"sk":{"N":"1"}})"),
       "The provided starting key does not match the range key predicate"},
  };
  for (const Case& c : cases) EXPECT_EQ(refused(c.body), c.message) << c.body;
  EXPECT_EQ(
      refused(
          R"({"TableName":"nope","KeyConditionExpression":"pk=:v","ExpressionAttributeValues":{":v":{"S":"a"}},"ExclusiveStartKey":{}})"),
      "ResourceNotFoundException: Requested resource not found");
}

TEST_F(QueryTest, RefusesLegacyKeyConditionsInTheServicesWords) {
  const std::string eq_a = R"("pk":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"a"}]})";
  const auto condition = [](const std::string& name, const std::string& op,
                            const std::string& values) {
    return "\"" + name + R"(":{"ComparisonOperator":")" + op + R"(","AttributeValueList":[)" +
           values + "]}";
  };
  const std::string one = R"({"N":"1"})", text = R"({"S":"a"})";
  struct Case {
    std::string conditions, message;
  };
  const Case cases[] = {
      {condition("pk", "EQ", ""),
       "One or more parameter values were invalid: Invalid number of argument(s) for the EQ "
       "ComparisonOperator"},
      {condition("pk", "EQ", text + "," + text),
       "One or more parameter values were invalid: Invalid number of argument(s) for the EQ "
       "ComparisonOperator"},
      {condition("pk", "LT", text), "Query key condition not supported"},
      {condition("pk", "EQ", one),
       "One or more parameter values were invalid: Condition parameter type does not match schema "
       "type"},
      {condition("x", "EQ", one), "Query condition missed key schema element: pk"},
      {eq_a + "," + condition("x", "EQ", text), "Query condition missed key schema element: sk"},
      {eq_a + "," + condition("sk", "NE", one),
       "Attempted conditional constraint is not an indexable operation"},
      {eq_a + "," + condition("sk", "IN", one),
       "Attempted conditional constraint is not an indexable operation"},
      {eq_a + "," + condition("sk", "NULL", ""),
       "Attempted conditional constraint is not an indexable operation"},
      {eq_a + "," + condition("sk", "BETWEEN", one),
       "One or more parameter values were invalid: Invalid number of argument(s) for the BETWEEN "
       "ComparisonOperator"},
      {eq_a + "," + condition("sk", "BETWEEN", R"({"N":"2"},{"N":"1"})"),
       "The BETWEEN condition was provided a range where the lower bound is greater than the upper "
       "bound"},
      {eq_a + "," + condition("sk", "BETWEEN", one + "," + text),
       "One or more parameter values were invalid: AttributeValues inside AttributeValueList must "
       "be of same type"},
      {eq_a + "," + condition("sk", "BEGINS_WITH", one),
       "One or more parameter values were invalid: ComparisonOperator BEGINS_WITH is not valid for "
       "N AttributeValue type"},
      {eq_a + "," + condition("sk", "EQ", R"({"SS":["a"]})"),
       "One or more parameter values were invalid: Condition parameter type does not match schema "
       "type"},
      {eq_a + "," + condition("sk", "EQ", one) + "," + condition("x", "EQ", one),
       "Conditions can be of length 1 or 2 only"},
      {eq_a + "," + condition("sk", "EQ", R"({"S":"a","N":"1"})"),
       "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
       "supported datatypes"},
  };
  for (const Case& c : cases)
    EXPECT_EQ(refused(R"({"TableName":"ttt","KeyConditions":{)" + c.conditions + "}}"), c.message)
        << c.conditions;
}

}  // namespace
}  // namespace offramp::engine
