#include "target/postgres/postgres_target.h"

#include <fmt/format.h>

#include <charconv>

#include "target/postgres/applier.h"
#include "target/postgres/bookkeeping.h"
#include "target/postgres/by_key.h"
#include "target/postgres/finish.h"
#include "target/postgres/loader.h"
#include "target/postgres/migration_lock.h"
#include "target/postgres/open.h"
#include "target/postgres/reading.h"

namespace offramp::target::postgres {

namespace {
// A tuple has 8160 bytes of a page (heaptup: MaxHeapTupleSize); the header with the NULL bits of
// 1,600 columns takes 224.
constexpr size_t kRowBytesMax = 8160 - 224;
}  // namespace

Capabilities postgres_capabilities() {
  // Source: PostgreSQL documentation, appendix K; nbtree's entry limit is 2704 bytes less the
  // tuple's header and alignment. A jsonb string is below 256 MiB, a field below 1 GB.
  return Capabilities{
      .limits = {.identifier_bytes_max = 63,
                 .columns_max = 1600,
                 .key_bytes_max = 2600,
                 .cell_bytes_max = 255u << 20,
                 .text_allows_nul = false,
                 .row_bytes_max = kRowBytesMax,
                 .index_bytes_max = 2600,
                 .column_names_reserved = {"cmax", "cmin", "ctid", "tableoid", "xmax", "xmin"}},
      .folds_case = false,
      .loaders_default = 2,
      .appliers_default = 2};
}

const Entry& entry() {
  static const Entry entry{.name = "postgresql",
                           .url_form = "postgresql://[user@]host[:port]/database",
                           .takes =
                               [](std::string_view url) {
                                 return url.starts_with("postgresql://") ||
                                        url.starts_with("postgres://");
                               },
                           .open = &PostgresTarget::open,
                           .capabilities = &postgres_capabilities};
  return entry;
}

Result<std::unique_ptr<Target>> PostgresTarget::open(const std::string& url) {
  Connection connection = TRY(Connection::open(url));
  QueryResult facts = TRY(connection.query(
      // Not our own schema, which "$user" in the search_path means for a role named offramp.
      "SELECT (SELECT name FROM unnest(current_schemas(false)) WITH ORDINALITY s(name, at) "
      "WHERE name <> 'offramp' ORDER BY at LIMIT 1), current_setting('server_version')",
      {}, "look at the server"));
  if (facts.is_null(0, 0))
    return Error(ErrorKind::kConfig, "postgres.no_schema",
                 fmt::format("{}: the connection's search_path names no schema that exists; create "
                             "it, or set it in the "
                             "URL: ?options=-csearch_path%3Dpublic",
                             connection.where()));
  std::string schema(facts.text(0, 0));
  std::string_view version = facts.text(0, 1);
  std::string description =
      fmt::format("postgresql {} at {}", version.substr(0, version.find(' ')), connection.where());
  return std::unique_ptr<Target>(
      new PostgresTarget(url, std::move(schema), std::move(description), std::move(connection)));
}

Capabilities PostgresTarget::capabilities() const { return postgres_capabilities(); }

std::shared_ptr<const Binding> PostgresTarget::bind(
    std::shared_ptr<const mapping::CompiledMapping> mapping, const std::string& migration) const {
  return std::make_shared<const Binding>(Binding{
      .url = url_, .schema = schema_, .mapping = std::move(mapping), .migration = migration});
}

std::shared_ptr<const Binding> PostgresTarget::binding() {
  std::lock_guard lock(mutex_);
  ASSERT(binding_ != nullptr);
  return binding_;
}

Result<Connection*> PostgresTarget::control() {
  if (connection_.alive()) return &connection_;
  Connection connection = TRY(Connection::open(url_));
  if (holds_lock_) TRY(hold_migration_lock(connection, binding_->migration));
  connection_ = std::move(connection);
  staging_.reset();
  return &connection_;
}

template <class Read>
auto PostgresTarget::read_again_if_lost(Read read) -> decltype(read(std::declval<Connection&>())) {
  auto result = read(*TRY(control()));
  if (result.ok() || result.error().kind() != ErrorKind::kUnavailable) return result;
  const std::string& state = connection_.last_sqlstate();
  if (!state.starts_with("08") && !state.starts_with("57P")) return result;
  connection_.close();
  return read(*TRY(control()));
}

Status PostgresTarget::prepare(std::shared_ptr<const mapping::CompiledMapping> mapping,
                               const std::string& migration, Start start) {
  std::shared_ptr<const Binding> binding = bind(std::move(mapping), migration);
  std::lock_guard lock(mutex_);
  // Our own sessions of an earlier call would be ended as well.
  writer_.reset();
  writing_.reset();
  Connection* connection = TRY(control());
  TRY(end_earlier_sessions(*connection, migration));
  TRY(prepare_tables(*connection, *binding, start));
  TRY(hold_migration_lock(*connection, migration));
  holds_lock_ = true;
  binding_ = std::move(binding);
  staging_.reset();
  return {};
}

Status PostgresTarget::attach(std::shared_ptr<const mapping::CompiledMapping> mapping,
                              const std::string& migration) {
  std::shared_ptr<const Binding> binding = bind(std::move(mapping), migration);
  std::lock_guard lock(mutex_);
  Connection* connection = TRY(control());
  TRY(check_migration(*connection, *binding));
  binding_ = std::move(binding);
  staging_.reset();
  writer_.reset();
  writing_.reset();
  return {};
}

Result<std::map<std::string, model::Position>> PostgresTarget::positions() {
  std::lock_guard lock(mutex_);
  ASSERT(binding_ != nullptr);
  return read_again_if_lost(
      [&](Connection& connection) { return read_positions(connection, *binding_); });
}

Result<std::unique_ptr<Loader>> PostgresTarget::loader() {
  std::shared_ptr<const Binding> bound = binding();
  Connection connection = TRY(Connection::open(url_));
  TRY(hold_migration_lock(connection, bound->migration));
  return std::unique_ptr<Loader>(
      std::make_unique<CopyLoader>(std::move(bound), std::move(connection)));
}

Result<Target::FinishOutcome> PostgresTarget::finish_load(
    const std::function<Status(const Duplicate&)>& duplicate,
    const std::function<void(const std::string&)>& step) {
  // Connections of its own: building indexes takes long, and status may be asked for meanwhile.
  return finish_tables(binding(), duplicate, step);
}

Result<std::unique_ptr<Applier>> PostgresTarget::applier(const std::string& lane) {
  return make_applier(binding(), lane);
}

Status PostgresTarget::apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows) {
  std::lock_guard lock(mutex_);
  ASSERT(binding_ != nullptr);
  if (!writing_ || !writing_->alive()) {
    writer_.reset();
    writing_.reset();
    Connection connection = TRY(Connection::open(url_));
    TRY(hold_migration_lock(connection, binding_->migration));
    TRY(ChangeWriter::configure(connection));
    writing_ = std::make_unique<Connection>(std::move(connection));
    writer_ = std::make_unique<ChangeWriter>(binding_);
  }
  TRY(writer_->write(*writing_, "", keys, rows));
  return {};
}

Result<std::vector<ReadPartition>> PostgresTarget::read_partitions(int pieces) {
  std::shared_ptr<const Binding> bound = binding();
  auto snapshot = std::make_shared<Snapshot>(TRY(Snapshot::take(url_)));
  std::vector<ReadPartition> partitions = TRY(cut_tables(*snapshot, *bound, pieces));
  std::lock_guard lock(mutex_);
  snapshot_ = std::move(snapshot);
  return partitions;
}

Result<std::unique_ptr<RowReader>> PostgresTarget::read(const ReadPartition& partition) {
  std::shared_ptr<Snapshot> snapshot;
  {
    std::lock_guard lock(mutex_);
    snapshot = snapshot_;
  }
  ASSERT(snapshot != nullptr);
  return open_partition(*snapshot, binding(), partition);
}

Status PostgresTarget::get(const mapping::RowBatch& keys, ddb::ItemBatch& batch) {
  std::lock_guard lock(mutex_);
  ASSERT(binding_ != nullptr);
  const size_t before = batch.size();
  return read_again_if_lost([&](Connection& connection) {
    while (batch.size() > before) batch.drop_last();
    if (!staging_) staging_ = std::make_unique<Staging>(binding_);
    return read_items(connection, *staging_, binding_, keys, batch);
  });
}

Result<std::vector<std::pair<std::string, uint64_t>>> PostgresTarget::row_counts() {
  std::lock_guard lock(mutex_);
  ASSERT(binding_ != nullptr);
  using Counts = std::vector<std::pair<std::string, uint64_t>>;
  return read_again_if_lost([&](Connection& connection) -> Result<Counts> {
    Counts counts;
    for (const mapping::Table& table : binding_->tables()) {
      QueryResult result = TRY(connection.query("SELECT count(*) FROM " + binding_->name(table), {},
                                                "count the rows of " + table.name));
      std::string_view text = result.text(0, 0);
      uint64_t count = 0;
      std::from_chars(text.data(), text.data() + text.size(), count);
      counts.emplace_back(table.name, count);
    }
    return counts;
  });
}

}  // namespace offramp::target::postgres
