// The workspace: private, and one process at a time.
#include "migrate/workspace.h"

#include <sys/stat.h>

#include "migrate/migration_fixture_test.h"

namespace offramp::migrate {
namespace {

class WorkspaceTest : public MigrationTest {};

TEST_F(WorkspaceTest, C12_TheFolderIsPrivate) {
  auto workspace = Workspace::open_exclusive(plan_path_);
  ASSERT_TRUE(workspace.ok());
  EXPECT_EQ((*workspace)->folder(), plan_path_ + ".offramp");
  struct stat info;
  ASSERT_EQ(::stat((*workspace)->folder().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(WorkspaceTest, OneAtATimeAndAgainAfterwards) {
  {
    auto first = Workspace::open_exclusive(plan_path_);
    ASSERT_TRUE(first.ok());
    auto second = Workspace::open_exclusive(plan_path_);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().kind(), ErrorKind::kConflict);
    EXPECT_EQ(second.error().code(), "workspace.busy");
  }
  EXPECT_TRUE(Workspace::open_exclusive(plan_path_).ok());
}

TEST_F(WorkspaceTest, EachMoveOfAPlanHasItsOwn) {
  auto orders = Workspace::open_exclusive(plan_path_ + "::Orders");
  auto odd = Workspace::open_exclusive(plan_path_ + "::arn:aws:x/T");
  ASSERT_TRUE(orders.ok() && odd.ok());
  EXPECT_EQ((*orders)->folder(), plan_path_ + ".offramp/Orders");
  EXPECT_EQ((*odd)->folder(), plan_path_ + ".offramp/arn%3Aaws%3Ax%2FT");
  EXPECT_TRUE(Workspace::is_held(plan_path_ + "::Orders"));
  EXPECT_FALSE(Workspace::is_held(plan_path_ + "::Stock"));
  EXPECT_FALSE(Workspace::open_exclusive(plan_path_ + "::Orders").ok());
  struct stat info;
  for (const char* folder : {".offramp", ".offramp/Orders"}) {
    ASSERT_EQ(::stat((plan_path_ + folder).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700u);
  }
}

TEST_F(WorkspaceTest, AFolderThatCannotBeMadeIsNamed) {
  auto workspace = Workspace::open_exclusive(folder_ + "/none/plan.yaml");
  ASSERT_FALSE(workspace.ok());
  EXPECT_NE(workspace.error().message().find(folder_ + "/none/plan.yaml.offramp"),
            std::string::npos);
}

}  // namespace
}  // namespace offramp::migrate
