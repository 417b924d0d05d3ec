// Keys: taken by name and type, named alike wherever the item comes from.
#include "migrate/item_key.h"

#include <gtest/gtest.h>

#include "ddb/wire_json.h"

namespace offramp::migrate {
namespace {

struct Item {
  explicit Item(std::string json) : text(std::move(json)) {
    size_t size = text.size();
    text.append(ddb::kJsonPadding, '\0');
    auto root = decoder.decode_item({text.data(), size}, {}, ddb::JsonForm::kTyped, batch);
    EXPECT_TRUE(root.ok());
    batch.add_root(*root, 0);
  }
  ddb::ItemView view() const { return batch.item(0); }
  std::string text;
  ddb::JsonDecoder decoder;
  ddb::ItemBatch batch;
};

const model::KeySchema kKey{{"pk", ddb::Type::kS}, model::KeyAttribute{"sk", ddb::Type::kN}};

TEST(ItemKeyTest, TheSameKeyHasTheSameDigestWhateverIsAround) {
  Item one(R"({"pk":{"S":"a"},"sk":{"N":"1"},"x":{"S":"y"}})"),
      two(R"({"sk":{"N":"1.0"},"pk":{"S":"a"}})");
  ItemKey a(kKey), b(kKey);
  ASSERT_TRUE(a.take(one.view()));
  ASSERT_TRUE(b.take(two.view()));
  EXPECT_EQ(a.digest(), b.digest());
  EXPECT_EQ(a.json(), R"({"pk":{"S":"a"},"sk":{"N":"1"}})");
  EXPECT_EQ(a.json(), b.json());
}

TEST(ItemKeyTest, AnotherKeyHasAnotherDigest) {
  Item one(R"({"pk":{"S":"a"},"sk":{"N":"1"}})"), two(R"({"pk":{"S":"a"},"sk":{"N":"2"}})");
  ItemKey key(kKey);
  ASSERT_TRUE(key.take(one.view()));
  ddb::Digest first = key.digest();
  ASSERT_TRUE(key.take(two.view()));
  EXPECT_NE(key.digest(), first);
  EXPECT_EQ(digest_bytes(first).size(), 16u);
  EXPECT_NE(digest_bytes(key.digest()), digest_bytes(first));
}

TEST(ItemKeyTest, MissingOrOfAnotherType) {
  ItemKey key(kKey);
  EXPECT_FALSE(key.take(Item(R"({"pk":{"S":"a"}})").view()));
  EXPECT_FALSE(key.take(Item(R"({"sk":{"N":"1"}})").view()));
  EXPECT_FALSE(key.take(Item(R"({"pk":{"S":"a"},"sk":{"S":"1"}})").view()));
}

}  // namespace
}  // namespace offramp::migrate
