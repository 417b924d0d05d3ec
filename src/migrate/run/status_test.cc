// Status in every phase, also when a side is away. Beside run, because it needs one.
#include "migrate/status.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "migrate/migration_fixture_test.h"
#include "migrate/run/run.h"

namespace offramp::migrate {
namespace {

using ::testing::HasSubstr;

class StatusTest : public MigrationTest {
 protected:
  MigrationStatus status() {
    auto read = read_status(plan_path_);
    EXPECT_TRUE(read.ok()) << read.error().message();
    // Whatever the state, its JSON is JSON.
    EXPECT_TRUE(nlohmann::json::accept(status_json(*read, plan_path_)))
        << status_json(*read, plan_path_);
    return std::move(read).value();
  }
  void run_it(Until until = Until::kVerified) {
    auto migration = open(Purpose::kRun);
    RunOptions options;
    options.until = until;
    auto outcome = run(*migration, progress_, options);
    ASSERT_TRUE(outcome.ok()) << outcome.error().message();
  }
};

TEST_F(StatusTest, BeforeTheStart) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  MigrationStatus before = status();
  EXPECT_EQ(before.phase, Phase::kNotStarted);
  EXPECT_FALSE(before.running);
  EXPECT_FALSE(std::filesystem::exists(plan_path_ + ".offramp"));
}

TEST_F(StatusTest, PhasesFollowTheFacts) {
  write_dump({thing("a", 1, "x"), thing("b", 1, "x")});
  write_plan();
  run_it(Until::kLoaded);
  EXPECT_EQ(status().phase, Phase::kLoaded);
  EXPECT_EQ(status().records, 2u);
  EXPECT_EQ(status().counts.stored, 2u);
  run_it();
  EXPECT_EQ(status().phase, Phase::kVerified);
  target_sql("DELETE FROM things WHERE pk = 'a'");
  run_it();
  EXPECT_EQ(status().phase, Phase::kDiffers);
  auto running = open(Purpose::kWork);
  EXPECT_TRUE(status().running);
}

TEST_F(StatusTest, AProcessThatDiedBeforeItsFirstFactIsNotStarted) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  { auto migration = open(Purpose::kRun); }  // a journal without facts
  EXPECT_EQ(status().phase, Phase::kNotStarted);
}

TEST_F(StatusTest, AProcessThatDiedBeforeThePreparationHasLoadedNothing) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  {
    auto migration = open(Purpose::kRun);
    ASSERT_TRUE(
        migration->journal->set_fact("plan_fingerprint", plan_fingerprint(migration->plan)).ok());
    ASSERT_TRUE(migration->journal->set_fact("migration", "m1").ok());
  }
  MigrationStatus died = status();
  EXPECT_EQ(died.phase, Phase::kLoading);
  EXPECT_EQ(died.target_unreachable, "");
  EXPECT_EQ(died.records, 0u);
  run_it();
  EXPECT_EQ(status().phase, Phase::kVerified);
}

TEST_F(StatusTest, ATargetThatIsAwayIsSaid) {
  write_dump({thing("a", 1, "x")});
  write_plan();
  run_it(Until::kLoaded);
  std::filesystem::remove(folder_ + "/target.sqlite");
  MigrationStatus away = status();
  EXPECT_NE(away.target_unreachable, "");
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/target.sqlite"));
}

TEST_F(StatusTest, ABrokenPlanIsSaidFirst) {
  write_plan("\ntables:\n  - inot: things\n");
  auto read = read_status(plan_path_);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().kind(), ErrorKind::kConfig);
  EXPECT_THAT(read.error().message(), HasSubstr("inot"));
}

}  // namespace
}  // namespace offramp::migrate
