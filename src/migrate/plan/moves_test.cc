// Plans with several moves: read, written back, refused by line and column; how commands name them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "migrate/plan/plan.h"
#include "migrate/plan/plan_name.h"

namespace offramp::migrate::plan {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kMoves = R"YAML(version: 1
target: postgresql://app@db.internal/app
limits: {read_units_per_second: 500, window: "22:00-06:00"}
moves:
  - source:
      table: Orders
      key: {PK: S, SK: S}
      load: {from: scan}
      capture: streams
    tables:
      - match: "kind = 'order'"
        into: orders
        columns: {total: {from: total, type: numeric}, note: {from: [a.b, "x\ny: -"], type: text}}
        children:
          order_lines: {from: lines, ordinal: line_no, columns: {sku: {from: sku, type: text}}}
      - into: order_rest
  - source: {table: Customers.v2, key: {id: N}, load: {from: export, path: exports/c}}
    tables:
      - into: customers
)YAML";

std::string with(std::string_view from, std::string_view to) {
  std::string text(kMoves);
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string messages(const std::string& yaml) {
  auto file = parse_plan_file(yaml, "plan.yaml");
  if (file.ok()) return "no mistake";
  EXPECT_EQ(file.error().kind(), ErrorKind::kConfig);
  return file.error().message();
}

TEST(Moves, EachMoveIsAPlanOfItsOwn) {
  auto file = parse_plan_file(kMoves, "dir/plan.yaml");
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_TRUE(file->several);
  ASSERT_EQ(file->moves.size(), 2u);
  const Plan& orders = file->moves[0];
  EXPECT_EQ(orders.name(), "dir/plan.yaml::Orders");
  EXPECT_EQ(orders.target, "postgresql://app@db.internal/app");
  EXPECT_EQ(orders.source.limits.read_units_per_second, 500) << "the shared limits are each move's";
  EXPECT_EQ(orders.source.capture, "streams");
  ASSERT_EQ(orders.tables.size(), 2u);
  EXPECT_EQ(orders.tables[0].at.line, 11);
  EXPECT_EQ(file->moves[1].source.limits.window, "22:00-06:00");
  EXPECT_EQ(resolve_path(file->moves[1], "exports/c"), "dir/exports/c");
}

TEST(Moves, WrittenMovesReadBackTheSame) {
  const std::string shared = "limits: {read_units_per_second: 500, window: \"22:00-06:00\"}\n";
  std::string own = with(shared, "");
  own.replace(own.find("      capture:"), 0, "      limits: {items_per_hour: 7}\n");
  for (const std::string& text : {std::string(kMoves), with(shared, ""), own}) {
    auto first = parse_plan_file(text, "plan.yaml");
    ASSERT_TRUE(first.ok()) << first.error().message() << text;
    std::string written = write_plan_file(*first);
    auto second = parse_plan_file(written, "plan.yaml");
    ASSERT_TRUE(second.ok()) << second.error().message() << written;
    EXPECT_EQ(write_plan_file(*second), written);
    EXPECT_EQ(second->limits, first->limits);
    ASSERT_EQ(second->moves.size(), first->moves.size());
    for (size_t i = 0; i < first->moves.size(); ++i) {
      const Plan &a = first->moves[i], &b = second->moves[i];
      EXPECT_EQ(a.name(), b.name());
      EXPECT_EQ(a.source.limits, b.source.limits);
      EXPECT_EQ(a.source.load, b.source.load);
      EXPECT_EQ(a.source.key, b.source.key);
      EXPECT_EQ(write_plan(a), write_plan(b));
    }
  }
}

TEST(Moves, AFileWithOneSourceStaysWhatItWas) {
  constexpr std::string_view kSingle =
      "version: 1\nsource: {table: One, key: {id: S}, load: {from: scan}}\n"
      "target: sqlite:one.sqlite\ntables: [{into: one}]\n";
  auto file = parse_plan_file(kSingle, "plan.yaml");
  auto plan = parse_plan(kSingle, "plan.yaml");
  ASSERT_TRUE(file.ok() && plan.ok());
  EXPECT_FALSE(file->several);
  EXPECT_EQ(plan->name(), "plan.yaml");
  EXPECT_EQ(write_plan_file(*file), write_plan(*plan));
}

TEST(Moves, MistakesAreNamedWithTheirPlace) {
  EXPECT_THAT(messages(std::string(kMoves) + "tables: [{into: x}]\n"),
              HasSubstr("plan.yaml:20:9: `tables` does not go with `moves`"));
  EXPECT_THAT(messages(std::string(kMoves) + "source: {}\n"),
              HasSubstr("plan.yaml:20:9: `source` does not go with `moves`"));
  EXPECT_THAT(
      messages(with("      capture: streams\n",
                    "      capture: streams\n      limits: {items_per_hour: 7}\n")),
      HasSubstr("plan.yaml:10:15: the plan's own `limits` (line 3) hold for all moves together"));
  EXPECT_THAT(messages(with("Customers.v2", "Orders")),
              HasSubstr("plan.yaml:17:21: table 'Orders' is already moved by the entry at line 6"));
  EXPECT_THAT(messages(with("Customers.v2", "orders")), HasSubstr("differ only in case"));
  EXPECT_THAT(messages(with("into: customers", "into: Orders")),
              HasSubstr("plan.yaml:19:9: table 'Orders' is already made by the move at line 11"));
  EXPECT_THAT(
      messages(with("into: customers", "into: order_lines")),
      HasSubstr("plan.yaml:19:9: table 'order_lines' is already made by the move at line 15"));
  EXPECT_THAT(messages(with("into: customers", "into: offramp_overflow_Orders")),
              HasSubstr("kept for the overflow tables"));
  EXPECT_THAT(messages(with("table: Customers.v2, ", "")),
              HasSubstr("plan.yaml:17:13: a move's source needs `table`"));
  EXPECT_THAT(messages(with("table: Customers.v2", "table: \"Cust::omers\"")),
              HasSubstr("holds '::'"));
  EXPECT_THAT(messages(with("limits: {read_units", "limits: {reed_units")),
              HasSubstr("unknown key 'reed_units_per_second' in limits"));
  EXPECT_THAT(messages("version: 1\ntarget: sqlite:x\nmoves: []\n"),
              HasSubstr("plan.yaml:3:8: moves must be a list with at least one move"));
  EXPECT_THAT(
      messages("version: 1\ntarget: sqlite:x\nmoves: [{}, 7]\n"),
      AllOf(HasSubstr("3:9: a move needs `source`"), HasSubstr("3:9: a move needs `tables`"),
            HasSubstr("3:13: a move must be a map, not '7'")));
  EXPECT_THAT(messages("version: 1\nsource: {table: One, key: {id: S}, load: {from: "
                       "scan}}\nlimits: {items_per_hour: 1}\n"
                       "target: sqlite:x\ntables: [{into: one}]\n"),
              HasSubstr("plan.yaml:3:9: `limits` here are what several `moves` share"));
}

TEST(Moves, AreAtMostAHundred) {
  auto moves = [](int count) {
    std::string text = "version: 1\ntarget: sqlite:x\nmoves:\n";
    for (int i = 0; i < count; ++i)
      text += fmt::format(
          "  - {{source: {{table: Table{0}, key: {{id: S}}, load: {{from: scan}}}}, tables: "
          "[{{into: t{0}}}]}}\n",
          i);
    return text;
  };
  EXPECT_EQ(messages(moves(100)), "no mistake");
  EXPECT_THAT(messages(moves(101)), HasSubstr("101 moves; a plan has at most 100"));
}

class NamedPlans : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / fmt::format("offramp-moves-{}", ::getpid());
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/plan.yaml";
    write(path_, kMoves);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  static void write(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  std::string folder_, path_;
};

TEST_F(NamedPlans, AMoveIsNamedByItsTable) {
  auto plan = read_plan(path_ + "::Customers.v2");
  ASSERT_TRUE(plan.ok()) << plan.error().message();
  EXPECT_EQ(plan->source.table, "Customers.v2");
  EXPECT_EQ(plan->path, path_);
  EXPECT_THAT(*plan_names(path_), ElementsAre(path_ + "::Orders", path_ + "::Customers.v2"));
  EXPECT_THAT(*plan_names(path_ + "::Orders"), ElementsAre(path_ + "::Orders"));
}

TEST_F(NamedPlans, WhatNamesNoOnePlanIsToldTheNames) {
  auto all = read_plan(path_);
  ASSERT_FALSE(all.ok());
  EXPECT_EQ(all.error().code(), "plan.moves");
  EXPECT_THAT(all.error().message(),
              HasSubstr("name one of them: " + path_ + "::Orders, " + path_ + "::Customers.v2"));
  auto none = read_plan(path_ + "::Orderz");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message(), HasSubstr("did you mean 'Orders'"));
  write(path_,
        "version: 1\nsource: {table: One, key: {id: S}, load: {from: scan}}\ntarget: "
        "sqlite:x\ntables: [{into: one}]\n");
  EXPECT_THAT(*plan_names(path_), ElementsAre(path_));
  auto single = read_plan(path_ + "::One");
  ASSERT_FALSE(single.ok());
  EXPECT_EQ(single.error().code(), "plan.single");
}

TEST_F(NamedPlans, AFileOfTheWholeNameWins) {
  std::string odd = folder_ + "/a::b";
  write(odd, kMoves);
  EXPECT_EQ(PlanName::parse(odd).path, odd);
  EXPECT_EQ(PlanName::parse(odd + "::Orders").path, odd);
  EXPECT_EQ(PlanName::parse(odd + "::Orders").table, "Orders");
  EXPECT_EQ(PlanName::parse("no/such::Orders").path, "no/such");
  EXPECT_EQ(PlanName::parse("plan.yaml::").path, "plan.yaml::");
}

TEST(PlanName, FoldersOfMovesAreTellable) {
  EXPECT_EQ(PlanName::parse("p.yaml").folder(), "p.yaml.offramp");
  EXPECT_EQ(PlanName::parse("p.yaml::App_Table-1.x").folder(), "p.yaml.offramp/App_Table-1.x");
  EXPECT_EQ((PlanName{"p", ".."}.folder()), "p.offramp/%2E.");
  EXPECT_EQ((PlanName{"p", "arn:aws:dynamodb:eu-west-1:1:table/T"}.folder()),
            "p.offramp/arn%3Aaws%3Adynamodb%3Aeu-west-1%3A1%3Atable%2FT");
  std::string a = PlanName{"p", std::string(1000, 'x') + "a"}.folder(),
              b = PlanName{"p", std::string(1000, 'x') + "b"}.folder();
  EXPECT_NE(a, b);
  EXPECT_LT(a.size(), 255u);
}

}  // namespace
}  // namespace offramp::migrate::plan
