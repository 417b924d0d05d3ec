#include "source/key_inference.h"

#include <gtest/gtest.h>

#include "ddb/wire_json.h"

namespace offramp::source {
namespace {

// Each line is an item in plain JSON; the readings come as "p" or "p+s", best first.
std::vector<std::string> readings(const std::vector<std::string>& items) {
  KeyInference inference;
  ddb::JsonDecoder decoder;
  for (const std::string& text : items) {
    ddb::ItemBatch batch;
    std::string padded = text + std::string(ddb::kJsonPadding, ' ');
    auto root = decoder.decode_item({padded.data(), text.size()}, "", ddb::JsonForm::kPlain, batch);
    EXPECT_TRUE(root.ok()) << text;
    inference.add(ddb::ItemView(&batch.nodes()[*root]));
  }
  std::vector<std::string> out;
  for (const model::KeySchema& key : inference.candidates())
    out.push_back(key.partition.name + (key.sort ? "+" + key.sort->name : ""));
  return out;
}

using Names = std::vector<std::string>;

TEST(KeyInference, OneUniqueAttributeIsTheOnlyReading) {
  EXPECT_EQ(readings({R"({"sku":"a","qty":1})", R"({"sku":"b","qty":1})",
                      R"({"sku":"c","qty":2,"note":"x"})"}),
            Names{"sku"});
}

TEST(KeyInference, ConventionalPairInItsOrder) {
  EXPECT_EQ(
      readings({R"({"SK":"1","PK":"a"})", R"({"SK":"2","PK":"a"})", R"({"SK":"1","PK":"b"})"}),
      Names{"PK+SK"});
}

TEST(KeyInference, APairThatIsNotUniqueIsNoKey) {
  EXPECT_EQ(readings({R"({"pk":"a","sk":1})", R"({"pk":"a","sk":1})"}), Names{});
}

TEST(KeyInference, AUniqueAttributeBesideAPairIsAnotherReading) {
  EXPECT_EQ(readings({R"({"pk":"a","sk":"1","at":1})", R"({"pk":"a","sk":"2","at":2})",
                      R"({"pk":"b","sk":"1","at":3})"}),
            (Names{"pk+sk", "at"}));
}

TEST(KeyInference, IdentifiersAreRankedBeforeOtherUniqueAttributes) {
  EXPECT_EQ(readings({R"({"createdAt":1,"userId":"x"})", R"({"createdAt":2,"userId":"y"})"}),
            (Names{"userId", "createdAt"}));
}

TEST(KeyInference, UnnamedPairsComeInBothOrdersTheCoarserFirst) {
  EXPECT_EQ(readings({R"({"user":"a","day":"1"})", R"({"user":"a","day":"2"})",
                      R"({"user":"b","day":"1"})", R"({"user":"b","day":"3"})"}),
            (Names{"user+day", "day+user"}));
}

TEST(KeyInference, MissingEmptyMixedOrOverlongAttributesAreOut) {
  EXPECT_EQ(readings({R"({"id":"1","a":"x"})", R"({"id":"2"})"}), Names{"id"});
  EXPECT_EQ(readings({R"({"id":"1","a":""})", R"({"id":"2","a":"y"})"}), Names{"id"});
  EXPECT_EQ(readings({R"({"id":"1","a":1})", R"({"id":"2","a":"1"})"}), Names{"id"});
  EXPECT_EQ(
      readings({R"({"id":"1","a":")" + std::string(2049, 'x') + "\"}", R"({"id":"2","a":"y"})"}),
      Names{"id"});
  EXPECT_EQ(readings({R"({"id":true})", R"({"id":false})"}), Names{});
  EXPECT_EQ(readings({}), Names{});
}

TEST(KeyInference, C10_TheSampleIsBounded) {
  KeyInference inference;
  ddb::JsonDecoder decoder;
  for (size_t i = 0; i < KeyInference::kItemsMax + 10; ++i) {
    ddb::ItemBatch batch;
    // Beyond the bound the attribute repeats itself: it would no longer be unique.
    std::string text = R"({"id":)" + std::to_string(std::min(i, KeyInference::kItemsMax)) + "}";
    std::string padded = text + std::string(ddb::kJsonPadding, ' ');
    auto root = decoder.decode_item({padded.data(), text.size()}, "", ddb::JsonForm::kPlain, batch);
    ASSERT_TRUE(root.ok());
    inference.add(ddb::ItemView(&batch.nodes()[*root]));
  }
  EXPECT_EQ(inference.items(), KeyInference::kItemsMax);
  EXPECT_EQ(inference.candidates().size(), 1u);
}

TEST(KeyFromNames, RolesNeedConventionalNames) {
  using model::KeyAttribute;
  EXPECT_EQ(key_from_names({KeyAttribute{"a"}})->partition.name, "a");
  EXPECT_EQ(
      key_from_names({KeyAttribute{"SortKey"}, KeyAttribute{"partition_key"}})->partition.name,
      "partition_key");
  EXPECT_FALSE(key_from_names({KeyAttribute{"a"}, KeyAttribute{"b"}}));
}

}  // namespace
}  // namespace offramp::source
