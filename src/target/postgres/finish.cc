#include "target/postgres/finish.h"

#include <fmt/format.h>

#include "target/postgres/duplicates.h"

namespace offramp::target::postgres {
namespace {

constexpr std::string_view kUniqueViolation = "23505";

Result<bool> has_primary_key(Connection& connection, const Binding& binding,
                             const mapping::Table& table) {
  QueryResult result = TRY(connection.query(
      "SELECT 1 FROM pg_index WHERE indrelid = to_regclass($1) AND indisprimary AND indisvalid",
      {binding.name(table)}, "look at the catalog"));
  return result.rows() > 0;
}

Result<bool> has_index(Connection& connection, const Binding& binding, const mapping::Table& table,
                       const mapping::Index& index) {
  QueryResult result =
      TRY(connection.query("SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                           "WHERE i.indrelid = to_regclass($1) AND c.relname = $2 AND i.indisvalid",
                           {binding.name(table), index.name}, "look at the catalog"));
  return result.rows() > 0;
}

class Finish {
 public:
  Finish(std::shared_ptr<const Binding> binding, Connection& connection,
         const std::function<Status(const Duplicate&)>& duplicate,
         const std::function<void(const std::string&)>& step)
      : binding_(std::move(binding)), connection_(connection), duplicate_(duplicate), step_(step) {}

  Result<Target::FinishOutcome> run() {
    // Parents before children: when a parent's key is unique, so are its children's.
    for (uint32_t t = 0; t < binding_->tables().size(); ++t)
      if (binding_->tables()[t].role != mapping::TableRole::kChild) TRY(add_primary_key(t));
    for (uint32_t t = 0; t < binding_->tables().size(); ++t)
      if (binding_->tables()[t].role == mapping::TableRole::kChild) TRY(add_primary_key(t));
    for (const mapping::Table& table : binding_->tables()) TRY(add_indexes(table));
    for (const mapping::Table& table : binding_->tables()) {
      say("collecting statistics of " + table.name);
      TRY(connection_.execute("ANALYZE " + binding_->name(table), "analyze " + table.name));
    }
    return outcome_;
  }

 private:
  void say(const std::string& sentence) {
    if (step_) step_(sentence);
  }

  Status add_primary_key(uint32_t t) {
    const mapping::Table& table = binding_->tables()[t];
    if (TRY(has_primary_key(connection_, *binding_, table))) return {};
    std::string doing = "add the primary key of " + table.name;
    std::string sql = add_primary_key_sql(binding_->schema, table);
    say("building the primary key of " + table.name);
    Status status = connection_.execute(sql, doing);
    if (status.ok() || connection_.last_sqlstate() != kUniqueViolation) return status;
    if (table.role == mapping::TableRole::kChild)
      return Error(
          ErrorKind::kCorrupt, "postgres.child_duplicate",
          fmt::format(
              "{}: table {} holds a key twice although its parents are unique: someone else wrote "
              "into it; start over with an empty table",
              connection_.where(), table.name));
    say(table.name + " holds keys more than once: keeping the newest copy of each");
    TRY(remove_duplicates(binding_, t, connection_, duplicate_, outcome_));
    say("building the primary key of " + table.name);
    return connection_.execute(sql, doing);
  }

  Status add_indexes(const mapping::Table& table) {
    for (const mapping::Index& index : table.indexes) {
      if (TRY(has_index(connection_, *binding_, table, index))) continue;
      say(fmt::format("building the index {} of {}", index.name, table.name));
      TRY(connection_.execute(create_index_sql(binding_->schema, table, index),
                              fmt::format("create the index {} of {}", index.name, table.name)));
    }
    return {};
  }

  const std::shared_ptr<const Binding> binding_;
  Connection& connection_;
  const std::function<Status(const Duplicate&)>& duplicate_;
  const std::function<void(const std::string&)>& step_;
  Target::FinishOutcome outcome_;
};

}  // namespace

Result<Target::FinishOutcome> finish_tables(
    std::shared_ptr<const Binding> binding, Connection& connection,
    const std::function<Status(const Duplicate&)>& duplicate,
    const std::function<void(const std::string&)>& step) {
  return Finish(std::move(binding), connection, duplicate, step).run();
}

}  // namespace offramp::target::postgres
