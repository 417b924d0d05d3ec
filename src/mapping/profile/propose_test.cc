// Proposals: kinds by keys and type attributes, columns by values, names, bounds. Items are written
// as plain JSON.
#include "mapping/profile/propose.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ddb/wire_json.h"

namespace offramp::mapping::profile {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ProposeTest : public ::testing::Test {
 protected:
  void add(std::string json, ddb::JsonForm form = ddb::JsonForm::kPlain) {
    size_t size = json.size();
    json.append(ddb::kJsonPadding, ' ');
    ddb::ItemBatch batch;
    auto root = decoder_.decode_item({json.data(), size}, "", form, batch);
    ASSERT_TRUE(root.ok()) << root.error().message() << json;
    batch.add_root(*root, 0);
    profiler_.add(batch.item(0));
  }
  Proposal propose_it() {
    profile_ = profiler_.finish();
    auto proposal = propose(profile_, table_, options_);
    if (!proposal.ok()) {
      ADD_FAILURE() << proposal.error().message();
      return {};
    }
    // A proposal that does not compile is none.
    auto compiled = CompiledMapping::compile(proposal->tables, *table_.key, options_.limits);
    EXPECT_TRUE(compiled.ok()) << (compiled.ok() ? "" : compiled.error().message());
    return *std::move(proposal);
  }
  static const model::TableMapping* find(const Proposal& proposal, std::string_view name) {
    for (const auto& table : proposal.tables)
      if (table.into == name) return &table;
    ADD_FAILURE() << "no table " << name;
    return nullptr;
  }
  static const model::ColumnSpec* column(const model::TableMapping& table, std::string_view name) {
    for (const auto& column : table.columns)
      if (column.name == name) return &column;
    return nullptr;
  }
  static std::string names(const Proposal& proposal) {
    std::string out;
    for (const auto& table : proposal.tables) (out += out.empty() ? "" : " ") += table.into;
    return out;
  }
  void pk_sk() {
    table_.name = "AppTable";
    table_.key = model::KeySchema{{"PK", ddb::Type::kS}, model::KeyAttribute{"SK", ddb::Type::kS}};
  }

  ddb::JsonDecoder decoder_;
  Profiler profiler_;
  Profile profile_;
  model::TableSpec table_{
      "things", model::KeySchema{{"id", ddb::Type::kS}, std::nullopt}, {}, {}, {}};
  ProposeOptions options_;
};

TEST_F(ProposeTest, AnEmptyNameGetsNoColumn) {
  for (int i = 0; i < 20; ++i)
    add(fmt::format(R"({{"id":"p{}","":"a","m":{{"":1,"n":2}},"kids":[{{"":1}},{{"":2}}]}})", i));
  Proposal proposal = propose_it();
  ASSERT_FALSE(proposal.tables.empty());
  for (const model::ColumnSpec& column : proposal.tables[0].columns)
    for (const std::string& name : column.from) EXPECT_NE(name, "") << column.name;
  EXPECT_NE(column(proposal.tables[0], "kids"), nullptr)
      << "a list without named members is one value";
}

TEST_F(ProposeTest, ColumnsGoOutOfTheWayOfTheTargetsOwn) {
  options_.limits.column_names_reserved = {"ctid", "xmin"};
  for (int i = 0; i < 20; ++i)
    add(fmt::format(R"({{"id":"p{}","xmin":"a","kids":[{{"ctid":1}},{{"ctid":2}}]}})", i));
  Proposal proposal = propose_it();
  ASSERT_FALSE(proposal.tables.empty());
  EXPECT_EQ(column(proposal.tables[0], "xmin"), nullptr);
  EXPECT_NE(column(proposal.tables[0], "xmin_"), nullptr);
}

TEST_F(ProposeTest, KeysOfThreeEntitiesBecomeThreeTablesAndARest) {
  pk_sk();
  for (int i = 0; i < 100; ++i) {
    add(fmt::format(R"({{"PK":"CUSTOMER#c{0}","SK":"PROFILE","name":"n{0}"}})", i));
    add(fmt::format(R"({{"PK":"CUSTOMER#c{0}","SK":"ORDER#o{0}","total":{0}.5}})", i));
    add(fmt::format(R"({{"PK":"CUSTOMER#c{0}","SK":"ORDER#o{0}#ITEM#{1}","qty":{0}}})", i, i % 7));
  }
  add(R"({"PK":"odd","SK":"thing"})");
  Proposal proposal = propose_it();
  EXPECT_EQ(names(proposal), "order_items customer_profiles orders other_items")
      << "the more literal text, the earlier";
  EXPECT_EQ(find(proposal, "orders")->key[0].pattern, "CUSTOMER#{customer_id}");
  EXPECT_EQ(find(proposal, "orders")->key[1].pattern, "ORDER#{order_id}");
  EXPECT_EQ(find(proposal, "customer_profiles")->key[1].pattern, "PROFILE");
  EXPECT_EQ(proposal.tables[0].key[1].pattern, "ORDER#{order_id}#ITEM#{item_id}");
  EXPECT_EQ(column(*find(proposal, "orders"), "total")->type, model::ColumnType::kNumeric);
  ASSERT_EQ(proposal.fidelity.tables.size(), 4u);
  EXPECT_EQ(proposal.fidelity.tables[3].items, 1u);
}

TEST_F(ProposeTest, ATypeAttributeTellsKindsApartWhereKeysDoNot) {
  pk_sk();
  for (int i = 0; i < 30; ++i) {
    add(fmt::format(R"({{"PK":"{0}","SK":"x{0}","entityType":"Order","total":{0}}})", i));
    add(fmt::format(R"({{"PK":"{0}","SK":"y{0}","entityType":"Customer","name":"n"}})", i));
  }
  Proposal proposal = propose_it();
  EXPECT_EQ(find(proposal, "orders")->match, "entityType = 'Order'");
  EXPECT_EQ(find(proposal, "customers")->match, "entityType = 'Customer'");
  EXPECT_EQ(proposal.tables.back().match, std::nullopt);
}

TEST_F(ProposeTest, IdsWithSeparatorsAreNoLabels) {
  pk_sk();
  for (int i = 0; i < 200; ++i)
    add(fmt::format(R"({{"PK":"u{0}:x","SK":"2024-01-{1:02}T01:02:03Z"}})", i, i % 28 + 1));
  EXPECT_EQ(names(propose_it()), "app_table");
}

TEST_F(ProposeTest, ALabelThatAnAttributeRepeatsIsData) {
  pk_sk();
  for (int i = 0; i < 60; ++i)
    add(fmt::format(R"({{"PK":"p{0}","SK":"{1}#{0}","dest":"{1}","fare":{0}}})", i,
                    i % 3 == 0   ? "JFK"
                    : i % 3 == 1 ? "SFO"
                                 : "DEN"));
  EXPECT_EQ(names(propose_it()), "app_table");
}

TEST_F(ProposeTest, ATellingKeyNameIsKeptWhole) {
  table_.key = model::KeySchema{{"userId", ddb::Type::kS}, std::nullopt};
  for (int i = 0; i < 60; ++i) add(fmt::format(R"({{"userId":"user:{}","a":1}})", i));
  Proposal proposal = propose_it();
  ASSERT_EQ(proposal.tables.size(), 1u);
  EXPECT_EQ(proposal.tables[0].key[0].pattern, "{user_id}");
}

TEST_F(ProposeTest, TypesComeFromValuesThatConvertExactly) {
  for (int i = 0; i < 100; ++i)
    add(fmt::format(
        R"({{"id":"{0}","n":{0},"big":12345678901234567890{0},"t":"2024-05-01T10:00:00.{1:03}Z",)"
        R"("tz":"2024-05-01T10:00:00+00:00","plain":"2024-05-01 10:00:00","d":"2024-02-{2:02}",)"
        R"("b":true,"u":"00000000-0000-4000-8000-0000000000{2:02}","j":[1,"a"],"createdAt":17000000{2:02},)"
        R"("mixed":{3},"upper":"00000000-0000-4000-8000-0000000000AA"}})",
        i, i, i % 28 + 1, i % 2 ? "1" : "\"s\""));
  Proposal proposal = propose_it();
  const model::TableMapping& table = proposal.tables[0];
  using enum model::ColumnType;
  const std::pair<const char*, model::ColumnType> expected[] = {
      {"n", kBigint},          {"big", kNumeric}, {"t", kTimestamptz},
      {"tz", kTimestamptz},    {"plain", kText},  {"d", kDate},
      {"b", kBoolean},         {"u", kUuid},      {"j", kJsonb},
      {"created_at", kBigint}, {"upper", kText}};
  for (const auto& [name, type] : expected) {
    ASSERT_TRUE(column(table, name)) << name;
    EXPECT_EQ(column(table, name)->type, type) << name;
  }
  EXPECT_EQ(column(table, "t")->time_format, model::TimeFormat::kIsoMs);
  EXPECT_EQ(column(table, "tz")->time_format, model::TimeFormat::kIsoOffset);
  EXPECT_FALSE(column(table, "mixed")) << "half S, half N: only extra holds both";
  EXPECT_THAT(proposal.comments.tables[0].columns["created_at"], HasSubstr("epoch-s"));
  EXPECT_THAT(proposal.comments.tables[0].columns["plain"], HasSubstr("without a zone"));
  EXPECT_THAT(fidelity_text(proposal.fidelity), HasSubstr("mixed types: 50 % S, 50 % N"));
}

TEST_F(ProposeTest, TargetsWithoutTheTypeGetText) {
  options_.temporal_types = false;
  options_.uuid_type = false;
  for (int i = 0; i < 30; ++i)
    add(fmt::format(R"({{"id":"00000000-0000-4000-8000-0000000000{:02}","d":"2024-02-01"}})", i));
  Proposal proposal = propose_it();
  EXPECT_EQ(column(proposal.tables[0], "d")->type, model::ColumnType::kText);
  EXPECT_FALSE(column(proposal.tables[0], "id"));
}

TEST_F(ProposeTest, RareAttributesAndOftenNull) {
  for (int i = 0; i < 300; ++i)
    add(fmt::format(R"({{"id":"{}","phone":{}{}}})", i, i % 3 ? "null" : "\"1\"",
                    i < 2 ? R"(,"rare":1)" : ""));
  Proposal proposal = propose_it();
  EXPECT_FALSE(column(proposal.tables[0], "rare"));
  EXPECT_EQ(column(proposal.tables[0], "phone")->null_means, model::NullMeans::kNullValue);
  EXPECT_THAT(fidelity_text(proposal.fidelity), HasSubstr("in few items (0.7 %)"));
}

TEST_F(ProposeTest, StableMapsAreFlattenedAndListsOfMapsBecomeChildren) {
  for (int i = 0; i < 20; ++i)
    add(fmt::format(R"({{"id":"{0}","address":{{"city":"c","geo":{{"lat":1}}}},"bag":{{"k{0}":1}},)"
                    R"("lines":[{{"id":"s","qty":{0}}},{{"id":"t","qty":2}}]}})",
                    i));
  Proposal proposal = propose_it();
  const model::TableMapping& table = proposal.tables[0];
  EXPECT_EQ(column(table, "address_city")->from, (std::vector<std::string>{"address", "city"}));
  EXPECT_TRUE(column(table, "address_geo_lat"));
  EXPECT_EQ(column(table, "bag")->type, model::ColumnType::kJsonb) << "a map of data keys";
  ASSERT_EQ(table.children.size(), 1u);
  EXPECT_EQ(table.children[0].name, "thing_lines");
  EXPECT_EQ(table.children[0].columns[0].name, "line_id") << "id is the parent's key";
}

TEST_F(ProposeTest, NamesFitTheTarget) {
  options_.limits.identifier_bytes_max = 20;
  add(R"({"id":"1","order":1,"Order":2,"extra":3,"a-b":4,"1st":5,"***":6,"ID":7,)"
      R"("aVeryLongAttributeNameIndeed":8,"aVeryLongAttributeNameToo":9})");
  Proposal proposal = propose_it();
  std::set<std::string> seen{"id", "extra"};
  for (const auto& c : proposal.tables[0].columns) {
    EXPECT_LE(c.name.size(), 20u) << c.name;
    EXPECT_TRUE(seen.insert(c.name).second) << c.name;
  }
  EXPECT_EQ(proposal.tables[0].columns.size(), 9u);
  EXPECT_TRUE(column(proposal.tables[0], "order_"));
  EXPECT_TRUE(column(proposal.tables[0], "a_b"));
  EXPECT_TRUE(column(proposal.tables[0], "c_1st"));
  EXPECT_GE(proposal.fidelity.name_fixes.size(), 5u);
}

TEST_F(ProposeTest, C10_ManyAttributesAreBoundedByTheTargetsColumns) {
  options_.limits.columns_max = 60;
  for (int i = 0; i < 50; ++i) {
    std::string item = fmt::format(R"({{"id":"{}","often":1)", i);
    for (int a = 0; a < 150; ++a)
      if ((a + i) % 2) item += fmt::format(R"(,"a{}":1)", a);
    for (int m = 0; m < 200; ++m) item += fmt::format(R"(,"only{}_{}":1)", i, m);
    add(item + "}");
  }
  Proposal proposal = propose_it();
  EXPECT_LE(proposal.tables[0].columns.size(), 60u - 17u);
  EXPECT_TRUE(column(proposal.tables[0], "often"));
  EXPECT_THAT(fidelity_text(proposal.fidelity), HasSubstr("too many different paths"));
}

TEST_F(ProposeTest, IndexesFollowTheSecondaryIndexes) {
  table_.indexes = {{"byMail", {{"mail"}}, {{"joinedAt"}}},
                    {"gone", {{"nowhere"}}, {}},
                    {"same", {{"mail"}}, {{"joinedAt"}}},
                    {"own", {{"id"}}, {}}};
  for (int i = 0; i < 5; ++i) add(fmt::format(R"({{"id":"{}","mail":"m","joinedAt":1}})", i));
  Proposal proposal = propose_it();
  ASSERT_EQ(proposal.tables[0].indexes.size(), 1u);
  EXPECT_EQ(proposal.tables[0].indexes[0].columns, (std::vector<std::string>{"mail", "joined_at"}));
}

TEST_F(ProposeTest, NumericAndBinaryKeysStayWhole) {
  table_.key = model::KeySchema{{"n", ddb::Type::kN}, model::KeyAttribute{"b", ddb::Type::kB}};
  for (int i = 0; i < 9; ++i)
    add(fmt::format(R"({{"n":{{"N":"{}"}},"b":{{"B":"YWI="}},"v":{{"SS":["a"]}}}})", i),
        ddb::JsonForm::kTyped);
  Proposal proposal = propose_it();
  ASSERT_EQ(proposal.tables.size(), 1u);
  EXPECT_EQ(column(proposal.tables[0], "v")->type, model::ColumnType::kTextArray);
}

TEST_F(ProposeTest, EmptySampleAndWrongKeys) {
  EXPECT_EQ(names(propose_it()), "other_items");
  add(R"({"a":"1"})");
  Profile wrong = profiler_.finish();
  auto refused = propose(wrong, table_, options_);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind(), ErrorKind::kConfig);
  table_.key = std::nullopt;
  EXPECT_FALSE(propose(wrong, table_, options_).ok());
}

TEST_F(ProposeTest, C12_ReportsHoldNoItemContent) {
  for (int i = 0; i < 5; ++i)
    add(fmt::format(R"({{"id":"{}","card":"4111-secret","m":{{"x":"4111-secret"}}}})", i));
  Proposal proposal = propose_it();
  EXPECT_THAT(fidelity_text(proposal.fidelity), Not(HasSubstr("4111")));
  EXPECT_THAT(fidelity_json(proposal.fidelity), Not(HasSubstr("4111")));
  EXPECT_THAT(fidelity_json(proposal.fidelity), HasSubstr(R"("attribute":"m.x","column":"m_x")"));
}

TEST(Profiler, C10_TheSampleIsBoundedAndEven) {
  Profiler profiler(100000);
  std::string text(100, 'x');
  for (int i = 0; i < 20000; ++i) {
    std::vector<ddb::Node> nodes;
    ddb::ItemBuilder builder(nodes);
    std::string id = std::to_string(i);
    uint32_t root = builder.open(ddb::Type::kM);
    builder.scalar(ddb::Type::kN, id, "id");
    builder.scalar(ddb::Type::kS, text, "t");
    builder.close(root, 2);
    profiler.add(ddb::ItemView(nodes.data()));
  }
  Profile profile = profiler.finish();
  EXPECT_EQ(profile.items_seen, 20000u);
  EXPECT_LT(profile.sample.size(), 600u);
  EXPECT_GT(profile.sample.size(), 150u);
  for (size_t i = 0; i < profile.sample.size(); ++i)
    EXPECT_EQ(profile.sample.item(i).find("id").bytes(), std::to_string(i * profile.stride));
}

TEST(GuessKey, NamesAndUniquenessDecide) {
  auto guess = [](std::initializer_list<std::string> items) {
    Profiler profiler;
    ddb::JsonDecoder decoder;
    for (std::string json : items) {
      size_t size = json.size();
      json.append(ddb::kJsonPadding, ' ');
      ddb::ItemBatch batch;
      auto root = decoder.decode_item({json.data(), size}, "", ddb::JsonForm::kPlain, batch);
      EXPECT_TRUE(root.ok());
      batch.add_root(*root, 0);
      profiler.add(batch.item(0));
    }
    Profile profile = profiler.finish();
    return guess_key(profile);
  };
  auto id = guess({R"({"name":"a","id":1})", R"({"name":"b","id":2})"});
  ASSERT_TRUE(id);
  EXPECT_EQ(id->partition, (model::KeyAttribute{"id", ddb::Type::kN}));
  EXPECT_FALSE(id->sort);
  auto pair = guess({R"({"u":"a","at":1})", R"({"u":"a","at":2})", R"({"u":"b","at":1})"});
  ASSERT_TRUE(pair && pair->sort);
  EXPECT_FALSE(guess({R"({"a":true})"}));
  EXPECT_FALSE(guess({R"({"a":"1"})", R"({"a":"1"})"}));
}

}  // namespace
}  // namespace offramp::mapping::profile
