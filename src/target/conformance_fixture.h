// What the conformance suite works with: a database to test, a mapping with every column type,
// items, and their way in and out of a target. Random items come from a seed that is printed and
// can be given back in OFFRAMP_TEST_SEED.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "base/base64.h"
#include "ddb/wire_json.h"
#include "mapping/compiled_mapping.h"
#include "target/target.h"

namespace offramp::target {

// A fresh database per test. open() is called several times: every target opened stands for a new
// process.
class TestDatabase {
 public:
  virtual ~TestDatabase() = default;
  virtual Result<std::unique_ptr<Target>> open() = 0;
  // Removes all that is in the database, as if it had been replaced.
  virtual void wipe() = 0;
  // A table with one column, made by somebody else.
  virtual void make_foreign_table(const std::string& name) = 0;
  // Adds a constraint, as the database's owner may: rows of `table` must fulfil the SQL
  // `condition`. False when this database has no constraints (a declared lack, not a failure).
  virtual bool add_check(const std::string& table, const std::string& condition) { return false; }
  // Whether of several copies of a key the last one loaded stays.
  virtual bool keeps_last_copy() const { return true; }
};
using MakeDatabase = std::unique_ptr<TestDatabase> (*)();

// orders (every column type, a child table) for sort keys that begin with ORDER#, other for the
// rest.
inline model::MappingSpec conformance_mapping() {
  using model::ColumnType;
  model::TableMapping orders, other;
  orders.match = "begins_with(SK, 'ORDER#')";
  orders.into = "orders";
  orders.key = {{"PK", "CUSTOMER#{customer}", {}}, {"SK", "ORDER#{order_no}", {}}};
  auto add = [&](const char* name, ColumnType type) {
    orders.columns.push_back({name, {name}, type, {}, {}, {}});
  };
  add("c_text", ColumnType::kText);
  add("c_bigint", ColumnType::kBigint);
  add("c_numeric", ColumnType::kNumeric);
  add("c_double", ColumnType::kDouble);
  add("c_boolean", ColumnType::kBoolean);
  add("c_bytea", ColumnType::kBytea);
  add("c_time", ColumnType::kTimestamptz);
  add("c_date", ColumnType::kDate);
  add("c_uuid", ColumnType::kUuid);
  add("c_jsonb", ColumnType::kJsonb);
  add("c_any", ColumnType::kAttribute);
  add("c_texts", ColumnType::kTextArray);
  add("c_numbers", ColumnType::kNumericArray);
  add("c_blobs", ColumnType::kByteaArray);
  model::ChildSpec lines;
  lines.name = "order_lines";
  lines.from = {"lines"};
  lines.ordinal = "line_no";
  lines.columns = {{"sku", {"sku"}, ColumnType::kText, {}, {}, {}},
                   {"qty", {"qty"}, ColumnType::kBigint, {}, {}, {}}};
  orders.children = {lines};
  orders.indexes = {{"", {"c_time"}, {}}};
  other.into = "other";
  return {orders, other};
}

inline model::KeySchema conformance_key() {
  return {{"PK", ddb::Type::kS}, model::KeyAttribute{"SK", ddb::Type::kS}};
}

// Random attribute values as DynamoDB JSON.
class RandomItems {
 public:
  explicit RandomItems(uint64_t seed) : random_(seed) {}

  size_t below(size_t end) { return std::uniform_int_distribution<size_t>(0, end - 1)(random_); }
  bool chance(int percent) { return below(100) < static_cast<size_t>(percent); }

  std::string item(size_t n) {
    bool order = n % 3 != 0;
    std::string out = "{\"PK\":{\"S\":\"" + std::string(order ? "CUSTOMER#" : "USER#") +
                      std::to_string(n % 50) + "\"},\"SK\":{\"S\":\"" +
                      (order ? "ORDER#" : "PROFILE#") + std::to_string(n) + "\"}";
    static const char* kFitting[][2] = {
        {"c_text", "S"},       {"c_bigint", "int"}, {"c_numeric", "N"}, {"c_double", "real"},
        {"c_boolean", "BOOL"}, {"c_bytea", "B"},    {"c_time", "time"}, {"c_date", "date"},
        {"c_uuid", "uuid"},    {"c_jsonb", "M"},    {"c_any", "any"},   {"c_texts", "SS"},
        {"c_numbers", "NS"},   {"c_blobs", "BS"},   {"unmapped", "any"}};
    for (auto& [name, kind] : kFitting)
      if (chance(80))
        out += ",\"" + std::string(name) + "\":" + (chance(85) ? value(kind, 0) : value("any", 0));
    if (chance(70)) out += ",\"lines\":" + lines();
    return out + "}";
  }

  std::string value(std::string_view kind, int depth) {
    static const char* kAny[] = {"S",    "int", "N",  "real", "BOOL", "B", "NULL",
                                 "time", "SS",  "NS", "BS",   "M",    "L"};
    if (kind == "any") kind = kAny[below(depth < 3 ? 13 : 11)];
    if (kind == "S") return "{\"S\":" + text() + "}";
    if (kind == "int")
      return "{\"N\":\"" + std::to_string(static_cast<int64_t>(random_()) >> below(64)) + "\"}";
    if (kind == "N") return "{\"N\":\"" + number() + "\"}";
    if (kind == "real")
      return "{\"N\":\"" + std::to_string(below(100000)) + "." + std::to_string(1 + below(999)) +
             "\"}";
    if (kind == "BOOL") return chance(50) ? "{\"BOOL\":true}" : "{\"BOOL\":false}";
    if (kind == "B") return "{\"B\":\"" + bytes() + "\"}";
    if (kind == "NULL") return "{\"NULL\":true}";
    if (kind == "time")
      return "{\"S\":\"20" + two(100) + "-0" + std::to_string(1 + below(9)) + "-1" +
             std::to_string(below(10)) + "T1" + std::to_string(below(10)) + ":" + two(60) + ":" +
             two(60) + (chance(50) ? "Z\"}" : ".250Z\"}");
    if (kind == "date")
      return "{\"S\":\"19" + two(100) + "-1" + std::to_string(below(3)) + "-2" +
             std::to_string(below(9)) + "\"}";
    if (kind == "uuid")
      return "{\"S\":\"0b6f0d5e-1c4a-4b5e-9f" + two(100) + "-00" + two(100) + "0000" + two(100) +
             "ab\"}";
    std::string out = kind == "M" ? "{\"M\":{" : "{\"" + std::string(kind) + "\":[";
    std::set<std::string> members;
    size_t count = (kind == "M" || kind == "L") ? below(4) : 1 + below(4);
    for (size_t i = 0; i < count; ++i) {
      if (kind == "M") members.insert("\"m" + std::to_string(i) + "\":" + value("any", depth + 1));
      if (kind == "L") members.insert(value("any", depth + 1));
      if (kind == "SS") members.insert(text());
      if (kind == "NS") members.insert("\"" + number() + "\"");
      if (kind == "BS") members.insert("\"" + bytes() + "\"");
    }
    bool first = true;
    for (const std::string& member : members) out += (first ? "" : ",") + member, first = false;
    return out + (kind == "M" ? "}}" : "]}");
  }

 private:
  std::string two(size_t end) {
    size_t n = below(end);
    return (n < 10 ? "0" : "") + std::to_string(n);
  }
  std::string text() {
    static const char* kPieces[] = {"",  "a",   "Zürich", "日本", "\\\"", "\\n",         "it's",
                                    "😀", " ",   "null",   "\\\\", "\\t",  "{\\\"S\\\"}", "\\u0000",
                                    "0", "1.0", ",",      "}"};
    std::string out;
    for (size_t i = below(5); i > 0; --i) out += kPieces[below(chance(97) ? 13 : 18)];
    return "\"" + out + "\"";
  }
  // Canonical, up to 38 digits.
  std::string number() {
    static const char* kEdges[] = {"0",
                                   "-1",
                                   "9223372036854775807",
                                   "9223372036854775808",
                                   "-9223372036854775808",
                                   "0.1",
                                   "1.5",
                                   "99999999999999999999999999999999999999",
                                   "9007199254740993",
                                   "100000000000000000000000",
                                   "0.00000000000000000000000000001",
                                   "3.14159265358979",
                                   "12345678901234567890.123456789012345678",
                                   "-0.30000000000000004"};
    if (chance(60)) return kEdges[below(14)];
    std::string out = (chance(30) ? "-" : "") + std::to_string(1 + below(1'000'000));
    if (chance(50)) out += "." + std::to_string(below(1'000'000)) + "1";
    return out;
  }
  std::string bytes() {
    std::string out;
    for (size_t i = below(6); i > 0; --i) out += static_cast<char>(below(256));
    return base::encode_base64(out);
  }
  std::string lines() {
    std::string out = "{\"L\":[";
    for (size_t i = 0, count = below(5); i < count; ++i) {
      out += i ? ",{\"M\":{" : "{\"M\":{";
      out += "\"sku\":" + (chance(90) ? value("S", 0) : value("any", 0));
      if (chance(80)) out += ",\"qty\":" + (chance(90) ? value("int", 0) : value("any", 0));
      if (chance(30)) out += ",\"note\":" + value("any", 1);
      out += "}}";
    }
    return out + (chance(5) ? (out.back() == '[' ? "{\"S\":\"no map\"}]}" : ",{\"S\":\"no map\"}]}")
                            : "]}");
  }

  std::mt19937_64 random_;
};

class TargetConformance : public testing::TestWithParam<MakeDatabase> {
 protected:
  static constexpr const char* kMigration = "conformance";

  void SetUp() override {
    database_ = GetParam()();
    target_ = reopen();
    auto mapping = mapping::CompiledMapping::compile(conformance_mapping(), conformance_key(),
                                                     target_->capabilities().limits);
    ASSERT_TRUE(mapping.ok()) << mapping.error().message();
    mapping_ = *mapping;
    splitter_ = std::make_unique<mapping::Splitter>(mapping_);
    const char* given = std::getenv("OFFRAMP_TEST_SEED");
    seed_ = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    RecordProperty("seed", std::to_string(seed_));
  }
  void TearDown() override {
    if (HasFailure()) std::cerr << "to repeat: OFFRAMP_TEST_SEED=" << seed_ << std::endl;
  }

  std::unique_ptr<Target> reopen() {
    auto target = database_->open();
    if (!target.ok()) ADD_FAILURE() << target.error().message();
    return target.ok() ? std::move(*target) : nullptr;
  }
  static void expect_ok(const Status& status) {
    EXPECT_TRUE(status.ok()) << status.error().message();
  }
  void prepare() {
    Status status = target_->prepare(mapping_, kMigration, Target::Start::kFirst);
    ASSERT_TRUE(status.ok()) << status.error().message();
  }

  // Decodes and splits with a splitter of the caller's: fit for threads.
  static std::unique_ptr<LoadBatch> make_batch(mapping::Splitter& splitter, size_t tables,
                                               const std::string& partition,
                                               const std::vector<std::string>& items,
                                               uint64_t records_after) {
    auto batch = std::make_unique<LoadBatch>();
    batch->partition = partition;
    batch->after.records = records_after;
    batch->after.token = "token " + std::to_string(records_after);
    batch->rows.reset(tables);
    ddb::JsonDecoder decoder;
    for (const std::string& json : items) add_item(decoder, json, batch->items);
    std::string why;
    for (size_t i = 0; i < batch->items.size(); ++i) {
      auto outcome = splitter.split(batch->items.item(i), batch->rows, why);
      EXPECT_TRUE(outcome == mapping::Outcome::kRow || outcome == mapping::Outcome::kOverflow)
          << why;
    }
    return batch;
  }
  std::unique_ptr<LoadBatch> batch(const std::string& partition,
                                   const std::vector<std::string>& items, uint64_t records_after) {
    return make_batch(*splitter_, mapping_->tables().size(), partition, items, records_after);
  }
  static void add_item(ddb::JsonDecoder& decoder, const std::string& json, ddb::ItemBatch& out) {
    char* text = out.arena.allocate(json.size() + ddb::kJsonPadding);
    std::memcpy(text, json.data(), json.size());
    std::memset(text + json.size(), ' ', ddb::kJsonPadding);
    auto root = decoder.decode_item({text, json.size()}, {}, ddb::JsonForm::kTyped, out);
    ASSERT_TRUE(root.ok()) << root.error().message() << " in " << json;
    out.add_root(*root, out.size());
  }
  static std::string canonical(const std::string& json) {
    ddb::ItemBatch batch;
    ddb::JsonDecoder decoder;
    add_item(decoder, json, batch);
    return batch.size() == 1 ? ddb::canonical_item_json(batch.item(0)) : "undecodable " + json;
  }
  static std::multiset<std::string> canonical(const std::vector<std::string>& items) {
    std::multiset<std::string> out;
    for (const std::string& item : items) out.insert(canonical(item));
    return out;
  }

  // Loads through one loader in batches of 100 and flushes.
  void load(const std::vector<std::string>& items, const std::string& partition = "p0") {
    auto loader = target_->loader();
    ASSERT_TRUE(loader.ok()) << loader.error().message();
    for (size_t at = 0; at < items.size(); at += 100) {
      size_t end = std::min(items.size(), at + 100);
      expect_ok(
          (*loader)->append(batch(partition, {items.begin() + at, items.begin() + end}, end)));
    }
    expect_ok((*loader)->flush());
  }
  Target::FinishOutcome finish() {
    auto outcome = target_->finish_load(
        [&](const Duplicate& duplicate) -> Status {
          duplicates_.push_back(duplicate.item_json);
          return {};
        },
        [](const std::string&) {});
    EXPECT_TRUE(outcome.ok()) << outcome.error().message();
    return outcome.ok() ? *outcome : Target::FinishOutcome{};
  }
  std::multiset<std::string> read_all(int pieces = 3) {
    std::multiset<std::string> out;
    auto partitions = target_->read_partitions(pieces);
    EXPECT_TRUE(partitions.ok()) << partitions.error().message();
    if (!partitions.ok()) return out;
    for (const ReadPartition& partition : *partitions) {
      auto reader = target_->read(partition);
      EXPECT_TRUE(reader.ok()) << reader.error().message();
      if (!reader.ok()) return out;
      ddb::ItemBatch batch;
      for (;;) {
        auto more = (*reader)->next(batch);
        EXPECT_TRUE(more.ok()) << more.error().message();
        if (!more.ok() || !*more) break;
        EXPECT_GT(batch.size(), 0u);
        EXPECT_LE(batch.size(), 1024u);
        for (size_t i = 0; i < batch.size(); ++i)
          out.insert(ddb::canonical_item_json(batch.item(i)));
      }
      EXPECT_EQ(batch.size(), 0u);
    }
    return out;
  }
  static std::string key_of(const std::string& pk, const std::string& sk) {
    return "{\"PK\":{\"S\":\"" + pk + "\"},\"SK\":{\"S\":\"" + sk + "\"}}";
  }
  mapping::RowBatch key_rows(const std::vector<std::string>& keys) {
    mapping::RowBatch out;
    out.reset(mapping_->tables().size());
    for (const std::string& key : keys) {
      add_item(key_decoder_, key, key_items_);
      expect_ok(splitter_->key_rows(key_items_.item(key_items_.size() - 1), out));
    }
    return out;
  }
  void apply(const std::vector<std::string>& keys, const std::vector<std::string>& images) {
    auto rows = batch("", images, 0);
    expect_ok(target_->apply(key_rows(keys), rows->rows));
  }
  std::map<std::string, uint64_t> counts() {
    auto rows = target_->row_counts();
    EXPECT_TRUE(rows.ok()) << rows.error().message();
    return rows.ok() ? std::map<std::string, uint64_t>(rows->begin(), rows->end())
                     : std::map<std::string, uint64_t>();
  }
  std::vector<std::string> random_items(size_t count) {
    RandomItems random(seed_);
    std::vector<std::string> out;
    for (size_t n = 0; n < count; ++n) out.push_back(random.item(n));
    return out;
  }

  uint64_t seed_ = 0;
  std::unique_ptr<TestDatabase> database_;
  std::unique_ptr<Target> target_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_;
  std::unique_ptr<mapping::Splitter> splitter_;
  std::vector<std::string> duplicates_;
  ddb::JsonDecoder key_decoder_;
  ddb::ItemBatch key_items_;  // bytes of key rows
};

}  // namespace offramp::target
