// The stores' suite on SQLite files and in memory.
#include <unistd.h>

#include <filesystem>

#include "io/sqlite_db.h"
#include "target/fiber_store_test.h"
#include "target/sqlite/open.h"
#include "target/sqlite/schema.h"
#include "target/sqlite/serve/open.h"
#include "target/sqlite/serve/plan_log_random_test.h"
#include "target/store_conformance_log.h"
#include "target/store_conformance_plan_log.h"
#include "target/store_conformance_random_test.h"

namespace offramp::target {
namespace {

class FileDatabase : public StoreDatabase {
 public:
  FileDatabase() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "offramp-store-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~FileDatabase() override { std::filesystem::remove_all(folder_); }
  Result<std::unique_ptr<Store>> open_store() override {
    return sqlite::store_entry().open("sqlite:" + path());
  }
  Result<std::unique_ptr<Target>> open_target() override {
    return sqlite::entry().open("sqlite:" + path());
  }
  Status sql(const std::string& text) override {
    auto db = TRY(io::SqliteDb::open(path(), io::SqliteDb::Mode::kReadWrite));
    return db.execute(text);
  }
  Status sql_with_origin(const std::string& origin, const std::string& text) override {
    return sql("BEGIN; INSERT INTO _offramp_origin VALUES (" + sqlite::quote_text(origin) + "); " +
               text + "; DELETE FROM _offramp_origin; COMMIT");
  }

 private:
  std::string path() const { return folder_ + "/store.sqlite"; }
  std::string folder_;
};

class FileOnFibers final : public FileDatabase {
 public:
  Result<std::unique_ptr<Store>> open_store() override {
    return std::unique_ptr<Store>(std::make_unique<FiberStore>(TRY(FileDatabase::open_store())));
  }
};

class MemoryDatabase : public StoreDatabase {
 public:
  Result<std::unique_ptr<Store>> open_store() override {
    return sqlite::store_entry().open("sqlite::memory:");
  }
  Result<std::unique_ptr<Target>> open_target() override {
    return Error(ErrorKind::kUnsupported, "test", "memory has no second connection");
  }
  Status sql(const std::string&) override {
    return Error(ErrorKind::kUnsupported, "test", "memory has no second connection");
  }
};
std::unique_ptr<StoreDatabase> make_memory() { return std::make_unique<MemoryDatabase>(); }
std::unique_ptr<StoreDatabase> make_on_fibers() { return std::make_unique<FileOnFibers>(); }
std::unique_ptr<StoreDatabase> make_database() { return std::make_unique<FileDatabase>(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Sqlite, StoreConformance, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Sqlite, StoreRandom, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(SqliteMemory, StoreRandom, testing::Values(&make_memory));
INSTANTIATE_TEST_SUITE_P(SqliteOnFibers, StoreConformance, testing::Values(&make_on_fibers));
INSTANTIATE_TEST_SUITE_P(SqliteOnFibers, StoreRandom, testing::Values(&make_on_fibers));
INSTANTIATE_TEST_SUITE_P(SqliteOnFibers, StoreLog, testing::Values(&make_on_fibers));
INSTANTIATE_TEST_SUITE_P(Sqlite, StoreLog, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(SqliteOnFibers, StorePlanLog, testing::Values(&make_on_fibers));
INSTANTIATE_TEST_SUITE_P(Sqlite, StorePlanLog, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Sqlite, SqlitePlanLog, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Sqlite, StorePlan, testing::Values(&make_database));

}  // namespace offramp::target
