// What capabilities() says of rows, indexes and names, held against a real server: every row that
// the limits let pass is one that the server takes.
#include <random>

#include "target/postgres/postgres_target.h"
#include "target/postgres/target_world_test.h"

namespace offramp::target::postgres {
namespace {

using model::ColumnType;

class RowLimitsTest : public testing::Test {
 protected:
  void SetUp() override { url_ = PostgresServer::instance().new_database(); }

  void compile(std::vector<model::ColumnSpec> columns, std::vector<model::IndexSpec> indexes = {}) {
    model::TableMapping table;
    table.into = "t";
    table.columns = std::move(columns);
    table.indexes = std::move(indexes);
    model::KeySchema key{.partition = {"pk", ddb::Type::kS}, .sort = {}};
    auto mapping = mapping::CompiledMapping::compile({table}, key, entry().capabilities().limits);
    ASSERT_OK(mapping);
    mapping_ = *mapping;
  }
  // Loads, builds indexes, reads back; the number of items in the overflow table.
  uint64_t load(const Items& items) {
    std::unique_ptr<Target> target = open_target(url_);
    Status status = target->prepare(mapping_, "m1", Target::Start::kFirst);
    EXPECT_TRUE(status.ok()) << status.error().message();
    auto loader = target->loader();
    EXPECT_TRUE(loader.ok());
    status = (*loader)->append(make_batch(mapping_, items, "p1", items.size()));
    EXPECT_TRUE(status.ok()) << status.error().message();
    status = (*loader)->flush();
    EXPECT_TRUE(status.ok()) << status.error().message();
    auto finished =
        target->finish_load([](const Duplicate&) { return Status(); }, [](const std::string&) {});
    EXPECT_TRUE(finished.ok()) << finished.error().message();
    EXPECT_EQ(read_all(*target), canonical(items));
    return target->row_counts()->at(mapping_->overflow_table()).second;
  }
  // Letters that do not compress.
  std::string letters(size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i)
      out += "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[random_() % 64];
    return out;
  }
  std::string digits(size_t count) {
    std::string out(1, static_cast<char>('1' + random_() % 9));
    for (size_t i = 1; i < count; ++i) out += static_cast<char>('0' + random_() % 10);
    while (out.back() == '0') out.back() = '7';
    return out;
  }

  std::string url_;
  std::shared_ptr<const mapping::CompiledMapping> mapping_;
  std::mt19937_64 random_{20240521};
};

// A table of one type of column, and one of all of them in turn.
TEST_F(RowLimitsTest, C8_RowsOfManyShortValuesAreTakenOrOverflow) {
  constexpr size_t kColumns = 1590;
  const std::vector<ColumnType> kTypes = {ColumnType::kText,      ColumnType::kNumeric,
                                          ColumnType::kBigint,    ColumnType::kBoolean,
                                          ColumnType::kAttribute, ColumnType::kTextArray};
  auto value = [&](ColumnType type, size_t length) -> std::string {
    switch (type) {
      case ColumnType::kNumeric:
        return R"({"N":")" + digits(length % 38 + 1) + R"("})";
      case ColumnType::kBigint:
        return R"({"N":")" + digits(length % 18 + 1) + R"("})";
      case ColumnType::kBoolean:
        return R"({"BOOL":true})";
      case ColumnType::kTextArray:
        return R"({"SS":[")" + letters(length + 1) + R"("]})";
      default:
        return R"({"S":")" + letters(length) + R"("})";
    }
  };
  for (size_t kind = 0; kind <= kTypes.size(); ++kind) {
    auto type_of = [&](size_t i) {
      return kTypes[kind < kTypes.size() ? kind : i % kTypes.size()];
    };
    url_ = PostgresServer::instance().new_database();
    std::vector<model::ColumnSpec> columns;
    for (size_t i = 0; i < kColumns; ++i) {
      std::string name = "a" + std::to_string(i);
      columns.push_back({.name = name, .from = {name}, .type = type_of(i)});
    }
    compile(std::move(columns));
    Items items;
    for (size_t length : {1, 20, 21, 24, 130})
      for (size_t count = 270; count <= 1590; count += 40) {
        std::string json = R"({"pk":{"S":"k)" + std::to_string(items.size()) + R"("})";
        for (size_t i = 0; i < count; ++i)
          json += R"(,"a)" + std::to_string(i) + R"(":)" + value(type_of(i), length);
        items.push_back(json + "}");
      }
    SCOPED_TRACE("column type " + std::to_string(kind));
    uint64_t overflow = load(items);
    EXPECT_LT(overflow, items.size());
    if (type_of(0) != ColumnType::kBoolean || kind == kTypes.size()) {
      EXPECT_GT(overflow, 0u);
    }
  }
}

TEST_F(RowLimitsTest, C8_ValuesThatAnIndexCannotHoldOverflow) {
  compile({{.name = "g1", .from = {"g1"}, .type = ColumnType::kText},
           {.name = "g2", .from = {"g2"}, .type = ColumnType::kText}},
          {{.name = "by_g", .columns = {"g1", "g2"}}});
  Items items;
  for (size_t length : {0, 1, 1200, 1299, 1300, 1301, 1340, 1360, 2000})
    items.push_back(R"({"pk":{"S":"k)" + std::to_string(length) + R"("},"g1":{"S":")" +
                    letters(length) + R"("},"g2":{"S":")" + letters(length) + R"("}})");
  EXPECT_EQ(load(items), 4u);
}

TEST_F(RowLimitsTest, ReservedColumnNamesAreTheServers) {
  auto connection = Connection::open(url_);
  ASSERT_OK(connection);
  auto names = connection->query(
      "SELECT attname FROM pg_attribute WHERE attrelid = 'pg_class'::regclass AND attnum < 0 "
      "ORDER BY attname COLLATE \"C\"",
      {}, "ask");
  ASSERT_OK(names);
  std::vector<std::string> server;
  for (int i = 0; i < names->rows(); ++i) server.emplace_back(names->text(i, 0));
  EXPECT_EQ(entry().capabilities().limits.column_names_reserved, server);
}

}  // namespace
}  // namespace offramp::target::postgres
