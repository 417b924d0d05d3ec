// A run: resumable, once only, and one table per key.
#include "migrate/run/run.h"

#include "migrate/migration_fixture_test.h"
#include "migrate/run/cross_table.h"

namespace offramp::migrate {
namespace {

constexpr char kTwoTables[] = R"YAML(
tables:
  - match: "begins_with(kind, 'a')"
    into: aaa
    columns: {name: {from: name, type: text}}
  - into: bbb
    columns: {name: {from: name, type: text}}
    children:
      parts: {from: parts, ordinal: n, columns: {p: {from: p, type: text}}}
)YAML";

class RunTest : public MigrationTest {
 protected:
  Result<RunOutcome> run_it(Until until = Until::kVerified, std::stop_token stop = {}) {
    auto migration = open(Purpose::kRun);
    RunOptions options;
    options.until = until;
    options.stop = stop;
    return run(*migration, progress_, options);
  }
  std::vector<Letter> letters() {
    return open(Purpose::kLook)->journal->letters(Journal::Bodies::kWith).value();
  }
  static std::string kind(const std::string& kind) { return R"("kind":{"S":")" + kind + "\"}"; }
};

TEST_F(RunTest, LoadsOnceAndVerifies) {
  write_dump({thing("a", 1, "x"), thing("a", 2, "y")});
  write_plan();
  auto outcome = run_it();
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->load.counts.stored, 2u);
  ASSERT_TRUE(outcome->verified);
  EXPECT_TRUE(outcome->verified->equal);
  auto again = run_it();
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->already_loaded);
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 2);
}

TEST_F(RunTest, AStopBeforeTheStartSaysHowToGoOn) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  std::stop_source stop;
  stop.request_stop();
  auto outcome = run_it(Until::kVerified, stop.get_token());
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kCancelled);
  EXPECT_NE(outcome.error().message().find("offramp run " + plan_path_), std::string::npos);
  EXPECT_TRUE(run_it().ok());
}

TEST_F(RunTest, C6_AnotherSourceIsRefused) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  ASSERT_TRUE(run_it(Until::kLoaded).ok());
  write_dump({thing("a", 1, "x"), thing("a", 2, "y")});
  auto outcome = run_it();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().code(), "source.changed");
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kGap);
}

TEST_F(RunTest, C6_ATargetThatWasEmptiedIsRefused) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  ASSERT_TRUE(run_it(Until::kLoaded).ok());
  std::filesystem::remove(folder_ + "/target.sqlite");
  auto outcome = run_it();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.error().kind(), ErrorKind::kGap);
}

TEST_F(RunTest, APlanChangedAfterTheStartIsRefused) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  ASSERT_TRUE(run_it(Until::kLoaded).ok());
  write_plan("\ntables:\n  - into: others\n");
  auto migration = open_migration(plan_path_, Purpose::kRun);
  ASSERT_FALSE(migration.ok());
  EXPECT_EQ(migration.error().code(), "plan.changed");
  EXPECT_EQ(migration.error().kind(), ErrorKind::kConfig);
}

TEST_F(RunTest, C7_CopiesOfAKeyInOneTableBecomeOneAndLetters) {
  write_dump({thing("a", 1, "old"), thing("a", 1, "old"), thing("a", 1, "new"),
              thing("b", 1, "same"), thing("b", 1, "same")});
  write_plan();
  auto outcome = run_it();
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(target_int("SELECT count(*) FROM things"), 2);
  EXPECT_EQ(target_int("SELECT count(*) FROM things WHERE name = 'new'"), 1);
  auto all = letters();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].code, "item.duplicate_key");
  EXPECT_NE(all[0].body.find("old"), std::string::npos);
  EXPECT_TRUE(outcome->verified->equal);
  EXPECT_EQ(outcome->verified->source_copies, 3u);
}

TEST_F(RunTest, C7_AKeyInTwoTablesStaysWhereTheSourceHadItLast) {
  std::vector<std::string> lines;
  for (int i = 0; i < 600; ++i) {  // more than a page of keys, in both orders
    std::string in_a = thing("k", i, "in a", kind("a")),
                in_b = thing("k", i, "in b", R"("parts":{"L":[{"M":{"p":{"S":"x"}}}]})");
    lines.push_back(i % 2 ? in_a : in_b);
    lines.push_back(i % 2 ? in_b : in_a);
  }
  for (int i = 0; i < 50; ++i)
    lines.push_back(thing("once", i, "n", i % 2 ? kind("a") : kind("b")));
  write_dump(lines);
  write_plan(kTwoTables);
  auto outcome = run_it();
  ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  EXPECT_EQ(outcome->keys_in_two_tables, 600u);
  EXPECT_EQ(target_int("SELECT count(*) FROM aaa"), 325);
  EXPECT_EQ(target_int("SELECT count(*) FROM bbb"), 325);
  EXPECT_EQ(target_int("SELECT count(*) FROM parts"), 300);
  EXPECT_EQ(target_int("SELECT count(*) FROM aaa JOIN bbb USING(pk, sk)"), 0);
  EXPECT_EQ(target_int("SELECT count(*) FROM aaa WHERE pk = 'k' AND sk % 2 = 1"), 0);
  auto all = letters();
  ASSERT_EQ(all.size(), 600u);
  for (const Letter& letter : all) EXPECT_EQ(letter.code, "item.duplicate_key");
  EXPECT_TRUE(outcome->verified->equal);
  EXPECT_FALSE(std::filesystem::exists(plan_path_ + ".offramp/tables-scratch.sqlite"));
}

TEST_F(RunTest, C9_SeparatingTablesAgainChangesNothing) {
  write_dump({thing("k", 1, "first", kind("a")), thing("k", 1, "middle"),
              thing("k", 1, "last", kind("a"))});
  write_plan(kTwoTables);
  ASSERT_TRUE(run_it(Until::kLoaded).ok());
  EXPECT_EQ(target_int("SELECT count(*) FROM aaa WHERE name = 'last'"), 1);
  EXPECT_EQ(target_int("SELECT count(*) FROM bbb"), 0);
  ASSERT_EQ(letters().size(), 2u);

  // As after a kill between the letters and the removal: the other image is in its table again.
  auto migration = open(Purpose::kWork);
  migration->source = open_source(migration->plan, migration->folder).value();
  target_sql("INSERT INTO bbb(pk, sk, name) VALUES('k', 1, 'middle')");
  EXPECT_EQ(separate_tables(*migration, progress_, 2, {}).value(), 1u);
  EXPECT_EQ(separate_tables(*migration, progress_, 2, {}).value(), 0u);
  EXPECT_EQ(target_int("SELECT count(*) FROM bbb"), 0);
  EXPECT_EQ(target_int("SELECT count(*) FROM aaa WHERE name = 'last'"), 1);
  EXPECT_EQ(migration->journal->letters(Journal::Bodies::kWithout).value().size(), 2u);
}

}  // namespace
}  // namespace offramp::migrate
