// Tags: added, replaced, removed and listed; their limits and the forms of ARNs.
#include "engine/engine_fixture_test.h"

namespace offramp::engine {
namespace {

constexpr std::string_view kArn = "arn:aws:dynamodb:local:000000000000:table/tab";

class TagsTest : public EngineTest {
 protected:
  TagsTest() { make_table("tab"); }
  // `tags`: {"Key":…} elements.
  static std::string tag(std::string_view tags, std::string_view arn = kArn) {
    return "{\"ResourceArn\":\"" + std::string(arn) + "\",\"Tags\":[" + std::string(tags) + "]}";
  }
  static std::string one(std::string_view key, std::string_view value = "v") {
    return "{\"Key\":\"" + std::string(key) + "\",\"Value\":\"" + std::string(value) + "\"}";
  }
  static std::string untag(std::string_view keys, std::string_view arn = kArn) {
    return "{\"ResourceArn\":\"" + std::string(arn) + "\",\"TagKeys\":[" + std::string(keys) + "]}";
  }
  static std::string list(std::string_view arn = kArn) {
    return "{\"ResourceArn\":\"" + std::string(arn) + "\"}";
  }
  static std::string many(int first, int count) {
    std::string out;
    for (int i = first; i < first + count; ++i)
      out += (out.empty() ? "" : ",") + one("k" + std::to_string(i));
    return out;
  }
};

TEST_F(TagsTest, AreAddedReplacedAndRemoved) {
  EXPECT_EQ(ok("ListTagsOfResource", list()), R"({"Tags":[]})");
  EXPECT_EQ(ok("TagResource", tag(one("a", "1") + "," + one("b", ""))), "");
  EXPECT_EQ(ok("TagResource", tag(one("a", "2"))), "");
  EXPECT_EQ(ok("ListTagsOfResource", list()),
            R"({"Tags":[{"Key":"a","Value":"2"},{"Key":"b","Value":""}]})");
  EXPECT_EQ(ok("UntagResource", untag(R"("b","none")")), "");
  EXPECT_EQ(ok("ListTagsOfResource", list()), R"({"Tags":[{"Key":"a","Value":"2"}]})");
  // They are the table's, not this process's, and other changes leave them.
  ok("UpdateTable", R"({"TableName":"tab","DeletionProtectionEnabled":true})");
  auto later = std::move(Engine::open(store, EngineOptions{.clock = &clock})).value();
  worker = std::move(later->worker()).value();
  EXPECT_EQ(ok("ListTagsOfResource", list()), R"({"Tags":[{"Key":"a","Value":"2"}]})");
  worker.reset();
}

TEST_F(TagsTest, CreateTableMayHaveThem) {
  auto create = [](std::string_view tags) {
    return R"({"TableName":"other","BillingMode":"PAY_PER_REQUEST","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],)"
           R"("KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"Tags":[)" +
           std::string(tags) + "]}";
  };
  EXPECT_EQ(error("CreateTable", create(one("aws:x"))),
            "ValidationException: Tag Key cannot be prefixed with aws:, Key: aws:x");
  EXPECT_EQ(error("CreateTable", create(many(0, 51))),
            "ValidationException: Number of Tags exceed the current limit for the provided "
            "ResourceArn");
  ok("CreateTable", create(many(0, 50)));
  std::string listed =
      ok("ListTagsOfResource", list("arn:aws:dynamodb:local:000000000000:table/other"));
  EXPECT_TRUE(listed.starts_with(R"({"Tags":[{"Key":"k0","Value":"v"})")) << listed;
  EXPECT_TRUE(listed.ends_with(R"({"Key":"k49","Value":"v"}]})")) << listed;
}

TEST_F(TagsTest, FiftyAreTheMostAfterTheChange) {
  constexpr std::string_view kTooMany =
      "ValidationException: Number of Tags exceed the current limit for the provided ResourceArn";
  ok("TagResource", tag(many(0, 50)));
  EXPECT_EQ(error("TagResource", tag(one("more"))), kTooMany);
  EXPECT_EQ(error("TagResource", tag(one("k1", "new") + "," + one("more"))), kTooMany);
  ok("TagResource", tag(many(0, 50)));
  EXPECT_EQ(error("TagResource", tag(many(0, 51))), kTooMany);
  ok("UntagResource", untag("\"k7\""));
  ok("TagResource", tag(one("more")));
}

TEST_F(TagsTest, WhatIsNoTagIsRefusedAndNothingIsChanged) {
  struct Case {
    std::string tags, error;
  };
  const std::string long_key(129, 'k'), long_value(257, 'v');
  const Case kCases[] = {
      {"", "Atleast one Tag needs to be provided as Input."},
      {one("good") + "," + one(long_key), "The Tag Key provided is invalid, Key: " + long_key},
      {one("good") + "," + one("k", long_value),
       "The Tag Value provided is invalid, Value: " + long_value},
      {one(""), "The Tag Key provided is invalid, Key: "},
      {R"({"Value":"v"})", "The Tag Key provided is invalid, Key: null"},
      {R"({"Key":"k"})", "The Tag Value provided is invalid, Value: null"},
      {one("a#b"), "The Tag Key provided is invalid, Key: a#b"},
      {one("k", "100%"), "The Tag Value provided is invalid, Value: 100%"},
      {one("k", "\U0001f511"), "The Tag Value provided is invalid, Value: \U0001f511"},
      {one("good") + "," + one("AWS:x"), "Tag Key cannot be prefixed with aws:, Key: AWS:x"},
      {one("dup") + "," + one("dup"),
       "Duplicate Tag Keys provided as input: Duplicate Tag Key found dup"},
  };
  for (const Case& c : kCases)
    EXPECT_EQ(error("TagResource", tag(c.tags)), "ValidationException: " + c.error) << c.tags;
  EXPECT_EQ(ok("ListTagsOfResource", list()), R"({"Tags":[]})");
  // 128 and 256 characters, whatever their bytes; the signs that are allowed.
  std::string key, value;
  for (int i = 0; i < 128; ++i) key += "ä";
  for (int i = 0; i < 256; ++i) value += "表";
  ok("TagResource", tag(one(key, value) + "," + one("myaws:foo", " +-=._:/@ ")));
  EXPECT_EQ(error("UntagResource", untag("")),
            "ValidationException: Atleast one Tag Key needs to be provided as Input.");
  EXPECT_EQ(error("UntagResource", untag("\"aws:foo\"")),
            "ValidationException: Tag Key cannot be prefixed with aws:, Key: aws:foo");
}

TEST_F(TagsTest, ArnsNameOneTable) {
  struct Case {
    std::string arn, error;
  };
  const std::string invalid = "ValidationException: One or more parameter values were invalid: ";
  const Case kCases[] = {
      {"tab", invalid + "ARNs must start with 'arn:': tab"},
      {"arn:aws:s3:::bucket",
       invalid + "Provided Arn is not a DynamoDB resource arn: arn:aws:s3:::bucket"},
      {"arn:aws:dynamodb:local:000000000000:table/tab/backup/1",
       invalid + "Provided Arn is not a DynamoDB resource arn: "
                 "arn:aws:dynamodb:local:000000000000:table/tab/backup/1"},
      {"arn:aws:dynamodb:local:000000000000:table/tab/index/i",
       invalid + "Invalid resource arn provided, only table or stream is accepted. Provided "
                 "resource arn: arn:aws:dynamodb:local:000000000000:table/tab/index/i"},
      {"arn:aws:dynamodb:local:000000000000:table/ab",
       "ValidationException: Invalid TableArn: Invalid ResourceArn provided as input "
       "arn:aws:dynamodb:local:000000000000:table/ab"},
      {"arn:aws:dynamodb",
       "ValidationException: Invalid TableArn: Invalid ResourceArn provided as input "
       "arn:aws:dynamodb"},
      {"arn:aws:dynamodb:local:000000000000:table/none",
       "ResourceNotFoundException: Requested resource not found: ResourceArn: "
       "arn:aws:dynamodb:local:000000000000:table/none not found"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(error("ListTagsOfResource", list(c.arn)), c.error);
    EXPECT_EQ(error("TagResource", tag(one("a"), c.arn)), c.error);
    EXPECT_EQ(error("UntagResource", untag("\"a\"", c.arn)), c.error);
  }
  EXPECT_EQ(error("TagResource", "{}"),
            "ValidationException: 2 validation errors detected: Value null at 'resourceArn' failed "
            "to satisfy constraint: Member must not be null; Value null at 'tags' failed to "
            "satisfy constraint: Member must not be null");
}

TEST_F(TagsTest, TheEnginesOwnTableCannotBeNamed) {
  ok("TransactWriteItems",
     R"({"ClientRequestToken":"t","TransactItems":[{"Put":{"TableName":"tab","Item":{"pk":{"S":"a"}}}}]})");
  EXPECT_TRUE(error("TagResource",
                    tag(one("a"), "arn:aws:dynamodb:local:000000000000:table/offramp:tokens"))
                  .starts_with("ValidationException: Invalid TableArn"));
}

}  // namespace
}  // namespace offramp::engine
