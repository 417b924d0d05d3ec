// A small migration for the target's tests: items as DynamoDB JSON, a mapping with a child table,
// and back.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "ddb/wire_json.h"
#include "target/postgres/open.h"
#include "target/postgres/postgres_fixture_test.h"

#define ASSERT_OK(...)                                            \
  do {                                                            \
    auto&& ok_result_ = (__VA_ARGS__);                            \
    ASSERT_TRUE(ok_result_.ok()) << ok_result_.error().message(); \
  } while (false)

namespace offramp::target::postgres {

using Items = std::vector<std::string>;

inline std::shared_ptr<const mapping::CompiledMapping> test_mapping() {
  using model::ColumnType;
  auto column = [](std::string name, ColumnType type) {
    return model::ColumnSpec{.name = name, .from = {name}, .type = type};
  };
  model::TableMapping orders;
  orders.match = "begins_with(sk, 'ORDER#')";
  orders.into = "Orders \"2\"";  // identifiers are quoted everywhere or this breaks
  orders.columns = {
      column("total", ColumnType::kNumeric),   column("count", ColumnType::kBigint),
      column("ratio", ColumnType::kDouble),    column("paid", ColumnType::kBoolean),
      column("blob", ColumnType::kBytea),      column("at", ColumnType::kTimestamptz),
      column("day", ColumnType::kDate),        column("id", ColumnType::kUuid),
      column("doc", ColumnType::kJsonb),       column("any", ColumnType::kAttribute),
      column("tags", ColumnType::kTextArray),  column("scores", ColumnType::kNumericArray),
      column("blobs", ColumnType::kByteaArray)};
  model::ChildSpec lines;
  lines.name = "lines";
  lines.from = {"lines"};
  lines.columns = {column("sku", ColumnType::kText), column("qty", ColumnType::kBigint)};
  orders.children = {lines};
  orders.indexes = {{.name = "orders_total", .columns = {"total"}}};
  model::TableMapping other;
  other.into = "other";
  model::KeySchema key{.partition = {"pk", ddb::Type::kS},
                       .sort = model::KeyAttribute{"sk", ddb::Type::kS}};
  auto mapping =
      mapping::CompiledMapping::compile({orders, other}, key, entry().capabilities().limits);
  if (!mapping.ok()) ADD_FAILURE() << mapping.error().message();
  return *mapping;
}

inline std::string order(const std::string& pk, int lines, const std::string& more = "") {
  std::string json =
      R"({"pk":{"S":")" + pk + R"("},"sk":{"S":"ORDER#1"})" + more + R"(,"lines":{"L":[)";
  for (int i = 0; i < lines; ++i)
    json += std::string(i ? "," : "") + R"({"M":{"sku":{"S":"s)" + std::to_string(i) +
            R"("},"qty":{"N":")" + std::to_string(i + 1) + R"("}}})";
  return json + "]}}";
}
inline std::string plain(const std::string& pk, const std::string& more = "") {
  return R"({"pk":{"S":")" + pk + R"("},"sk":{"S":"X"})" + more + "}";
}

inline void decode_items(const Items& items, ddb::ItemBatch& batch) {
  ddb::JsonDecoder decoder;
  for (size_t i = 0; i < items.size(); ++i) {
    char* text = batch.arena.allocate(items[i].size() + ddb::kJsonPadding);
    items[i].copy(text, items[i].size());
    auto root = decoder.decode_item({text, items[i].size()}, "", ddb::JsonForm::kTyped, batch);
    ASSERT_OK(root);
    batch.add_root(*root, i);
  }
}

inline std::unique_ptr<LoadBatch> make_batch(
    const std::shared_ptr<const mapping::CompiledMapping>& mapping, const Items& items,
    const std::string& partition, uint64_t records) {
  auto batch = std::make_unique<LoadBatch>();
  decode_items(items, batch->items);
  batch->rows.reset(mapping->tables().size());
  mapping::Splitter splitter(mapping);
  std::string why;
  for (size_t i = 0; i < batch->items.size(); ++i) {
    mapping::Outcome outcome = splitter.split(batch->items.item(i), batch->rows, why);
    EXPECT_TRUE(outcome == mapping::Outcome::kRow || outcome == mapping::Outcome::kOverflow) << why;
  }
  batch->partition = partition;
  batch->after = {.records = records, .token = "t" + std::to_string(records), .done = false};
  return batch;
}

inline Items canonical(Items items) {
  ddb::ItemBatch batch;
  decode_items(items, batch);
  Items out;
  for (size_t i = 0; i < batch.size(); ++i) out.push_back(ddb::canonical_item_json(batch.item(i)));
  std::sort(out.begin(), out.end());
  return out;
}

inline Items read_all(Target& target, int pieces = 3) {
  Items out;
  auto partitions = target.read_partitions(pieces);
  EXPECT_TRUE(partitions.ok()) << partitions.error().message();
  for (const ReadPartition& partition : *partitions) {
    auto reader = target.read(partition);
    EXPECT_TRUE(reader.ok()) << reader.error().message();
    ddb::ItemBatch batch;
    for (;;) {
      auto more = (*reader)->next(batch);
      EXPECT_TRUE(more.ok()) << more.error().message();
      if (!more.ok() || !*more) break;
      EXPECT_LE(batch.size(), 1024u);
      for (size_t i = 0; i < batch.size(); ++i)
        out.push_back(ddb::canonical_item_json(batch.item(i)));
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

inline std::unique_ptr<Target> open_target(const std::string& url) {
  auto target = entry().open(url);
  if (!target.ok()) ADD_FAILURE() << target.error().message();
  return std::move(*target);
}

}  // namespace offramp::target::postgres
