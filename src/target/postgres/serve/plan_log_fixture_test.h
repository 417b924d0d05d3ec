// A PostgreSQL database with a plan's tables, their change log, and what both say.
#pragma once

#include "target/postgres/serve/log_sql.h"
#include "target/postgres/serve/postgres_database_test.h"
#include "target/store_conformance_log_fixture.h"

namespace offramp::target {

using model::ColumnType;
using postgres::Connection;

class PostgresPlanLog : public StoreLog {
 protected:
  // Two tables of orders, each with lines, and one for all else; the overflow table.
  static model::MappingSpec plan() {
    model::TableMapping open, closed, other;
    open.match = "attribute_not_exists(closed) AND begins_with(SK, 'ORDER#')";
    open.into = "orders";
    open.key = {{"PK", "CUSTOMER#{customer}", {}}, {"SK", "ORDER#{order_no}", {}}};
    open.columns = {{"order_no", {}, ColumnType::kBigint, {}, {}, {}},
                    {"text", {"text"}, ColumnType::kText, {}, {}, {}}};
    model::ChildSpec lines;
    lines.name = "lines";
    lines.from = {"lines"};
    lines.ordinal = "n";
    lines.columns = {{"sku", {"sku"}, ColumnType::kText, {}, {}, {}}};
    open.children = {lines};
    open.indexes = {{"", {"text"}, {}}};
    closed = open;
    closed.match = "begins_with(SK, 'ORDER#')";
    closed.into = "closed";
    closed.key = {{"PK", "{id}", {}}, {"SK", "{v}", {}}};
    closed.columns = {{"text", {"text"}, ColumnType::kText, {}, {}, {}}};
    closed.children[0].name = "closed_lines";
    closed.indexes.clear();
    other.into = "other";
    return {open, closed, other};
  }
  ServedTable load(const std::vector<std::string>& items = {}) {
    ServedTable table =
        load_plan(plan(), {{"PK", ddb::Type::kS}, model::KeyAttribute{"SK", ddb::Type::kS}}, items);
    expect_ok(store_->adopt(table, entry_json(table)));
    return table;
  }
  static std::string order(const std::string& customer, int n,
                           const std::vector<std::string>& skus = {},
                           const std::string& more = "") {
    std::string lines;
    for (const std::string& sku : skus)
      lines += (lines.empty() ? "" : ",") + (R"({"M":{"sku":{"S":")" + sku + "\"}}}");
    if (!skus.empty()) lines = R"(,"lines":{"L":[)" + lines + "]}";
    return R"({"PK":{"S":"CUSTOMER#)" + customer + R"("},"SK":{"S":"ORDER#)" + std::to_string(n) +
           "\"}" + lines + more + "}";
  }
  static std::string text(const std::string& value) { return R"(,"text":{"S":")" + value + "\"}"; }
  // A statement's SQL state, "" when it was done.
  std::string run(Connection& connection, const std::string& statement) {
    Status status = connection.execute(statement, "run a test's statement");
    std::string state = status.ok() ? "" : connection.last_sqlstate();
    if (!status.ok()) connection.rollback();
    return state;
  }
  Connection connect() {
    auto connection = Connection::open(dynamic_cast<const PostgresDatabase&>(*database_).url());
    EXPECT_TRUE(connection.ok()) << connection.error().message();
    return std::move(*connection);
  }
  std::string ask(const std::string& query) {
    Connection connection = connect();
    auto result = connection.query(query, {}, "ask");
    EXPECT_TRUE(result.ok()) << result.error().message();
    return result.ok() && result->rows() > 0 ? std::string(result->text(0, 0)) : "";
  }

  // "old -> new" of what changed.
  std::vector<std::string> told(const ServedTable& table, const ChangeLogName& log) {
    return StoreLog::told(changes_of(table, log));
  }
};

}  // namespace offramp::target
