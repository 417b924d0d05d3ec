// Reading a change log: first how far it is complete, unless that is known, then its rows.
#include "target/postgres/serve/log_fields.h"
#include "target/postgres/serve/log_sql.h"
#include "target/postgres/serve/retry.h"
#include "target/postgres/serve/session.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

using mapping::Cell;

namespace {

// Of one statement.
constexpr size_t kRowsMax = 1024;
// What a session keeps for logs that it has read.
constexpr size_t kLogsMax = 200;
// Behind the fields of every entry; then the columns of the row before and after the change.
constexpr int kOldItem = kEntryFields, kNewItem = kOldItem + 1, kRows = kNewItem + 1;

std::chrono::milliseconds age_of(LogHorizons::Time at) {
  if (at == LogHorizons::Time::min()) return std::chrono::milliseconds::max();
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - at);
}

}  // namespace

Session::LogState& Session::log_of(const ChangeLogName& name, const ServedTable& served,
                                   const TableState& table) {
  std::string base = log_base_name(name);
  auto found = logs_.find(base);
  if (found != logs_.end() && found->second->mapping == table.mapping) return *found->second;
  auto forget = [&](LogState& log) {
    for (Statement* statement : {&log.last_number, &log.read}) channel_.forget(*statement);
    if (!log.plan) return;
    for (Statement* statement : {&log.plan->entries, &log.plan->lock, &log.plan->triggers_there})
      channel_.forget(*statement);
    auto forget_part = [&](PlanLogReading::Part& part) {
      channel_.forget(part.row);
      for (Statement& statement : part.children) channel_.forget(statement);
    };
    for (PlanLogReading::Part& part : log.plan->parents) forget_part(part);
    forget_part(log.plan->overflow);
  };
  if (found != logs_.end()) {
    forget(*found->second);
    logs_.erase(found);
  } else if (logs_.size() >= kLogsMax) {
    for (auto& [other, log] : logs_) forget(*log);
    logs_.clear();
  }
  LogNames names{schema_, base};
  auto log = std::make_unique<LogState>();
  log->base = base;
  log->mapping = table.mapping;
  log->last_number = last_number_statement(names);
  if (served.made_here)
    log->read = read_log_statement(names, table.table(table.parents[0].table));
  else
    log->plan.emplace(PlanLogNames(schema_, base), served);
  return *logs_.emplace(base, std::move(log)).first->second;
}

// The number up to which the log is complete, as far as `until` asks for it.
Result<LogHorizons::Known> Session::known_until(LogState& log, uint64_t until) {
  LogHorizons::Known known = horizons_->known(log.base);
  if (known.number >= until) return known;
  auto at = std::chrono::steady_clock::now();
  if (transactions_.sql.empty()) transactions_ = transactions_statement();
  // The number first: it must not be newer than what is said of the transactions.
  channel_.queue(log.last_number);
  channel_.queue(transactions_);
  TRY(channel_.run());
  if (channel_.result(0).rows() != 1)
    return Error(ErrorKind::kCorrupt, "postgres.log", "a change log has no number");
  return horizons_->looked(
      log.base, {.last = number_at(channel_.result(0), 0, 0),
                 .oldest = number_at(channel_.result(1), 0, 0),
                 .next_transaction = static_cast<uint32_t>(number_at(channel_.result(1), 0, 1)),
                 .at = at});
}

// One state of a change: the row from `first` on, or the overflow table's item. False: there is
// none, or somebody wrote what is no item, so that nobody has ever read one.
Result<bool> Session::take_state(TableState& state, const QueryResult& rows, int row, int first,
                                 int item, ddb::ItemBatch& batch) {
  ParentState& parent = state.parents[0];
  children_.clear();
  cells_.clear();
  memory_.reset(0);
  uint32_t table = parent.table;
  Status status;
  if (!rows.is_null(row, first)) {
    uint32_t columns = state.table(table).column_count();
    status = decode_row(rows.get(), row, first, columns, parent.decoder, cells_, memory_);
  } else if (!rows.is_null(row, item)) {
    table = state.overflow.table;
    cells_.resize(3);
    status = state.overflow.decoder.decode_field(rows.text(row, item), 2, cells_[2], memory_.arena,
                                                 memory_.cell_arena);
  } else {
    return false;
  }
  if (status.ok())
    status = state.assembler.assemble(table, cells_.data(), children_, batch.size(), batch);
  if (!status.ok() && status.error().kind() != ErrorKind::kCorrupt)
    return std::move(status).error();
  return status.ok();
}

Status Session::take_change(TableState& state, const QueryResult& rows, int row, ChangePage& page) {
  int columns = static_cast<int>(state.table(state.parents[0].table).columns.size());
  Change change;
  change.number = number_at(rows, row, kNumber);
  change.at_ms = milliseconds(number_at(rows, row, kAt));
  change.old_root = static_cast<uint32_t>(page.items.size());
  change.has_old = TRY(take_state(state, rows, row, kRows, kOldItem, page.items));
  change.new_root = static_cast<uint32_t>(page.items.size());
  change.has_new = TRY(take_state(state, rows, row, kRows + columns, kNewItem, page.items));
  if (!change.has_old && !change.has_new) return {};
  if (!rows.is_null(row, kOrigin)) change.origin = rows.text(row, kOrigin);
  page.changes.push_back(std::move(change));
  return {};
}

Status Session::changes_once(const ServedTable& table, const ChangeLogName& name, uint64_t after,
                             uint64_t until, size_t changes_max, size_t bytes_max,
                             ChangePage& page) {
  give_up_states();
  TRY(channel_.connect());
  TableState& state = *TRY(state_of(table));
  LogState& log = log_of(name, table, state);
  LogHorizons::Known known = TRY(known_until(log, until));
  if (known.number < until) page.behind = age_of(known.at);
  until = std::min(until, std::max(after, known.number));
  page.next = after;
  log.rows.begin_page();
  if (log.plan) return plan_changes(table, state, log, until, changes_max, bytes_max, page);
  while (page.next < until) {
    size_t limit = log.rows.rows(std::min(changes_max - page.changes.size(), kRowsMax), bytes_max);
    params_.clear();
    params_.add_int64(static_cast<int64_t>(page.next));
    params_.add_int64(static_cast<int64_t>(std::min<uint64_t>(until, INT64_MAX)));
    params_.add_int64(static_cast<int64_t>(limit));
    channel_.queue(log.read, params_);
    TRY(channel_.run());
    const QueryResult& rows = channel_.result(0);
    for (int row = 0; row < rows.rows(); ++row) {
      size_t items = page.items.size();
      TRY(take_change(state, rows, row, page));
      page.next = number_at(rows, row, kNumber);
      log.rows.add(page.items, items);
      if (log.rows.bytes() >= bytes_max || page.changes.size() >= changes_max) return {};
    }
    if (static_cast<size_t>(rows.rows()) < limit) page.next = until;
  }
  return {};
}

Status Session::changes(const ServedTable& table, const ChangeLogName& name, uint64_t after,
                        uint64_t until, size_t changes_max, size_t bytes_max, ChangePage& page) {
  if (changes_max == 0)
    return Error(ErrorKind::kUnsupported, "store.no_changes", "no changes are asked for");
  for (int conflicts = 0, renewals = 0;;) {
    page.items.reset();
    page.changes.clear();
    page.behind = {};
    Status status = changes_once(table, name, after, until, changes_max, bytes_max, page);
    if (status.ok()) return {};
    const std::string sqlstate = channel_.sqlstate();
    bool renew = status.error().kind() == ErrorKind::kUnavailable || is_stale_statement(sqlstate);
    if (renew && ++renewals < kRenewals) {
      channel_.close();
      continue;
    }
    if (is_conflict(sqlstate) && ++conflicts < kConflictRetries) continue;
    // The log's table; or one of a plan's, which was made anew with other columns or types.
    bool other_columns = sqlstate == "42703" || sqlstate == "42804" || sqlstate == "42883";
    if (sqlstate == "42P01" || (!table.made_here && other_columns))
      return Error(ErrorKind::kConfig, "store.no_log", status.error().message());
    return store_error(std::move(status).error(), sqlstate);
  }
}

Status Session::set_origin(std::string_view origin) {
  origin_ = origin;
  return {};
}

}  // namespace offramp::target::postgres
