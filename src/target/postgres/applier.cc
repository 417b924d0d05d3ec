#include "target/postgres/applier.h"

#include <fmt/format.h>

#include "target/postgres/bookkeeping.h"
#include "target/postgres/change_writer.h"
#include "target/postgres/migration_lock.h"

namespace offramp::target::postgres {
namespace {

class PostgresApplier : public Applier {
 public:
  PostgresApplier(std::shared_ptr<const Binding> binding, Connection connection, std::string lane)
      : binding_(std::move(binding)),
        connection_(std::move(connection)),
        lane_(std::move(lane)),
        writer_(binding_) {}

  Status apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
               std::string_view expected_token, const model::Position& after) override {
    bool moved = TRY(writer_.write(
        connection_, move_position_sql(*binding_, lane_, expected_token, after), keys, rows));
    if (moved) return {};
    return Error(ErrorKind::kConflict, "applier.superseded",
                 fmt::format("{}: the position of lane {} has been moved by another writer; stop "
                             "the other offramp, then run the same command again",
                             connection_.where(), lane_));
  }

 private:
  const std::shared_ptr<const Binding> binding_;
  Connection connection_;
  const std::string lane_;
  ChangeWriter writer_;
};

}  // namespace

Result<std::unique_ptr<Applier>> make_applier(std::shared_ptr<const Binding> binding,
                                              const std::string& lane) {
  Connection connection = TRY(Connection::open(binding->url));
  TRY(hold_migration_lock(connection, binding->migration));
  TRY(take_lane(connection, binding->migration, lane));
  TRY(ChangeWriter::configure(connection));
  return std::unique_ptr<Applier>(
      std::make_unique<PostgresApplier>(std::move(binding), std::move(connection), lane));
}

}  // namespace offramp::target::postgres
