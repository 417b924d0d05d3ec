#include "target/postgres/applier.h"

#include <fmt/format.h>

#include "target/postgres/bookkeeping.h"
#include "target/postgres/by_key.h"
#include "target/postgres/migration_lock.h"

namespace offramp::target::postgres {
namespace {

class PostgresApplier : public Applier {
 public:
  PostgresApplier(std::shared_ptr<const Binding> binding, Connection connection, std::string lane)
      : binding_(std::move(binding)), connection_(std::move(connection)), lane_(std::move(lane)) {}

  Status apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
               std::string_view expected_token, const model::Position& after) override {
    TRY(connection_.execute("BEGIN", "begin a transaction"));
    Status status = in_transaction(keys, rows, expected_token, after);
    if (status.ok()) status = connection_.execute("COMMIT", "commit the new images");
    if (!status.ok()) connection_.rollback();
    return status;
  }

 private:
  Status in_transaction(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
                        std::string_view expected_token, const model::Position& after) {
    TRY(move_position(connection_, *binding_, lane_, expected_token, after));
    return replace_in_transaction(connection_, *binding_, keys, rows);
  }

  const std::shared_ptr<const Binding> binding_;
  Connection connection_;
  const std::string lane_;
};

}  // namespace

Result<std::unique_ptr<Applier>> make_applier(std::shared_ptr<const Binding> binding,
                                              const std::string& lane) {
  Connection connection = TRY(Connection::open(binding->url));
  TRY(hold_migration_lock(connection, binding->migration));
  return std::unique_ptr<Applier>(
      std::make_unique<PostgresApplier>(std::move(binding), std::move(connection), lane));
}

}  // namespace offramp::target::postgres
