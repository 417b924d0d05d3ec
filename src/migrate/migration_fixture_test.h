// A migration in a temporary folder: a dump of lines, a plan of text, a SQLite target. For the
// tests of migrate and below.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "io/sqlite_db.h"
#include "migrate/migration.h"
#include "migrate/progress.h"

namespace offramp::migrate {

// Key pk (S), sk (N); everything else in columns or `extra`.
constexpr char kPlainTables[] = R"(
tables:
  - into: things
    columns: {name: {from: name, type: text}}
)";

class MigrationTest : public testing::Test {
 protected:
  MigrationTest() {
    char name[] = "/tmp/offramp-migrate-XXXXXX";
    folder_ = ::mkdtemp(name);
    plan_path_ = folder_ + "/plan.yaml";
  }
  ~MigrationTest() override { std::filesystem::remove_all(folder_); }

  static std::string thing(const std::string& pk, int sk, const std::string& name,
                           const std::string& more = "") {
    return R"({"pk":{"S":")" + pk + R"("},"sk":{"N":")" + std::to_string(sk) +
           R"("},"name":{"S":")" + name + "\"}" + (more.empty() ? "" : "," + more) + "}";
  }
  void write_dump(const std::vector<std::string>& lines) const {
    std::ofstream out(folder_ + "/items.jsonl");
    for (const std::string& line : lines) out << line << "\n";
  }
  void write_plan(const std::string& tables = kPlainTables,
                  const std::string& target = "sqlite:target.sqlite") const {
    std::ofstream out(plan_path_);
    out << "version: 1\nsource:\n  table: Things\n  key: {pk: S, sk: N}\n  load: {from: dump, "
           "path: items.jsonl}\n"
        << "  capture: none\ntarget: " << target << tables;
  }
  std::unique_ptr<Migration> open(Purpose purpose) const {
    auto migration = open_migration(plan_path_, purpose);
    if (!migration.ok()) {
      ADD_FAILURE() << migration.error().message();
      throw std::runtime_error("the migration cannot be opened");
    }
    return std::move(migration).value();
  }
  // Runs SQL on the target behind the tool's back.
  void target_sql(const std::string& sql) const {
    auto db = io::SqliteDb::open(folder_ + "/target.sqlite", io::SqliteDb::Mode::kReadWrite);
    ASSERT_TRUE(db.ok());
    Status status = db->execute(sql);
    ASSERT_TRUE(status.ok()) << status.error().message();
  }
  int64_t target_int(const std::string& sql) const {
    auto db = io::SqliteDb::open(folder_ + "/target.sqlite", io::SqliteDb::Mode::kReadOnly);
    EXPECT_TRUE(db.ok());
    auto value = db->query_int64(sql);
    EXPECT_TRUE(value.ok()) << value.error().message();
    return value.ok() ? *value : -1;
  }

  std::string folder_, plan_path_;
  Progress progress_{Progress::Mode::kQuiet};
};

}  // namespace offramp::migrate
