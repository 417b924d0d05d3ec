// The conformance suite on SQLite files.
#include <unistd.h>

#include <filesystem>

#include "io/sqlite_db.h"
#include "target/conformance_apply_test.h"
#include "target/conformance_test.h"
#include "target/sqlite/open.h"

namespace offramp::target {

namespace {

class SqliteDatabase : public TestDatabase {
 public:
  SqliteDatabase() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "offramp-sqlite-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~SqliteDatabase() override { std::filesystem::remove_all(folder_); }
  Result<std::unique_ptr<Target>> open() override {
    return sqlite::entry().open("sqlite:" + path());
  }
  void wipe() override {
    for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path() + suffix);
  }
  void make_foreign_table(const std::string& name) override {
    auto db = io::SqliteDb::open(path(), io::SqliteDb::Mode::kReadWriteCreate);
    ASSERT_TRUE(db.ok());
    ASSERT_TRUE(db->execute("CREATE TABLE \"" + name + "\" (x)").ok());
  }
  // SQLite adds no constraint to a table that exists, but a trigger may refuse rows.
  bool add_check(const std::string& table, const std::string& condition) override {
    auto db = io::SqliteDb::open(path(), io::SqliteDb::Mode::kReadWrite);
    EXPECT_TRUE(db.ok());
    for (const char* event : {"INSERT", "UPDATE"}) {
      Status made = db->execute("CREATE TRIGGER check_" + std::string(event) + " BEFORE " + event +
                                " ON \"" + table + "\" WHEN NOT (NEW." + condition +
                                ") BEGIN SELECT RAISE(ABORT, 'the owner refuses it'); END");
      EXPECT_TRUE(made.ok()) << made.error().message();
    }
    return true;
  }

 private:
  std::string path() const { return folder_ + "/test.sqlite"; }
  std::string folder_;
};

std::unique_ptr<TestDatabase> make_database() { return std::make_unique<SqliteDatabase>(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Sqlite, TargetConformance, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Sqlite, ApplierConformance, testing::Values(&make_database));

}  // namespace offramp::target
