// The part of the conformance suite that is about changes: Applier against every target.
// Cites C4 (order and repetition), C5 (position with the rows), C7 (refused items), C12 (no
// values).
#pragma once

#include <atomic>
#include <optional>
#include <thread>

#include "target/conformance_fixture.h"

namespace offramp::target {

// An item's key and its new image; none: it is deleted.
struct KeyChange {
  std::string key;
  std::optional<std::string> image;
};

class ApplierConformance : public TargetConformance {
 protected:
  // Items move: with c_text they belong to orders if their key fits its templates, otherwise to
  // other. A key may be too long for other and, since the templates' constant text is not stored,
  // fit orders: then the item is in overflow when it is not in orders.
  void SetUp() override {
    TargetConformance::SetUp();
    model::MappingSpec spec = conformance_mapping();
    spec[0].match = "attribute_exists(c_text)";
    mapping::Limits limits = target_->capabilities().limits;
    limits.key_bytes_max = std::min<size_t>(limits.key_bytes_max, 2600);
    auto mapping = mapping::CompiledMapping::compile(spec, conformance_key(), limits);
    ASSERT_TRUE(mapping.ok()) << mapping.error().message();
    mapping_ = *mapping;
    splitter_ = std::make_unique<mapping::Splitter>(mapping_);
    overflow_ = mapping_->tables()[mapping_->overflow_table()].name;
    prepare();
  }

  // One thread's means to apply changes.
  struct Lane {
    std::unique_ptr<Applier> applier;
    std::string token;
    uint64_t records = 0;
    mapping::Splitter splitter;
    ddb::JsonDecoder decoder;
    explicit Lane(std::shared_ptr<const mapping::CompiledMapping> mapping)
        : splitter(std::move(mapping)) {}
  };
  std::unique_ptr<Lane> lane(const std::string& name) {
    auto out = std::make_unique<Lane>(mapping_);
    renew(*out, name);
    return out;
  }
  void renew(Lane& lane, const std::string& name) {
    lane.applier.reset();
    auto applier = target_->applier(name);
    ASSERT_TRUE(applier.ok()) << applier.error().message();
    lane.applier = std::move(*applier);
    auto positions = target_->positions();
    ASSERT_TRUE(positions.ok()) << positions.error().message();
    auto found = positions->find(name);
    lane.token = found == positions->end() ? "" : found->second.token;
    lane.records = found == positions->end() ? 0 : found->second.records;
  }
  Status apply_expecting(Lane& lane, const std::vector<KeyChange>& changes,
                         const std::string& expected, const std::string& after) {
    ddb::ItemBatch items, key_items;
    mapping::RowBatch keys, rows;
    keys.reset(mapping_->tables().size());
    rows.reset(mapping_->tables().size());
    std::string why;
    for (const KeyChange& change : changes) {
      add_item(lane.decoder, change.key, key_items);
      expect_ok(lane.splitter.key_rows(key_items.item(key_items.size() - 1), keys));
      if (!change.image) continue;
      add_item(lane.decoder, *change.image, items);
      lane.splitter.split(items.item(items.size() - 1), rows, why);
    }
    return lane.applier->apply(keys, rows, expected,
                               {.records = lane.records + changes.size(), .token = after});
  }
  Status try_changes(Lane& lane, const std::vector<KeyChange>& changes) {
    std::string after = "place " + std::to_string(lane.records + changes.size() + 1);
    Status status = apply_expecting(lane, changes, lane.token, after);
    if (status.ok()) {
      lane.token = after;
      lane.records += changes.size();
    }
    return status;
  }
  void apply_changes(Lane& lane, const std::vector<KeyChange>& changes) {
    expect_ok(try_changes(lane, changes));
  }
  static KeyChange put(const std::string& pk, const std::string& sk,
                       const std::string& attributes) {
    std::string key = key_of(pk, sk);
    return {key, key.substr(0, key.size() - 1) + attributes + "}"};
  }
  static KeyChange remove(const std::string& pk, const std::string& sk) {
    return {key_of(pk, sk), std::nullopt};
  }
  static KeyChange order(const std::string& n, const std::string& attributes) {
    return put("CUSTOMER#7", "ORDER#" + n, ",\"c_text\":{\"S\":\"t\"}" + attributes);
  }
  static std::string lines(size_t count, const std::string& sku = "s") {
    std::string out = ",\"lines\":{\"L\":[";
    for (size_t i = 0; i < count; ++i)
      out += (i ? "," : "") + ("{\"M\":{\"sku\":{\"S\":\"" + sku + std::to_string(i) + "\"}}}");
    return out + "]}";
  }
  static std::multiset<std::string> images(const std::vector<KeyChange>& changes) {
    std::multiset<std::string> out;
    for (const KeyChange& change : changes)
      if (change.image) out.insert(canonical(*change.image));
    return out;
  }

  std::string overflow_;
};

TEST_P(ApplierConformance, C4_ImagesReplaceAndDelete) {
  finish();
  auto one = lane("lane 1");
  KeyChange a = order("1", lines(2)), b = put("USER#1", "PROFILE", ",\"n\":{\"N\":\"1\"}");
  apply_changes(*one, {a, b});
  EXPECT_EQ(read_all(), images({a, b}));
  KeyChange a2 = order("1", ",\"c_bigint\":{\"N\":\"5\"}" + lines(1, "other"));
  apply_changes(*one, {a2, remove("USER#1", "PROFILE"), remove("nobody", "nothing")});
  EXPECT_EQ(read_all(), images({a2}));
  apply_changes(*one, {remove("CUSTOMER#7", "ORDER#1")});
  EXPECT_TRUE(read_all().empty());
  for (auto& [table, rows] : counts()) EXPECT_EQ(rows, 0u) << table;
}

TEST_P(ApplierConformance, C4_ChildrenShrinkGrowAndVanish) {
  finish();
  auto one = lane("l");
  KeyChange beside = order("2", lines(3, "beside"));
  apply_changes(*one, {order("1", lines(4)), beside});
  for (size_t count : {2, 5, 0, 3, 1}) {
    KeyChange changed = order("1", lines(count, "x" + std::to_string(count)));
    apply_changes(*one, {changed});
    EXPECT_EQ(read_all(), images({changed, beside})) << count;
    EXPECT_EQ(counts()["order_lines"], 3 + count);
  }
  KeyChange without = order("1", "");
  apply_changes(*one, {without});
  EXPECT_EQ(read_all(), images({without, beside}));
  EXPECT_EQ(counts()["order_lines"], 3u);
}

TEST_P(ApplierConformance, C4_AnItemMovesBetweenTablesAndOverflow) {
  finish();
  auto one = lane("l");
  std::string text = ",\"c_text\":{\"S\":\"x\"}";
  std::pair<std::string, std::string> fits = {"CUSTOMER#1", "ORDER#1"};
  std::pair<std::string, std::string> too_long = {"CUSTOMER#" + std::string(1995, 'c'),
                                                  "ORDER#" + std::string(600, 'o')};
  for (const auto& [pk, sk] : {fits, too_long}) {
    std::string without_text = pk == fits.first ? "other" : overflow_;
    KeyChange in = put(pk, sk, text + lines(2)), out = put(pk, sk, lines(2));
    for (int round = 0; round < 2; ++round) {
      apply_changes(*one, {in});
      EXPECT_EQ(read_all(), images({in}));
      EXPECT_EQ(counts()["orders"], 1u);
      EXPECT_EQ(counts()[without_text], 0u);
      apply_changes(*one, {out});
      EXPECT_EQ(read_all(), images({out}));
      EXPECT_EQ(counts()["orders"], 0u);
      EXPECT_EQ(counts()["order_lines"], 0u);
      EXPECT_EQ(counts()[without_text], 1u);
    }
    apply_changes(*one, {remove(pk, sk)});
    EXPECT_TRUE(read_all().empty());
  }
}

TEST_P(ApplierConformance, C4_ChangesMeetLoadedRows) {
  std::vector<std::string> items;
  for (int n = 0; n < 50; ++n)
    items.push_back(*order(std::to_string(n), lines(static_cast<size_t>(n % 4))).image);
  load(items);
  finish();
  auto one = lane("l");
  std::vector<KeyChange> changes;
  std::multiset<std::string> expected = canonical(items);
  for (int n = 0; n < 50; n += 3) {
    expected.erase(expected.find(canonical(items[static_cast<size_t>(n)])));
    changes.push_back(n % 2 ? remove("CUSTOMER#7", "ORDER#" + std::to_string(n))
                            : order(std::to_string(n), lines(static_cast<size_t>((n + 2) % 5))));
  }
  expected.merge(images(changes));
  for (int round = 0; round < 2; ++round) {  // applying the same again changes nothing
    apply_changes(*one, changes);
    EXPECT_EQ(read_all(), expected) << "round " << round;
  }
}

TEST_P(ApplierConformance, C5_ThePositionComesWithTheRows) {
  load({*order("0", "").image}, "p0");
  finish();
  auto one = lane("lane 1"), two = lane("lane 2");
  std::string token = std::string("1 base\0 \xff'\\", 11);
  expect_ok(apply_expecting(*one, {order("1", "")}, "", token));
  apply_changes(*two, {});  // a place may pass without a change for this lane
  target_ = reopen();
  expect_ok(target_->prepare(mapping_, kMigration, Target::Start::kResuming));
  auto positions = target_->positions();
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ(positions->size(), 3u);
  EXPECT_EQ((*positions)["p0"].records, 1u);
  EXPECT_EQ((*positions)["lane 1"].token, token);
  EXPECT_EQ((*positions)["lane 1"].records, 1u);
  EXPECT_EQ((*positions)["lane 2"].token, two->token);
  auto again = lane("lane 1");
  EXPECT_EQ(again->token, token);
  apply_changes(*again, {order("2", "")});
  EXPECT_EQ(read_all().size(), 3u);
}

TEST_P(ApplierConformance, C4_AWrongTokenChangesNothing) {
  finish();
  auto one = lane("l");
  KeyChange a = order("1", lines(1));
  apply_changes(*one, {a});
  for (const std::string& wrong : {std::string(), std::string("place 0"), one->token + "0"}) {
    Status status = apply_expecting(*one, {order("1", lines(3)), order("2", "")}, wrong, "new");
    ASSERT_FALSE(status.ok()) << wrong;
    EXPECT_EQ(status.error().kind(), ErrorKind::kConflict);
    EXPECT_EQ(status.error().code(), "applier.superseded");
  }
  auto other = lane("another");
  Status status = apply_expecting(*other, {order("2", "")}, one->token, "new");
  ASSERT_FALSE(status.ok()) << "this lane has no position yet";
  EXPECT_EQ(status.error().code(), "applier.superseded");
  EXPECT_EQ(read_all(), images({a}));
  auto positions = target_->positions();
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ(positions->size(), 1u);
  EXPECT_EQ((*positions)["l"].token, one->token);
  apply_changes(*one, {order("1", lines(3))});  // and the applier is still of use
  EXPECT_EQ(read_all(), images({order("1", lines(3))}));
}

// Lanes write, and whoever reads meanwhile finds every item whole, and every item that nobody
// changes exactly once.
TEST_P(ApplierConformance, LanesAndReadersWorkAtTheSameTime) {
  constexpr size_t kLanes = 3, kRounds = 20, kKeys = 20;
  std::vector<std::string> resting;
  for (int n = 0; n < 3000; ++n) {
    resting.push_back(*order("r" + std::to_string(n), lines(static_cast<size_t>(n % 3))).image);
    resting.push_back(*put("USER#" + std::to_string(n), "resting", "").image);
  }
  load(resting);
  finish();
  // The list's length stands beside the list.
  auto image = [](size_t n, size_t round) -> KeyChange {
    size_t count = (n + round) % 4;
    std::string pk = n % 2 ? "CUSTOMER#1" : "USER#1", sk = "ORDER#" + std::to_string(n);
    if ((n + round) % 5 == 4) return remove(pk, sk);
    return put(pk, sk,
               (n % 2 ? ",\"c_text\":{\"S\":\"t\"}" : std::string()) + ",\"c_bigint\":{\"N\":\"" +
                   std::to_string(count) + "\"}" + lines(count));
  };
  std::vector<std::unique_ptr<Lane>> lanes;
  for (size_t l = 0; l < kLanes; ++l) lanes.push_back(lane("lane " + std::to_string(l)));
  std::vector<std::string> errors(kLanes);
  std::vector<std::thread> threads;
  std::atomic<size_t> working = kLanes;
  for (size_t l = 0; l < kLanes; ++l)
    threads.emplace_back([&, l] {
      for (size_t round = 0; round < kRounds; ++round) {
        std::vector<KeyChange> changes;
        for (size_t n = 0; n < kKeys; ++n) changes.push_back(image(n * kLanes + l, round));
        Status status = try_changes(*lanes[l], changes);
        if (!status.ok()) errors[l] = status.error().message();
      }
      --working;
    });
  std::multiset<std::string> expected_resting = canonical(resting);
  do {
    std::multiset<std::string> seen;
    for (const std::string& item : read_all()) {
      size_t at = item.find("\"c_bigint\":{\"N\":\"");
      if (at == item.npos) {
        seen.insert(item);
        continue;
      }
      size_t skus = 0;
      for (size_t i = item.find("\"sku\""); i != item.npos; i = item.find("\"sku\"", i + 1)) ++skus;
      EXPECT_EQ(item.substr(at + 17, 2), std::to_string(skus) + "\"") << item;
    }
    EXPECT_EQ(seen, expected_resting);
  } while (working > 0);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(errors, std::vector<std::string>(kLanes));
  std::vector<KeyChange> last;
  for (size_t n = 0; n < kKeys * kLanes; ++n) last.push_back(image(n, kRounds - 1));
  expected_resting.merge(images(last));
  EXPECT_EQ(read_all(), expected_resting);
}

TEST_P(ApplierConformance, C7_ARefusedRowChangesNothing) {
  finish();
  if (!database_->add_check("orders", "c_bigint < 100")) {
    // A target without constraints takes what others would refuse.
    apply_changes(*lane("l"), {order("1", ",\"c_bigint\":{\"N\":\"424242\"}")});
    EXPECT_EQ(read_all().size(), 1u);
    return;
  }
  auto one = lane("l");
  KeyChange a = order("1", ",\"c_bigint\":{\"N\":\"1\"}" + lines(2));
  apply_changes(*one, {a});
  KeyChange good = order("2", ",\"c_bigint\":{\"N\":\"99\"}"),
            bad = order("3", ",\"c_bigint\":{\"N\":\"424242\"}");
  Status status = try_changes(*one, {remove("CUSTOMER#7", "ORDER#1"), good, bad});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind(), ErrorKind::kBadItem) << status.error().message();
  EXPECT_EQ(status.error().code(), "applier.refused");
  EXPECT_NE(status.error().message().find("orders"), std::string::npos);
  EXPECT_EQ(status.error().message().find("424242"), std::string::npos) << "C12";
  EXPECT_EQ(read_all(), images({a}));
  auto positions = target_->positions();
  ASSERT_TRUE(positions.ok());
  EXPECT_EQ((*positions)["l"].token, one->token);
  apply_changes(*one, {remove("CUSTOMER#7", "ORDER#1"), good});
  EXPECT_EQ(read_all(), images({good}));
}

// Random changes against a map of what must be there. Seed: OFFRAMP_TEST_SEED.
TEST_P(ApplierConformance, C4_RandomChangesMakeTheModel) {
  constexpr size_t kKeys = 60;
  RandomItems random(seed_);
  std::map<std::string, std::string> model;
  auto change = [&](size_t n) {
    std::string image = random.item(n);
    // {"PK":…,"SK":…} is the beginning of every item.
    std::string key = image.substr(0, image.find('}', image.find("\"SK\"")) + 1) + "}";
    return random.chance(25) ? KeyChange{key, std::nullopt} : KeyChange{key, image};
  };
  std::vector<std::string> loaded;
  for (size_t n = 0; n < kKeys; n += 2) {
    KeyChange initial = change(n);
    if (!initial.image) continue;
    loaded.push_back(*initial.image);
    model[initial.key] = *initial.image;
  }
  load(loaded);
  finish();
  auto one = lane("l");
  auto expected = [&] {
    std::multiset<std::string> out;
    for (auto& [key, image] : model) out.insert(canonical(image));
    return out;
  };
  for (int step = 0; step < 40; ++step) {
    std::set<size_t> chosen;
    for (size_t i = random.below(30); i > 0; --i) chosen.insert(random.below(kKeys));
    std::vector<KeyChange> changes;
    for (size_t n : chosen) changes.push_back(change(n));
    for (const KeyChange& each : changes) {
      if (each.image)
        model[each.key] = *each.image;
      else
        model.erase(each.key);
    }
    std::string before = one->token;
    apply_changes(*one, changes);
    if (random.chance(30)) apply_changes(*one, changes);
    if (random.chance(20)) {
      ASSERT_FALSE(apply_expecting(*one, {order("stray", "")}, before + "?", "stray").ok());
    }
    if (random.chance(20)) renew(*one, "l");
    if (step % 5 == 4) {
      ASSERT_EQ(read_all(), expected()) << "step " << step;
    }
  }
  EXPECT_EQ(read_all(), expected());
}

}  // namespace offramp::target
