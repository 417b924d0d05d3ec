// A PostgreSQL database as the store conformance suite knows databases.
#pragma once

#include "target/fiber_store_test.h"
#include "target/postgres/connection.h"
#include "target/postgres/ddl.h"
#include "target/postgres/open.h"
#include "target/postgres/postgres_fixture_test.h"
#include "target/postgres/serve/open.h"
#include "target/store_conformance_fixture.h"

namespace offramp::target {

class PostgresDatabase : public StoreDatabase {
 public:
  PostgresDatabase() : url_(postgres::PostgresServer::instance().new_database()) {}
  Result<std::unique_ptr<Store>> open_store() override {
    return postgres::store_entry().open(url_);
  }
  Result<std::unique_ptr<Target>> open_target() override { return postgres::entry().open(url_); }
  Status sql(const std::string& text) override {
    auto connection = TRY(postgres::Connection::open(url_));
    return connection.execute(text, "run a test's statement");
  }
  Status sql_with_origin(const std::string& origin, const std::string& text) override {
    return sql("BEGIN; SET LOCAL offramp.origin = " + postgres::quote_literal(origin) + "; " +
               text + "; COMMIT");
  }
  const std::string& url() const { return url_; }

 private:
  std::string url_;
};

class PostgresOnFibers final : public PostgresDatabase {
 public:
  Result<std::unique_ptr<Store>> open_store() override {
    return std::unique_ptr<Store>(
        std::make_unique<FiberStore>(TRY(PostgresDatabase::open_store())));
  }
};

inline std::unique_ptr<StoreDatabase> make_on_fibers() {
  return std::make_unique<PostgresOnFibers>();
}
inline std::unique_ptr<StoreDatabase> make_database() {
  return std::make_unique<PostgresDatabase>();
}

}  // namespace offramp::target
