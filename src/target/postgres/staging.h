// Staging: a connection's temporary tables, which COPY fills and one statement empties into the
// real ones.
//
// Each is made once, when first needed, outside any transaction, and is empty again after every
// commit or rollback (ON COMMIT DELETE ROWS truncates in place; TRUNCATE would write the catalog).
#pragma once

#include <set>
#include <string>

#include "target/postgres/binding.h"
#include "target/postgres/connection.h"

namespace offramp::target::postgres {

// kRows: all columns. kKeys: the key columns. Of a child table, the key columns are its parent's
// and the ordinal.
enum class Stage { kRows, kKeys };

// Belongs to one connection. One thread.
class Staging {
 public:
  explicit Staging(std::shared_ptr<const Binding> binding) : binding_(std::move(binding)) {}

  // Must not be called inside a transaction.
  Status make(Connection& connection, uint32_t table, Stage stage);
  bool has(uint32_t table, Stage stage) const { return made_.contains({table, stage}); }
  std::string name(uint32_t table, Stage stage) const;
  uint32_t columns(uint32_t table, Stage stage) const;
  std::string copy_sql(uint32_t table, Stage stage) const;

 private:
  const std::shared_ptr<const Binding> binding_;
  std::set<std::pair<uint32_t, Stage>> made_;
};

}  // namespace offramp::target::postgres
