// The conformance suite on a PostgreSQL server of the test's own, a database per test.
#include "target/conformance_apply_test.h"
#include "target/conformance_test.h"
#include "target/postgres/connection.h"
#include "target/postgres/open.h"
#include "target/postgres/postgres_fixture_test.h"

namespace offramp::target {
namespace {

class PostgresDatabase : public TestDatabase {
 public:
  Result<std::unique_ptr<Target>> open() override { return postgres::entry().open(url_); }
  void wipe() override {
    run("DROP SCHEMA offramp CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public");
  }
  void make_foreign_table(const std::string& name) override {
    run("CREATE TABLE \"" + name + "\" (x int)");
  }
  bool add_check(const std::string& table, const std::string& condition) override {
    run("ALTER TABLE \"" + table + "\" ADD CONSTRAINT owners_check CHECK (" + condition + ")");
    return true;
  }

 private:
  void run(const std::string& sql) {
    auto connection = postgres::Connection::open(url_);
    ASSERT_TRUE(connection.ok()) << connection.error().message();
    Status status = connection->execute(sql, "prepare a test");
    ASSERT_TRUE(status.ok()) << status.error().message();
  }

  std::string url_ = postgres::PostgresServer::instance().new_database();
};

std::unique_ptr<TestDatabase> make_database() { return std::make_unique<PostgresDatabase>(); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Postgres, TargetConformance, testing::Values(&make_database));
INSTANTIATE_TEST_SUITE_P(Postgres, ApplierConformance, testing::Values(&make_database));

}  // namespace offramp::target
