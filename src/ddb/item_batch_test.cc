// Batches of items: what is copied into one lives there.
#include "ddb/item_batch.h"

#include <gtest/gtest.h>

#include <string>

namespace offramp::ddb {
namespace {

TEST(ItemBatchTest, AnAppendedItemOutlivesWhatItWasCopiedFrom) {
  ItemBatch to;
  {
    ItemBatch from;
    std::string name = "name that is too long for a short string",
                text = "a text that is as long as that";
    ItemBuilder build(from.nodes());
    uint32_t root = build.open(Type::kM);
    build.scalar(Type::kS, text, name);
    uint32_t list = build.open(Type::kL, "list");
    build.boolean(true);
    build.null();
    build.close(list, 2);
    build.close(root, 2);
    from.add_root(root, 7);
    EXPECT_GE(to.append(from.item(0)), name.size() + text.size() + 5 * sizeof(Node));
    to.append(from.item(0), 7);
    name.assign(name.size(), '-');
    text.assign(text.size(), '-');
  }
  ASSERT_EQ(to.size(), 2U);
  EXPECT_EQ(to.ordinal(0), 0U);
  EXPECT_EQ(to.ordinal(1), 7U);
  for (size_t i = 0; i < 2; ++i) {
    ItemView item = to.item(i);
    EXPECT_EQ(item.find("name that is too long for a short string").bytes(),
              "a text that is as long as that");
    EXPECT_EQ(item.find("list").type(), Type::kL);
    EXPECT_EQ(item.find("list").node()->span, 3U);
  }
}

}  // namespace
}  // namespace offramp::ddb
