#include "engine/capacity.h"

#include <gtest/gtest.h>

#include <deque>

#include "ddb/wire_json.h"

namespace offramp::engine {
namespace {

using Projection = IndexInfo::Projection;

class Items {
 public:
  ddb::ItemView operator()(std::string_view json) {
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

 private:
  ddb::JsonDecoder decoder_;
  std::deque<std::string> texts_;
  std::deque<ddb::ItemBatch> batches_;
};

// pk, sk; local index l on (pk, l) of all; global index g on g, which projects keys; global index i
// on g, which adds x.
Table example() {
  Table table;
  table.served.name = "t";
  table.served.key = {{"pk", ddb::Type::kS}, model::KeyAttribute{"sk", ddb::Type::kN}};
  table.served.indexes = {{"l", {{"pk", ddb::Type::kS}}, {{"l", ddb::Type::kS}}, true},
                          {"g", {{"g", ddb::Type::kS}}, {}, false},
                          {"i", {{"g", ddb::Type::kS}}, {}, false}};
  table.indexes.resize(3);
  table.indexes[1].projection = Projection::kKeysOnly;
  table.indexes[2].projection = Projection::kInclude;
  table.indexes[2].included = {"x"};
  return table;
}

TEST(Capacity, RoundsUpToUnits) {
  struct Case {
    size_t bytes;
    double consistent, eventual, transactional, write;
  };
  for (const Case& c : {Case{0, 1, 0.5, 2, 1}, Case{1, 1, 0.5, 2, 1}, Case{1024, 1, 0.5, 2, 1},
                        Case{1025, 1, 0.5, 2, 2}, Case{4096, 1, 0.5, 2, 4}, Case{4097, 2, 1, 4, 5},
                        Case{409600, 100, 50, 200, 400}}) {
    EXPECT_EQ(read_units(c.bytes, true, false), c.consistent) << c.bytes;
    EXPECT_EQ(read_units(c.bytes, false, false), c.eventual) << c.bytes;
    EXPECT_EQ(read_units(c.bytes, false, true), c.transactional) << c.bytes;
    EXPECT_EQ(write_units(0, c.bytes, false), c.write) << c.bytes;
    EXPECT_EQ(write_units(c.bytes, 0, false), c.write) << c.bytes;
    EXPECT_EQ(write_units(c.bytes, 1, true), 2 * c.write) << c.bytes;
  }
}

TEST(Capacity, IndexesCostWhatChangesInThem) {
  const Table table = example();
  Items item;
  const ddb::ItemView none;
  const ddb::ItemView plain = item(R"({"pk":{"S":"a"},"sk":{"N":"1"}})");
  const ddb::ItemView indexed =
      item(R"({"pk":{"S":"a"},"sk":{"N":"1"},"l":{"S":"l"},"g":{"S":"g"}})");
  const ddb::ItemView with_x =
      item(R"({"pk":{"S":"a"},"sk":{"N":"1"},"l":{"S":"l"},"g":{"S":"g"},"x":{"S":"x"}})");
  const ddb::ItemView moved =
      item(R"({"pk":{"S":"a"},"sk":{"N":"1"},"l":{"S":"m"},"g":{"S":"h"},"x":{"S":"x"}})");
  const ddb::ItemView large = item(
      R"({"pk":{"S":"a"},"sk":{"N":"1"},"l":{"S":"m"},"g":{"S":"h"},"x":{"S":"x"},"y":{"S":")" +
      std::string(3000, 'y') + "\"}}");
  const ddb::ItemView wrong_type = item(R"({"pk":{"S":"a"},"sk":{"N":"1"},"g":{"N":"1"}})");
  struct Case {
    const char* what;
    ddb::ItemView before, after;
    double l, g, i;
  };
  for (const Case& c :
       {Case{"no entry", none, plain, 0, 0, 0}, Case{"entries come", plain, indexed, 1, 1, 1},
        Case{"the same again", indexed, indexed, 0, 0, 0},
        Case{"x is projected by two", indexed, with_x, 1, 0, 1},
        Case{"keys change", with_x, moved, 2, 2, 2},
        Case{"y is projected by one", moved, large, 3, 0, 0},
        Case{"entries go", large, plain, 3, 1, 1}, Case{"the item goes", large, none, 3, 1, 1},
        Case{"a key of another type is none", indexed, wrong_type, 1, 1, 1}}) {
    EXPECT_EQ(index_write_units(table, 0, c.before, c.after, false), c.l) << c.what;
    EXPECT_EQ(index_write_units(table, 1, c.before, c.after, false), c.g) << c.what;
    EXPECT_EQ(index_write_units(table, 2, c.before, c.after, false), c.i) << c.what;
    EXPECT_EQ(index_write_units(table, 0, c.before, c.after, true), 2 * c.l) << c.what;
  }
}

TEST(Capacity, WritesTotalAndParts) {
  const Table table = example();
  Items item;
  const ddb::ItemView indexed =
      item(R"({"pk":{"S":"a"},"sk":{"N":"1"},"l":{"S":"l"},"g":{"S":"g"}})");
  ConsumedCapacity capacity;
  capacity.reset(table, ConsumedCapacity::Kind::kWrite);
  capacity.add_write({}, indexed);
  const auto json = [&](CapacityDetail detail) {
    std::string out;
    capacity.append_json(detail, out);
    return out;
  };
  EXPECT_EQ(json(CapacityDetail::kNone), "");
  EXPECT_EQ(json(CapacityDetail::kTotal), R"({"TableName":"t","CapacityUnits":4.0})");
  EXPECT_EQ(json(CapacityDetail::kIndexes),
            R"({"TableName":"t","CapacityUnits":4.0,"Table":{"CapacityUnits":1.0},)"
            R"("LocalSecondaryIndexes":{"l":{"CapacityUnits":1.0}},)"
            R"("GlobalSecondaryIndexes":{"g":{"CapacityUnits":1.0},"i":{"CapacityUnits":1.0}}})");

  capacity.reset(table, ConsumedCapacity::Kind::kRead);
  capacity.add_index_units(1, 0.5);
  EXPECT_EQ(json(CapacityDetail::kIndexes),
            R"({"TableName":"t","CapacityUnits":0.5,"Table":{"CapacityUnits":0.0},)"
            R"("GlobalSecondaryIndexes":{"g":{"CapacityUnits":0.5}}})");

  capacity.reset(table, ConsumedCapacity::Kind::kTransactRead);
  capacity.add_read(5000, false);
  EXPECT_EQ(json(CapacityDetail::kTotal),
            R"({"TableName":"t","CapacityUnits":4.0,"ReadCapacityUnits":4.0})");
}

}  // namespace
}  // namespace offramp::engine
