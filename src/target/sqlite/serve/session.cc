#include "target/sqlite/serve/session.h"

#include "mapping/row_shape.h"
#include "target/sqlite/serve/change_log.h"
#include "target/sqlite/serve/errors.h"

namespace offramp::target::sqlite::serve {

using mapping::KeyFit;

TableRowsMaker::TableRowsMaker(const ServedTable& table)
    : mapping_(table.mapping), splitter_(mapping_) {
  size_t columns = 0;
  for (const mapping::Table& t : mapping_->tables())
    columns = std::max<size_t>(columns, t.key_columns);
  cells_.resize(columns);
}

Status TableRowsMaker::add_key(const ServedTable& table, ddb::ItemView key,
                               mapping::RowBatch& keys) {
  if (!table.made_here) return splitter_.key_rows(key, keys);
  // A table made here takes every key, and has no overflow table: the store's limits allow NUL
  // characters and keys of any size that DynamoDB has.
  mapping::KeyValues values;
  if (!mapping::find_key(table.key, key, values, why_))
    return Error(ErrorKind::kInternal, "store.bad_key", why_);
  const mapping::TableShape& shape = mapping_->impl().shapes[0];
  if (keys_.split(shape, mapping_->impl().limits, values, keys.arena, cells_.data()) !=
      KeyFit::kYes)
    return Error(ErrorKind::kInternal, "store.bad_key", "a key that its table does not take");
  mapping::TableRows& rows = keys.tables[0];
  rows.cells.insert(rows.cells.end(), cells_.begin(),
                    cells_.begin() + static_cast<long>(shape.key_types.size()));
  ++rows.rows;
  return {};
}

Status TableRowsMaker::key(const ServedTable& table, ddb::ItemView key, mapping::RowBatch& keys) {
  keys.reset(mapping_->tables().size());
  return add_key(table, key, keys);
}

Status TableRowsMaker::add_item(ddb::ItemView item, mapping::RowBatch& rows) {
  mapping::Outcome outcome = splitter_.split(item, rows, why_);
  if (outcome == mapping::Outcome::kRow || outcome == mapping::Outcome::kOverflow) return {};
  return Error(ErrorKind::kBadItem, "store.refused",
               outcome == mapping::Outcome::kSkipped ? "the plan leaves such items behind" : why_);
}

Result<std::unique_ptr<StoreSession>> Session::open(std::shared_ptr<Core> core) {
  TRY(Reader::take(*core));  // a file that cannot be read is known now
  return std::unique_ptr<StoreSession>(new Session(std::move(core)));
}

Status Session::find_keys(std::span<const ItemRef> refs) {
  if (keys_.size() < refs.size()) keys_.resize(refs.size());
  for (size_t i = 0; i < refs.size(); ++i)
    TRY(maker(*refs[i].table).key(*refs[i].table, refs[i].key, keys_[i]));
  return {};
}

Status Session::fetch(Connection& connection, std::span<const ItemRef> refs, ddb::ItemBatch& batch,
                      std::vector<ddb::ItemView>& found) {
  batch.reset();
  places_.assign(refs.size(), SIZE_MAX);
  for (size_t i = 0; i < refs.size(); ++i)
    if (TRY(connection.access(*refs[i].table).get(keys_[i], batch))) places_[i] = batch.size() - 1;
  // Views only now: the batch's nodes move while it grows.
  found.assign(refs.size(), {});
  for (size_t i = 0; i < refs.size(); ++i)
    if (places_[i] != SIZE_MAX) found[i] = batch.item(places_[i]);
  return {};
}

Status Session::get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
                    std::vector<ddb::ItemView>& found) {
  TRY(find_keys(refs));
  Reader reader = TRY(Reader::take(*core_));
  Connection& connection = reader.connection();
  auto fetch_all = [&] { return fetch(connection, refs, batch, found); };
  if (refs.size() == 1 && !connection.access(*refs[0].table).needs_transaction())
    return as_store(fetch_all());
  return as_store(in_snapshot(connection, fetch_all));
}

Status Session::read(const PageRequest& request, Page& page) {
  Reader reader = TRY(Reader::take(*core_));
  TableAccess& access = reader.connection().access(*request.table);
  return as_store(in_snapshot(reader.connection(), [&] { return access.read(request, page); }));
}

Session::Group& Session::group_of(const ServedTable& table) {
  for (size_t i = 0; i < groups_used_; ++i)
    if (groups_[i].table->mapping == table.mapping) return groups_[i];
  if (groups_used_ == groups_.size()) groups_.emplace_back();
  Group& group = groups_[groups_used_++];
  group.table = &table;
  group.items = 0;
  group.keys.reset(table.mapping->tables().size());
  group.rows.reset(table.mapping->tables().size());
  return group;
}

Status Session::make_rows(std::span<const ItemRef> refs, std::span<const Decision> decisions) {
  groups_used_ = 0;
  for (size_t i = 0; i < refs.size(); ++i) {
    Decision::Kind kind = decisions[i].kind;
    if (kind == Decision::Kind::kKeep) continue;
    const ServedTable& table = *refs[i].table;
    TableRowsMaker& rows = maker(table);
    Group& group = group_of(table);
    ++group.items;
    // A plan's table must lose the key's rows elsewhere; a table made here is one table.
    if (kind == Decision::Kind::kDelete || !table.made_here)
      TRY(rows.add_key(table, refs[i].key, group.keys));
    if (kind == Decision::Kind::kPut) TRY(rows.add_item(decisions[i].item, group.rows));
  }
  return {};
}

Status Session::write_rows(Connection& connection) {
  if (groups_used_ == 0) return {};
  if (origin_.empty()) return write_groups(connection);
  if (!connection.set_origin.get()) {
    connection.set_origin = TRY(connection.db.prepare("INSERT INTO _offramp_origin VALUES (?1)"));
    connection.clear_origin = TRY(connection.db.prepare("DELETE FROM _offramp_origin"));
  }
  return in_savepoint(connection, [&]() -> Status {
    connection.set_origin.bind(1, std::string_view(origin_));
    TRY(connection.set_origin.run());
    TRY(write_groups(connection));
    return connection.clear_origin.run();
  });
}

Status Session::write_groups(Connection& connection) {
  auto write_all = [&]() -> Status {
    for (size_t i = 0; i < groups_used_; ++i)
      TRY(connection.access(*groups_[i].table).write(groups_[i].keys, groups_[i].rows));
    return {};
  };
  if (groups_used_ == 1 && TableAccess::one_statement(*groups_[0].table, groups_[0].items))
    return write_all();
  bool planned = false;
  for (size_t i = 0; i < groups_used_; ++i) planned |= !groups_[i].table->made_here;
  if (!planned) return in_savepoint(connection, write_all);
  return in_savepoint(connection, [&]() -> Status {
    const bool marked = TRY(connection.write_mark.begin(connection.db));
    TRY(write_all());
    return marked ? connection.write_mark.end() : Status();
  });
}

class WriteItems : public WriteJob {
 public:
  // `decide` is null when the rows are made already.
  WriteItems(Session& session, std::span<const ItemRef> refs, const StoreSession::Decide* decide)
      : session_(session), refs_(refs), decide_(decide) {}

  Status run(Connection& connection) override {
    if (!decide_) return as_store(session_.write_rows(connection));
    Status fetched = session_.fetch(connection, refs_, session_.old_batch_, session_.old_);
    if (!fetched.ok()) return as_store(std::move(fetched));
    session_.decisions_.assign(refs_.size(), {});
    TRY((*decide_)(session_.old_, session_.decisions_));
    TRY(session_.make_rows(refs_, session_.decisions_));
    return as_store(session_.write_rows(connection));
  }

 private:
  Session& session_;
  const std::span<const ItemRef> refs_;
  const StoreSession::Decide* const decide_;
};

Status Session::write(std::span<const ItemRef> refs, const Decide& decide) {
  TRY(find_keys(refs));
  WriteItems job(*this, refs, &decide);
  return core_->writes.run(job);
}

Status Session::write_blind(std::span<const ItemRef> refs, std::span<const Decision> decisions) {
  TRY(make_rows(refs, decisions));
  WriteItems job(*this, refs, nullptr);
  return core_->writes.run(job);
}

Status Session::set_origin(std::string_view origin) {
  origin_ = origin;
  return {};
}

Status Session::changes(const ServedTable& table, const ChangeLogName& log, uint64_t after,
                        uint64_t until, size_t changes_max, size_t bytes_max, ChangePage& page) {
  Reader reader = TRY(Reader::take(*core_));
  Connection& connection = reader.connection();
  return as_store(in_snapshot(connection, [&]() -> Status {
    auto [number, plan] = TRY(find_log(connection.db, log));
    if (plan.has_value() == table.made_here)
      return Error(ErrorKind::kInternal, "store.bad_log", "the change log is another table's");
    Connection::OpenLog* open = TRY(connection.log(table, number));
    if (plan) return open->plan_reader->read(*plan, after, until, changes_max, bytes_max, page);
    uint64_t last = TRY(last_number(connection.db, number));
    return open->reader->read(after, until, last, changes_max, bytes_max, page);
  }));
}

}  // namespace offramp::target::sqlite::serve
