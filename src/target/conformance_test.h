// The suite that every target passes. A target's own test includes this header and names its
// database:
//   INSTANTIATE_TEST_SUITE_P(Sqlite, TargetConformance, testing::Values(&make_database));
// Cites the design's invariants: C4 (repeating a change), C5 (positions), C6 (gaps), C8 (round
// trip).
#pragma once

#include <thread>

#include "target/conformance_fixture.h"

namespace offramp::target {

inline std::string order_json(const std::string& n, const std::string& attributes) {
  return "{\"PK\":{\"S\":\"CUSTOMER#7\"},\"SK\":{\"S\":\"ORDER#" + n + "\"}" + attributes + "}";
}
inline std::string lines_json(const std::vector<std::string>& skus) {
  std::string out = ",\"lines\":{\"L\":[";
  for (size_t i = 0; i < skus.size(); ++i)
    out += (i ? "," : "") + ("{\"M\":{\"sku\":{\"S\":\"" + skus[i] + "\"}}}");
  return out + "]}";
}

TEST_P(TargetConformance, PrepareTwiceChangesNothing) {
  prepare();
  load({order_json("1", lines_json({"a", "b"}))});
  prepare();
  target_ = reopen();
  expect_ok(target_->prepare(mapping_, kMigration, Target::Start::kResuming));
  finish();
  EXPECT_EQ(read_all(), canonical(std::vector{order_json("1", lines_json({"a", "b"}))}));
}

TEST_P(TargetConformance, PrepareRefusesForeignTable) {
  database_->make_foreign_table("order_lines");
  Status status = target_->prepare(mapping_, kMigration, Target::Start::kFirst);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kConflict) << status.error().message();
  EXPECT_NE(status.error().message().find("order_lines"), std::string::npos)
      << status.error().message();
}

TEST_P(TargetConformance, PrepareRefusesAnotherMigrationsTables) {
  prepare();
  target_ = reopen();
  Status status = target_->prepare(mapping_, "another", Target::Start::kFirst);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kConflict) << status.error().message();
}

TEST_P(TargetConformance, C6_ResumingAgainstAnEmptiedTargetIsAGap) {
  prepare();
  load({order_json("1", "")});
  target_.reset();
  database_->wipe();
  target_ = reopen();
  Status status = target_->prepare(mapping_, kMigration, Target::Start::kResuming);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kGap) << status.error().message();
}

TEST_P(TargetConformance, AttachNeedsTheMigration) {
  EXPECT_FALSE(target_->attach(mapping_, kMigration).ok());
  prepare();
  target_ = reopen();
  expect_ok(target_->attach(mapping_, kMigration));
}

TEST_P(TargetConformance, C5_PositionsComeWithTheRows) {
  prepare();
  auto loader = target_->loader();
  ASSERT_TRUE(loader.ok());
  auto last = batch("p1", {order_json("2", "")}, 5);
  last->after.done = true;
  last->after.token = std::string("a\0b", 3);
  expect_ok((*loader)->append(batch("p1", {order_json("1", "")}, 3)));
  expect_ok((*loader)->append(batch("p2", {order_json("3", "")}, 1)));
  expect_ok((*loader)->append(std::move(last)));
  expect_ok((*loader)->append(batch("p3", {}, 9)));  // a batch of which nothing was kept
  expect_ok((*loader)->flush());
  loader->reset();
  target_ = reopen();
  expect_ok(target_->prepare(mapping_, kMigration, Target::Start::kResuming));
  auto positions = target_->positions();
  ASSERT_TRUE(positions.ok());
  ASSERT_EQ(positions->size(), 3u);
  EXPECT_EQ((*positions)["p1"].records, 5u);
  EXPECT_TRUE((*positions)["p1"].done);
  EXPECT_EQ((*positions)["p1"].token, std::string("a\0b", 3));
  EXPECT_EQ((*positions)["p2"].records, 1u);
  EXPECT_FALSE((*positions)["p2"].done);
  EXPECT_EQ((*positions)["p3"].records, 9u);
  finish();
  EXPECT_EQ(read_all().size(), 3u);
}

TEST_P(TargetConformance, C5_WithoutFlushNoPositionIsAheadOfItsRows) {
  prepare();
  std::vector<std::string> items = random_items(2000);
  {
    auto loader = target_->loader();
    ASSERT_TRUE(loader.ok());
    for (size_t at = 0; at < items.size(); at += 100) {
      expect_ok(
          (*loader)->append(batch("p", {items.begin() + at, items.begin() + at + 100}, at + 100)));
      if (at == 900) expect_ok((*loader)->flush());
    }
  }
  target_ = reopen();
  expect_ok(target_->prepare(mapping_, kMigration, Target::Start::kResuming));
  auto positions = target_->positions();
  ASSERT_TRUE(positions.ok());
  size_t durable = (*positions)["p"].records;
  EXPECT_GE(durable, 1000u);
  // Going on from the position gives each item exactly once.
  load({items.begin() + durable, items.end()}, "p");
  auto outcome = finish();
  EXPECT_EQ(outcome.identical_copies_removed + outcome.duplicates, 0u);
  EXPECT_EQ(read_all(), canonical(items));
}

TEST_P(TargetConformance, LoadersWorkInParallel) {
  prepare();
  std::vector<std::string> items = random_items(6000);
  std::vector<std::thread> threads;
  std::vector<std::string> errors(3);
  for (size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      auto loader = target_->loader();
      if (!loader.ok()) {
        errors[t] = loader.error().message();
        return;
      }
      mapping::Splitter splitter(mapping_);
      for (size_t at = t * 2000; at < (t + 1) * 2000; at += 50) {
        std::string partition = "p" + std::to_string(at / 1000);
        Status status = (*loader)->append(make_batch(splitter, mapping_->tables().size(), partition,
                                                     {items.begin() + at, items.begin() + at + 50},
                                                     at % 1000 + 50));
        if (!status.ok()) errors[t] = status.error().message();
      }
      Status status = (*loader)->flush();
      if (!status.ok()) errors[t] = status.error().message();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(errors, std::vector<std::string>(3));
  auto positions = target_->positions();
  ASSERT_TRUE(positions.ok());
  ASSERT_EQ(positions->size(), 6u);
  for (auto& [partition, position] : *positions) EXPECT_EQ(position.records, 1000u) << partition;
  finish();
  EXPECT_EQ(read_all(5), canonical(items));
}

TEST_P(TargetConformance, C8_EveryTypeComesBackTheSame) {
  prepare();
  std::vector<std::string> items = random_items(3000);
  // A key that no index takes, or no template fits, must come back too.
  items.push_back(
      "{\"PK\":{\"S\":\"CUSTOMER#\\u0000\"},\"SK\":{\"S\":\"ORDER#\\u0000\"},\"n\":{\"N\":\"1\"}}");
  items.push_back("{\"PK\":{\"S\":\"elsewhere\"},\"SK\":{\"S\":\"ORDER#5\"},\"n\":{\"N\":\"2\"}}");
  items.push_back("{\"PK\":{\"S\":\"" + std::string(2048, 'k') + "\"},\"SK\":{\"S\":\"" +
                  std::string(1024, 's') + "\"}}");
  load(items);
  finish();
  EXPECT_EQ(duplicates_, std::vector<std::string>());
  EXPECT_EQ(read_all(1), canonical(items));
  EXPECT_EQ(read_all(7), canonical(items));
}

TEST_P(TargetConformance, EmptyTablesReadAsNothing) {
  prepare();
  finish();
  EXPECT_TRUE(read_all().empty());
}

TEST_P(TargetConformance, FinishTwiceChangesNothing) {
  prepare();
  std::vector<std::string> items = random_items(300);
  load(items);
  finish();
  auto second = finish();
  EXPECT_EQ(second.duplicates + second.identical_copies_removed, 0u);
  target_ = reopen();
  expect_ok(target_->prepare(mapping_, kMigration, Target::Start::kResuming));
  finish();
  EXPECT_EQ(read_all(), canonical(items));
}

TEST_P(TargetConformance, IdenticalCopiesGoSilently) {
  prepare();
  std::vector<std::string> items = random_items(400);
  load(items, "p0");
  load({items.begin(), items.begin() + 100}, "p1");
  auto outcome = finish();
  EXPECT_EQ(outcome.identical_copies_removed, 100u);
  EXPECT_EQ(outcome.duplicates, 0u);
  EXPECT_TRUE(duplicates_.empty());
  EXPECT_EQ(read_all(), canonical(items));
}

// Copies of one key with and without children, in one batch and across batches: every copy stays
// whole.
TEST_P(TargetConformance, DifferentCopiesAreHandedOutWhole) {
  prepare();
  std::vector<std::string> others = {order_json("0", lines_json({"x"})),
                                     order_json("2", lines_json({"y", "z"}))};
  std::vector<std::string> copies = {
      order_json("1", lines_json({"a", "b", "c"})),
      order_json("1", ""),
      order_json("1", lines_json({"a", "b", "c"}) + ",\"c_text\":{\"S\":\"second\"}"),
      order_json("1", lines_json({"d"})),
      order_json("1", ",\"c_text\":{\"S\":\"no list\"}"),
      order_json("1", ",\"lines\":{\"L\":[]}"),
      order_json("1", lines_json({"e", "f"})),
      order_json("1", ",\"c_text\":{\"S\":\"last\"}"),
  };
  auto loader = target_->loader();
  ASSERT_TRUE(loader.ok());
  expect_ok((*loader)->append(batch("p", {others[0], copies[0], copies[1], copies[2]}, 4)));
  expect_ok((*loader)->append(batch("p", {copies[3]}, 5)));
  expect_ok(
      (*loader)->append(batch("p", {copies[4], copies[5], copies[6], others[1], copies[7]}, 10)));
  expect_ok((*loader)->flush());
  loader->reset();
  auto outcome = finish();
  EXPECT_EQ(outcome.duplicates, 7u);
  EXPECT_EQ(outcome.identical_copies_removed, 0u);
  auto all = read_all();
  EXPECT_EQ(all.size(), 3u);
  if (database_->keeps_last_copy()) {
    EXPECT_EQ(all, canonical(std::vector{others[0], others[1], copies[7]}));
  }
  auto seen = canonical(duplicates_);
  seen.insert(all.begin(), all.end());
  std::vector<std::string> expected = others;
  expected.insert(expected.end(), copies.begin(), copies.end());
  EXPECT_EQ(seen, canonical(expected));
}

TEST_P(TargetConformance, AnErrorOfTheDuplicateCallbackKeepsTheCopy) {
  prepare();
  std::vector<std::string> copies = {order_json("1", lines_json({"a"})),
                                     order_json("1", lines_json({"b"}))};
  load(copies);
  auto failed = target_->finish_load(
      [](const Duplicate&) -> Status { return Error(ErrorKind::kCancelled, "test", "stopped"); },
      [](const std::string&) {});
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().kind(), ErrorKind::kCancelled);
  finish();
  ASSERT_EQ(duplicates_.size(), 1u);
  auto seen = canonical(duplicates_);
  for (const auto& item : read_all()) seen.insert(item);
  EXPECT_EQ(seen, canonical(copies));
}

TEST_P(TargetConformance, C4_ApplyMakesTheImageTheState) {
  prepare();
  std::string one = order_json("1", lines_json({"a", "b"})),
              two = order_json("2", lines_json({"c"}));
  std::string three =
      order_json("3", ",\"c_numeric\":{\"N\":\"12345678901234567890123456789012345678\"}");
  load({one, two, three});
  finish();
  std::string key1 = key_of("CUSTOMER#7", "ORDER#1"), key2 = key_of("CUSTOMER#7", "ORDER#2");
  std::string key4 = key_of("CUSTOMER#7", "ORDER#4"), key5 = key_of("USER#1", "PROFILE#1");
  std::string new_one =
      order_json("1", lines_json({"b", "c", "d"}) + ",\"c_bigint\":{\"N\":\"5\"}");
  std::string four = order_json("4", lines_json({"q"}));
  std::string five =
      "{\"PK\":{\"S\":\"USER#1\"},\"SK\":{\"S\":\"PROFILE#1\"},\"any\":{\"SS\":[\"x\"]}}";
  for (int round = 0; round < 2; ++round) {  // repeating it changes nothing
    apply({key1, key2, key4, key5}, {new_one, four, five});
    EXPECT_EQ(read_all(), canonical(std::vector{new_one, three, four, five})) << "round " << round;
  }
  EXPECT_EQ(counts()["order_lines"], 4u);
  apply({key4, key5}, {});
  EXPECT_EQ(read_all(), canonical(std::vector{new_one, three}));
}

// The same key matches one table before the change and another after it.
TEST_P(TargetConformance, C4_ApplyMovesAnItemBetweenTables) {
  model::MappingSpec spec = conformance_mapping();
  spec[0].match = "attribute_exists(c_text)";
  spec[0].key.clear();
  auto mapping =
      mapping::CompiledMapping::compile(spec, conformance_key(), target_->capabilities().limits);
  ASSERT_TRUE(mapping.ok()) << mapping.error().message();
  mapping_ = *mapping;
  splitter_ = std::make_unique<mapping::Splitter>(mapping_);
  prepare();
  std::string in_orders = order_json("1", ",\"c_text\":{\"S\":\"x\"}" + lines_json({"a"}));
  std::string in_other = order_json("1", lines_json({"a"}));
  load({in_orders});
  finish();
  std::string key = key_of("CUSTOMER#7", "ORDER#1");
  apply({key}, {in_other});
  EXPECT_EQ(read_all(), canonical(std::vector{in_other}));
  EXPECT_EQ(counts()["orders"], 0u);
  EXPECT_EQ(counts()["order_lines"], 0u);
  apply({key}, {in_orders});
  EXPECT_EQ(read_all(), canonical(std::vector{in_orders}));
  EXPECT_EQ(counts()["other"], 0u);
}

TEST_P(TargetConformance, GetFindsTheItemsThatAreThere) {
  prepare();
  std::vector<std::string> items = random_items(200);
  items.push_back(order_json("1", lines_json({"a", "b", "c"})));
  load(items);
  finish();
  ddb::ItemBatch found;
  expect_ok(target_->get(
      key_rows({key_of("CUSTOMER#7", "ORDER#1"), key_of("CUSTOMER#7", "ORDER#missing")}), found));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(ddb::canonical_item_json(found.item(0)), canonical(items.back()));
  ddb::ItemBatch none;
  expect_ok(target_->get(key_rows({key_of("nobody", "nothing")}), none));
  EXPECT_EQ(none.size(), 0u);
}

TEST_P(TargetConformance, RowCountsAreExact) {
  prepare();
  load({order_json("1", lines_json({"a", "b", "c"})), order_json("2", ""),
        "{\"PK\":{\"S\":\"u\"},\"SK\":{\"S\":\"p\"}}"});
  auto rows = counts();
  EXPECT_EQ(rows["orders"], 2u);
  EXPECT_EQ(rows["order_lines"], 3u);
  EXPECT_EQ(rows["other"], 1u);
}

}  // namespace offramp::target
