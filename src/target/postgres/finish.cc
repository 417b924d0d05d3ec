#include "target/postgres/finish.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <thread>

#include "target/postgres/duplicates.h"
#include "target/postgres/migration_lock.h"

namespace offramp::target::postgres {
namespace {

constexpr std::string_view kUniqueViolation = "23505";
constexpr int kParallelTables = 2;

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
  Finish(std::shared_ptr<const Binding> binding,
         const std::function<Status(const Duplicate&)>& duplicate,
         const std::function<void(const std::string&)>& step)
      : binding_(std::move(binding)), duplicate_(duplicate), step_(step) {}

  Result<Target::FinishOutcome> run() {
    Connection connection = TRY(open());
    // Parents before children: when a parent's key is unique, so are its children's.
    if (!TRY(add_keys_in_parallel(connection))) {
      for (mapping::TableRole role :
           {mapping::TableRole::kParent, mapping::TableRole::kOverflow, mapping::TableRole::kChild})
        for (uint32_t t = 0; t < binding_->tables().size(); ++t)
          if (binding_->tables()[t].role == role) TRY(add_primary_key(connection, t));
      for (uint32_t t = 0; t < binding_->tables().size(); ++t) TRY(complete_table(connection, t));
    }
    return outcome_;
  }

 private:
  Result<Connection> open() const {
    Connection connection = TRY(Connection::open(binding_->url));
    TRY(hold_migration_lock(connection, binding_->migration));
    return connection;
  }

  void say(const std::string& sentence) {
    std::lock_guard lock(mutex_);
    if (step_) step_(sentence);
  }

  // Table numbers, the largest first.
  Result<std::vector<uint32_t>> tables_by_size(Connection& connection) const {
    std::vector<std::pair<int64_t, uint32_t>> sizes;
    for (uint32_t t = 0; t < binding_->tables().size(); ++t) {
      QueryResult size = TRY(connection.query("SELECT pg_relation_size(to_regclass($1))",
                                              {binding_->name(binding_->tables()[t])},
                                              "look at the tables' sizes"));
      int64_t bytes = 0;
      std::string_view text = size.text(0, 0);
      std::from_chars(text.data(), text.data() + text.size(), bytes);
      sizes.emplace_back(-bytes, t);
    }
    std::sort(sizes.begin(), sizes.end());
    std::vector<uint32_t> order;
    for (const auto& [size, table] : sizes) order.push_back(table);
    return order;
  }

  // False when a key is not unique; the tables that were not reached are left for later then.
  Result<bool> add_keys_in_parallel(Connection& connection) {
    std::vector<uint32_t> order = TRY(tables_by_size(connection));
    std::atomic<size_t> next{0};
    std::atomic<bool> stop{false}, duplicates{false};
    std::optional<Error> failed;  // guarded by mutex_
    auto work = [&](Connection& own) {
      for (size_t i = next++; i < order.size() && !stop; i = next++) {
        Status status = build_primary_key(own, order[i]);
        bool duplicate = !status.ok() && own.last_sqlstate() == kUniqueViolation;
        if (status.ok()) status = complete_table(own, order[i]);
        if (status.ok()) continue;
        stop = true;
        if (duplicate) {
          duplicates = true;
        } else {
          std::lock_guard lock(mutex_);
          if (!failed) failed = std::move(status).error();
        }
      }
    };
    std::vector<Connection> connections;
    for (int i = 1; i < kParallelTables; ++i) connections.push_back(TRY(open()));
    {
      std::vector<std::jthread> threads;
      for (Connection& own : connections) threads.emplace_back([&work, &own] { work(own); });
      work(connection);
    }
    if (failed) return std::move(*failed);
    return !duplicates;
  }

  Status build_primary_key(Connection& connection, uint32_t t) {
    const mapping::Table& table = binding_->tables()[t];
    if (TRY(has_primary_key(connection, *binding_, table))) return {};
    say("building the primary key of " + table.name);
    return connection.execute(add_primary_key_sql(binding_->schema, table),
                              "add the primary key of " + table.name);
  }

  Status add_primary_key(Connection& connection, uint32_t t) {
    const mapping::Table& table = binding_->tables()[t];
    Status status = build_primary_key(connection, t);
    if (status.ok() || connection.last_sqlstate() != kUniqueViolation) return status;
    if (table.role == mapping::TableRole::kChild)
      return Error(
          ErrorKind::kCorrupt, "postgres.child_duplicate",
          fmt::format(
              "{}: table {} holds a key twice although its parents are unique: someone else wrote "
              "into it; start over with an empty table",
              connection.where(), table.name));
    say(table.name + " holds keys more than once: keeping the newest copy of each");
    TRY(remove_duplicates(binding_, t, connection, duplicate_, outcome_));
    return build_primary_key(connection, t);
  }

  Status complete_table(Connection& connection, uint32_t t) {
    const mapping::Table& table = binding_->tables()[t];
    TRY(add_indexes(connection, table));
    say("collecting statistics of " + table.name);
    return connection.execute("ANALYZE " + binding_->name(table), "analyze " + table.name);
  }

  Status add_indexes(Connection& connection, const mapping::Table& table) {
    for (const mapping::Index& index : table.indexes) {
      if (TRY(has_index(connection, *binding_, table, index))) continue;
      say(fmt::format("building the index {} of {}", index.name, table.name));
      TRY(connection.execute(create_index_sql(binding_->schema, table, index),
                             fmt::format("create the index {} of {}", index.name, table.name)));
    }
    return {};
  }

  const std::shared_ptr<const Binding> binding_;
  const std::function<Status(const Duplicate&)>& duplicate_;
  const std::function<void(const std::string&)>& step_;
  Target::FinishOutcome outcome_;
  std::mutex mutex_;  // guards step_ and the first error
};

}  // namespace

Result<Target::FinishOutcome> finish_tables(
    std::shared_ptr<const Binding> binding,
    const std::function<Status(const Duplicate&)>& duplicate,
    const std::function<void(const std::string&)>& step) {
  return Finish(std::move(binding), duplicate, step).run();
}

}  // namespace offramp::target::postgres
