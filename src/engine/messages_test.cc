// What the engine says of wrong requests, in the service's words: the rows of the reference notes'
// §7 and the errors in recorded answers of the service. A text here is one that the service has
// given, so it is compared whole.
#include <filesystem>
#include <fstream>
#include <set>

#include "engine/page_fixture_test.h"

namespace offramp::engine {
namespace {

struct Case {
  const char* operation;
  std::string body;
  std::string expected;  // "Type: message"; "ValidationException: " may be left out
};

class MessagesTest : public PageTest {
 protected:
  MessagesTest() {
    make_full_table();
    make_table("hash");
    make_table("range", true);
    put("hash", R"({"pk":{"S":"there"},"s":{"S":"x"},"n":{"N":"1"},"l":{"L":[]},"m":{"M":{}}})");
  }
  void check(std::initializer_list<Case> cases) {
    for (const Case& c : cases) {
      std::string text = error(c.operation, c.body);
      const std::string kind = "ValidationException: ";
      const bool typed = c.expected.find("Exception: ") != std::string::npos;
      if (!typed && text.starts_with(kind)) text.erase(0, kind.size());
      EXPECT_EQ(text, c.expected) << c.operation << " " << c.body;
    }
  }
  static std::string put_item(const std::string& attributes, const std::string& more = "") {
    return R"({"TableName":"hash","Item":{"pk":{"S":"a"})" + attributes + "}" + more + "}";
  }
  static std::string put_if(const std::string& condition, const std::string& more = "") {
    return put_item("", R"(,"ConditionExpression":")" + condition + "\"" + more);
  }
  static std::string update(const std::string& expression, const std::string& more = "") {
    return R"({"TableName":"hash","Key":{"pk":{"S":"there"}},"UpdateExpression":")" + expression +
           "\"" + more + "}";
  }
  static std::string values(const std::string& json) {
    return R"(,"ExpressionAttributeValues":)" + json;
  }
  static std::string names(const std::string& json) {
    return R"(,"ExpressionAttributeNames":)" + json;
  }
};

const std::string kInvalid = "One or more parameter values were invalid: ";
const std::string kNull = "failed to satisfy constraint: Member must not be null";

TEST_F(MessagesTest, TablesAndNames) {
  const std::string missing = R"("TableName":"nope")", key = R"(,"Key":{"pk":{"S":"a"}})";
  check({
      {"GetItem", "{" + missing + key + "}",
       "ResourceNotFoundException: Requested resource not found"},
      {"PutItem", "{" + missing + R"(,"Item":{"pk":{"S":"a"}}})",
       "ResourceNotFoundException: Requested resource not found"},
      {"UpdateItem", "{" + missing + key + "}",
       "ResourceNotFoundException: Requested resource not found"},
      {"DeleteItem", "{" + missing + key + "}",
       "ResourceNotFoundException: Requested resource not found"},
      {"Scan", "{" + missing + "}", "ResourceNotFoundException: Requested resource not found"},
      {"BatchGetItem", R"({"RequestItems":{"nope":{"Keys":[{"pk":{"S":"a"}}]}}})",
       "ResourceNotFoundException: Requested resource not found"},
      {"BatchWriteItem",
       R"({"RequestItems":{"nope":[{"DeleteRequest":{"Key":{"pk":{"S":"a"}}}}]}})",
       "ResourceNotFoundException: Requested resource not found"},
      {"TransactWriteItems",
       R"({"TransactItems":[{"Delete":{"TableName":"nope","Key":{"pk":{"S":"a"}}}}]})",
       "ResourceNotFoundException: Requested resource not found"},
      {"TransactGetItems",
       R"({"TransactItems":[{"Get":{"TableName":"nope","Key":{"pk":{"S":"a"}}}}]})",
       "ResourceNotFoundException: Requested resource not found"},
      {"DescribeTable", R"({"TableName":"non-existent"})",
       "ResourceNotFoundException: Requested resource not found: Table: non-existent not found"},
      {"DeleteTable", R"({"TableName":"non-existent"})",
       "ResourceNotFoundException: Requested resource not found: Table: non-existent not found"},
      {"GetItem", "{}",
       "2 validation errors detected: Value null at 'tableName' " + kNull +
           "; Value null at 'key' " + kNull},
      {"Scan", "{}", "1 validation error detected: Value null at 'tableName' " + kNull},
  });
}

TEST_F(MessagesTest, KeysAndItems) {
  const auto get = [](const std::string& table, const std::string& key) {
    return R"({"TableName":")" + table + R"(","Key":)" + key + "}";
  };
  const std::string schema = "The provided key element does not match the schema";
  check({
      {"GetItem", get("hash", "{}"), schema},
      {"GetItem", get("hash", R"({"x":{"S":"a"}})"), schema},
      {"GetItem", get("hash", R"({"pk":{"N":"1"}})"), schema},
      {"GetItem", get("hash", R"({"pk":{"S":"a"},"x":{"S":"a"}})"), schema},
      {"GetItem", get("range", R"({"pk":{"S":"a"}})"), schema},
      {"DeleteItem", get("range", R"({"pk":{"S":"a"},"sk":{"N":"1"}})"), schema},
      {"BatchWriteItem", R"({"RequestItems":{"hash":[{"DeleteRequest":{"Key":{"x":{"S":"a"}}}}]}})",
       schema},
      {"GetItem", get("hash", R"({"pk":{"S":""}})"),
       kInvalid +
           "The AttributeValue for a key attribute cannot contain an empty string value. Key: pk"},
      {"PutItem", R"({"TableName":"hash","Item":{"pk":{"S":""}}})",
       "One or more parameter values are not valid. The AttributeValue for a key attribute cannot "
       "contain an empty string value. Key: pk"},
      {"PutItem", R"({"TableName":"hash","Item":{"x":{"S":"a"}}})",
       kInvalid + "Missing the key pk in the item"},
      {"PutItem", R"({"TableName":"range","Item":{"pk":{"S":"a"}}})",
       kInvalid + "Missing the key sk in the item"},
      {"PutItem", R"({"TableName":"hash","Item":{"pk":{"N":"1"}}})",
       kInvalid + "Type mismatch for key pk expected: S actual: N"},
      {"PutItem", R"({"TableName":"ttt","Item":{"pk":{"S":"a"},"sk":{"N":"1"},"gs":{"S":"a"}}})",
       kInvalid + "Type mismatch for Index Key gs Expected: N Actual: S IndexName: gall"},
      {"PutItem", put_item(R"(,"x":{"S":")" + std::string(409600, 'x') + "\"}"),
       "Item size has exceeded the maximum allowed size"},
      {"UpdateItem",
       update("SET x=:x", values(R"({":x":{"S":")" + std::string(409600, 'x') + "\"}}")),
       "Item size to update has exceeded the maximum allowed size"},
      {"PutItem", R"({"TableName":"hash","Item":{"pk":{"S":")" + std::string(2049, 'x') + "\"}}}",
       kInvalid + "Size of hashkey has exceeded the maximum size limit of2048 bytes"},
      {"PutItem",
       R"({"TableName":"range","Item":{"pk":{"S":"a"},"sk":{"S":")" + std::string(1025, 'x') +
           "\"}}}",
       kInvalid + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"},
      {"UpdateItem", update("SET pk=:x", values(R"({":x":{"S":"a"}})")),
       kInvalid + "Cannot update attribute pk. This attribute is part of the key"},
      {"UpdateItem", update("REMOVE pk"),
       kInvalid + "Cannot update attribute pk. This attribute is part of the key"},
  });
}

TEST_F(MessagesTest, AttributeValues) {
  const auto put = [](const std::string& value) { return put_item(R"(,"x":)" + value); };
  check({
      {"PutItem", put("{}"),
       "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"},
      {"PutItem", put(R"({"S":"a","N":"1"})"),
       "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
       "supported datatypes"},
      {"PutItem", put(R"({"NULL":false})"),
       kInvalid + "Null attribute value types must have the value of true"},
      {"PutItem", put(R"({"SS":[]})"), kInvalid + "An string set  may not be empty"},
      {"PutItem", put(R"({"NS":[]})"), kInvalid + "An number set  may not be empty"},
      {"PutItem", put(R"({"BS":[]})"), kInvalid + "Binary sets should not be empty"},
      {"PutItem", put(R"({"SS":["a","a"]})"),
       kInvalid + "Input collection [a, a] contains duplicates."},
      {"PutItem", put(R"({"BS":["Yg==","Yg=="]})"),
       kInvalid + "Input collection [Yg==, Yg==]of type BS contains duplicates."},
      {"PutItem", put(R"({"NS":["1","1.0"]})"), "Input collection contains duplicates"},
      {"PutItem", put(R"({"N":""})"), "The parameter cannot be converted to a numeric value"},
      {"PutItem", put(R"({"N":"b"})"), "The parameter cannot be converted to a numeric value: b"},
      {"PutItem", put(R"({"N":"1e126"})"),
       "Number overflow. Attempting to store a number with magnitude larger than supported range"},
      {"PutItem", put(R"({"N":"-1e-131"})"),
       "Number underflow. Attempting to store a number with magnitude smaller than supported "
       "range"},
      {"PutItem", put(R"({"N":"123456789012345678901234567890123456789"})"),
       "Attempting to store more than 38 significant digits in a Number"},
      {"PutItem", put_if("a=:v", values(R"({":v":{}})")),
       "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must "
       "contain exactly one of the supported datatypes for key :v"},
      {"PutItem", R"({"TableName":1})",
       "SerializationException: NUMBER_VALUE cannot be converted to String"},
      {"Scan", R"({"TableName":"hash","Limit":"1"})",
       "SerializationException: STRING_VALUE cannot be converted to Integer"},
      {"PutItem", put(R"({"N":123})"),
       "SerializationException: NUMBER_VALUE cannot be converted to String"},
      {"PutItem", "{", "SerializationException: "},
  });
}

TEST_F(MessagesTest, PlaceholdersAndMixing) {
  const std::string one = R"({":v":{"S":"a"}})";
  check({
      {"PutItem",
       put_item("", R"(,"Expected":{"pk":{"Exists":false}},"ConditionExpression":"a=b")"),
       "Can not use both expression and non-expression parameters in the same request: "
       "Non-expression parameters: {Expected} Expression parameters: {ConditionExpression}"},
      {"GetItem",
       R"({"TableName":"hash","Key":{"pk":{"S":"a"}},"AttributesToGet":["a"],"ProjectionExpression":"a"})",
       "Can not use both expression and non-expression parameters in the same request: "
       "Non-expression parameters: {AttributesToGet} Expression parameters: "
       "{ProjectionExpression}"},
      {"UpdateItem",
       update("REMOVE x", R"(,"AttributeUpdates":{"x":{}},"Expected":{"x":{"Exists":false}})"),
       "Can not use both expression and non-expression parameters in the same request: "
       "Non-expression parameters: {AttributeUpdates, Expected} Expression parameters: "
       "{UpdateExpression}"},
      {"PutItem", put_item("", values(one)),
       "ExpressionAttributeValues can only be specified when using expressions: "
       "ConditionExpression is null"},
      {"PutItem", put_item("", names(R"({"#a":"a"})")),
       "ExpressionAttributeNames can only be specified when using expressions"},
      {"PutItem", put_if("a=:v", names("{}") + values(one)),
       "ExpressionAttributeNames must not be empty"},
      {"PutItem", put_if("attribute_exists(a)", values("{}")),
       "ExpressionAttributeValues must not be empty"},
      {"PutItem", put_if("a=:v", names(R"({"x":"a"})") + values(one)),
       "ExpressionAttributeNames contains invalid key: Syntax error; key: \"x\""},
      {"PutItem", put_if("a=:v", values(R"({"x":{"S":"a"}})")),
       "ExpressionAttributeValues contains invalid key: Syntax error; key: \"x\""},
      {"PutItem", put_if("a=:v", names(R"({"#unused":"a"})") + values(one)),
       "Value provided in ExpressionAttributeNames unused in expressions: keys: {#unused}"},
      {"PutItem", put_if("attribute_exists(a)", values(one)),
       "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}"},
      {"PutItem", put_if("#n=:v", values(one)),
       "Invalid ConditionExpression: An expression attribute name used in the document path is not "
       "defined; attribute name: #n"},
      {"PutItem", put_if("a=:v"),
       "Invalid ConditionExpression: An expression attribute value used in expression is not "
       "defined; attribute value: :v"},
      {"PutItem", put_if("name=:v", values(one)),
       "Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: name"},
      {"PutItem", put_if("f(a)"),
       "Invalid ConditionExpression: Invalid function name; function: f"},
      {"PutItem", put_if(""), "Invalid ConditionExpression: The expression can not be empty;"},
      {"PutItem", put_if("((a=:v))", values(one)),
       "Invalid ConditionExpression: The expression has redundant parentheses;"},
      {"PutItem", put_if("a<:v", values(R"({":v":{"BOOL":true}})")),
       "Invalid ConditionExpression: Incorrect operand type for operator or function; operator or "
       "function: <, operand type: BOOL"},
      {"PutItem", put_if("size(a)"),
       "Invalid ConditionExpression: The function is not allowed to be used this way in an "
       "expression; function: size"},
      {"PutItem", put_if("contains(a,a)"),
       "Invalid ConditionExpression: The first operand must be distinct from the remaining "
       "operands for this operator or function; operator: contains, first operand: [a]"},
      {"PutItem", put_if("attribute_type(a,:v)", values(R"({":v":{"S":"X"}})")),
       "Invalid ConditionExpression: Invalid attribute type name found; type: X, valid types: "
       "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"},
      {"PutItem", put_if("pk.a=:v", values(one)),
       "Key attributes must be scalars; list random access '[]' and map lookup '.' are not "
       "allowed: Key: pk"},
  });
}

TEST_F(MessagesTest, Updates) {
  const std::string one = values(R"({":v":{"S":"a"}})"), number = values(R"({":v":{"N":"1"}})");
  check({
      {"UpdateItem", update("INVALID SYNTAX"),
       "Invalid UpdateExpression: Syntax error; token: \"INVALID\", near: \"INVALID SYNTAX\""},
      {"UpdateItem", update("SET a=list_append(b)"),
       "Invalid UpdateExpression: Incorrect number of operands for operator or function; operator "
       "or function: list_append, number of operands: 1"},
      {"UpdateItem", update("SET a=if_not_exists(:v,:v)", one),
       "Invalid UpdateExpression: Operator or function requires a document path; operator or "
       "function: if_not_exists"},
      {"UpdateItem", update("SET a.b=:v, a=:v", one),
       "Invalid UpdateExpression: Two document paths overlap with each other; must remove or "
       "rewrite one of these paths; path one: [a, b], path two: [a]"},
      {"UpdateItem", update("SET a=:v+b", one),
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator or "
       "function: +, operand type: S"},
      {"UpdateItem", update("ADD a :v", one),
       "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, "
       "operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"},
      {"UpdateItem", update("SET a=zzz"),
       "The provided expression refers to an attribute that does not exist in the item"},
      {"UpdateItem", update("SET a=s+:v", number),
       "An operand in the update expression has an incorrect data type"},
      {"UpdateItem", update("ADD s :v", number),
       "An operand in the update expression has an incorrect data type"},
      {"UpdateItem", update("SET zzz.b=:v", one),
       "The document path provided in the update expression is invalid for update"},
      {"UpdateItem", update("SET s[0]=:v", one),
       "The document path provided in the update expression is invalid for update"},
      {"UpdateItem", update("REMOVE s.b"),
       "The document path provided in the update expression is invalid for update"},
      {"UpdateItem", update("SET a=:v", one + R"(,"ConditionExpression":"a=b")"),
       "ConditionalCheckFailedException: The conditional request failed"},
  });
}

TEST_F(MessagesTest, BatchesAndTransactions) {
  std::string many_writes, many_keys;
  for (int i = 0; i < 101; ++i) {
    const std::string key = R"({"pk":{"S":")" + std::to_string(i) + R"("}})";
    many_keys += (i ? "," : "") + key;
  }
  const std::string del = R"({"DeleteRequest":{"Key":{"pk":{"S":"a"}}}})";
  const std::string action = R"({"Delete":{"TableName":"hash","Key":{"pk":{"S":"a"}}}})";
  check({
      {"BatchGetItem", R"({"RequestItems":{"hash":{"Keys":[)" + many_keys + "]}}}",
       "1 validation error detected: Value at 'RequestItems.hash.member.Keys' failed to satisfy "
       "constraint: Member must have length less than or equal to 100"},
      {"BatchGetItem", R"({"RequestItems":{"hash":{"Keys":[{"pk":{"S":"a"}},{"pk":{"S":"a"}}]}}})",
       "Provided list of item keys contains duplicates"},
      {"BatchWriteItem", R"({"RequestItems":{"hash":[)" + del + "," + del + "]}}",
       "Provided list of item keys contains duplicates"},
      {"TransactWriteItems", R"({"TransactItems":[)" + action + "," + action + "]}",
       "Transaction request cannot include multiple operations on one item"},
      {"TransactWriteItems",
       R"({"TransactItems":[{"ConditionCheck":{"TableName":"hash","Key":{"pk":{"S":"there"}},"ConditionExpression":"pk=n"}},{"Put":{"TableName":"hash","Item":{"pk":{"S":"b"}}}}]})",
       "TransactionCanceledException: Transaction cancelled, please refer cancellation reasons for "
       "specific reasons [ConditionalCheckFailed, None]"},
  });
}

TEST_F(MessagesTest, Tables) {
  const std::string pk =
      R"("AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}])";
  check({
      {"CreateTable", R"({"TableName":"hash","BillingMode":"PAY_PER_REQUEST",)" + pk + "}",
       "ResourceInUseException: Table already exists: hash"},
      {"CreateTable",
       R"({"TableName":"new","BillingMode":"PAY_PER_REQUEST","ProvisionedThroughput":{"ReadCapacityUnits":5,"WriteCapacityUnits":5},)" +
           pk + "}",
       kInvalid + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when "
                  "BillingMode is PAY_PER_REQUEST"},
      {"CreateTable",
       R"({"TableName":"new","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],
          "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"pk","KeyType":"RANGE"}]})",
       "Both the Hash Key and the Range Key element in the KeySchema have the same name"},
      {"CreateTable",
       R"({"TableName":"new","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
          "KeySchema":[{"AttributeName":"pk","KeyType":"RANGE"}]})",
       "Invalid KeySchema: The first KeySchemaElement is not a HASH key type"},
      {"CreateTable",
       R"({"TableName":"new","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"x","AttributeType":"S"}],
          "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]})",
       kInvalid + "Number of attributes in KeySchema does not exactly match number of attributes "
                  "defined in AttributeDefinitions"},
  });
}

// Every error that a recording tells as "… when calling the X operation: text" is one of the rows
// above.
TEST_F(MessagesTest, RecordedErrorsAreAmongThem) {
  const char* name = "../shared/data/aws-responses/dynamodb.snapshot.json";
  auto root = std::filesystem::current_path();  // the repository's, or its build folder
  if (!std::filesystem::exists(root / name)) root = root.parent_path();
  std::ifstream file(root / name);
  ASSERT_TRUE(file) << name << " is missing";
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::set<std::string> covered = {
      "CreateTable operation: Table already exists: <test-table>",
      "CreateTable operation: " + kInvalid +
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
          "PAY_PER_REQUEST",
      "TransactWriteItems operation: Transaction cancelled, please refer cancellation reasons for "
      "specific reasons "
      "[ConditionalCheckFailed, None]",
      "BatchWriteItem operation: The provided key element does not match the schema"};
  const std::string mark = "when calling the ";
  std::set<std::string> recorded;
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const size_t start = at + mark.size();
    recorded.insert(text.substr(start, text.find('"', start) - start));
  }
  EXPECT_EQ(recorded, covered);
}

}  // namespace
}  // namespace offramp::engine
