// libpq's pipeline mode with a socket that does not block: while requests are sent, answers are
// taken in, so that both sides never wait for each other with full buffers.
#include "target/postgres/serve/channel.h"

#include <fmt/format.h>
#include <poll.h>

namespace offramp::target::postgres {
namespace {

// Plans must be ordered index scans, whatever the statistics say (there are none of a new table),
// and are made once. Waiting for a row that someone has locked ends before a client gives up.
constexpr const char* kSessionSettings =
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = "
    "off; SET enable_sort = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = "
    "off; SET max_parallel_workers_per_gather = 0; SET idle_in_transaction_session_timeout = '60s'";
// A superuser's setting before PostgreSQL 15's grants.
constexpr const char* kDeadlockSetting = "SET deadlock_timeout = '200ms'";

}  // namespace

Status Channel::connect() {
  sqlstate_.clear();
  // What a failed call left queued, or open, must not become part of the next one.
  bool clean =
      connection_ && entries_.empty() && PQtransactionStatus(connection_->raw()) == PQTRANS_IDLE;
  if (clean && connection_->alive()) return {};
  close();
  Status opened;
  io::run_blocking([&] { opened = open(); });
  return opened;
}

Status Channel::open() {
  Connection connection = TRY(Connection::open(url_));
  where_ = connection.where();
  TRY(connection.execute(
      fmt::format("{}; SET lock_timeout = '{}'", kSessionSettings, lock_timeout_),
      "set up the session"));
  Status set = connection.execute(kDeadlockSetting, "set up the session");
  if (!set.ok() && connection.last_sqlstate() != "42501") return set;
  if (!PQenterPipelineMode(connection.raw()) || PQsetnonblocking(connection.raw(), 1) != 0)
    return Error(ErrorKind::kInternal, "postgres.pipeline",
                 where_ + ": cannot enter the pipeline mode");
  connection_ = std::move(connection);
  ++generation_;
  entries_.clear();
  forgotten_.clear();
  queued_ = 0;
  send_failed_ = false;
  return {};
}

void Channel::close() {
  waiter_.reset();
  connection_.reset();
}

void Channel::wait(short events) {
  if (io::Fiber* fiber = io::Fiber::current()) {
    if (!waiter_) waiter_ = fiber->scheduler().watch(PQsocket(connection_->raw()));
    return waiter_->wait(events);
  }
  pollfd socket{PQsocket(connection_->raw()), events, 0};
  poll(&socket, 1, -1);
}

PGresult* Channel::next_result() {
  PGconn* raw = connection_->raw();
  while (PQisBusy(raw)) {
    wait(POLLIN);
    if (!PQconsumeInput(raw)) break;  // PQgetResult says what is wrong
  }
  return PQgetResult(raw);
}

void Channel::queue(Statement& statement) {
  none_.clear();
  queue(statement, none_);
}

void Channel::queue(Statement& statement, Params& params) {
  PGconn* raw = connection_->raw();
  if (queued_++ == 0) results_.clear();
  if (statement.prepared != generation_) {
    if (statement.name.empty()) statement.name = fmt::format("offramp{}", ++names_);
    if (!PQsendPrepare(raw, statement.name.c_str(), statement.sql.c_str(),
                       static_cast<int>(statement.types.size()), statement.types.data()))
      send_failed_ = true;
    statement.prepared = generation_;
    entries_.push_back({&statement, true});
  }
  ASSERT(params.size() == statement.types.size());
  if (!PQsendQueryPrepared(raw, statement.name.c_str(), static_cast<int>(params.size()),
                           params.values(), params.lengths(), params.formats(), 1))
    send_failed_ = true;
  entries_.push_back({&statement, false});
}

void Channel::forget(Statement& statement) {
  if (connection_ && statement.prepared == generation_) forgotten_.push_back(statement.name);
  statement.prepared = 0;
}

Status Channel::lost(std::string_view doing) {
  std::string message = connection_ ? PQerrorMessage(connection_->raw()) : "";
  message = message.substr(0, message.find('\n'));
  close();
  entries_.clear();
  results_.clear();
  queued_ = 0;
  send_failed_ = false;
  sqlstate_.clear();
  constraint_.clear();
  return Error(ErrorKind::kUnavailable, "postgres.lost",
               fmt::format("{}: the connection was lost while trying to {}{}{}", where_, doing,
                           message.empty() ? "" : ": ", message));
}

Status Channel::send() {
  PGconn* raw = connection_->raw();
  // Behind all else: in front of a BEGIN they would have begun a transaction already, whose
  // isolation level cannot be set any more. After an error they are not done; the server keeps
  // those statements.
  for (const std::string& name : forgotten_) {
    std::string sql = "DEALLOCATE " + name;
    if (!PQsendQueryParams(raw, sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1))
      send_failed_ = true;
    entries_.push_back({&deallocate_, true});
  }
  forgotten_.clear();
  if (send_failed_ || !PQpipelineSync(raw)) return lost("send a request");
  for (;;) {
    int left = PQflush(raw);
    if (left == 0) return {};
    if (left < 0) return lost("send a request");
    wait(POLLIN | POLLOUT);
    if (!PQconsumeInput(raw)) return lost("read an answer");
  }
}

Status Channel::run() {
  ASSERT(connection_ && !entries_.empty());
  sqlstate_.clear();
  constraint_.clear();
  TRY(send());
  return collect();
}

Status Channel::collect() {
  PGconn* raw = connection_->raw();
  std::optional<Error> failed;
  bool unusable = false;
  for (const Entry& entry : entries_) {
    PGresult* first = next_result();
    if (!first) return lost(entry.statement->doing);
    QueryResult result(first);
    ExecStatusType state = PQresultStatus(first);
    if (state == PGRES_COMMAND_OK || state == PGRES_TUPLES_OK) {
      if (!entry.prepare) results_.push_back(std::move(result));
    } else if (state == PGRES_PIPELINE_ABORTED) {
      if (entry.prepare) entry.statement->prepared = 0;
    } else {
      Error error = connection_->error_of(first, entry.statement->doing);
      if (entry.prepare) entry.statement->prepared = 0;
      sqlstate_ = connection_->last_sqlstate();
      if (PQstatus(raw) != CONNECTION_OK || sqlstate_ == "08006") {
        Status status = lost(entry.statement->doing);
        return error.kind() == ErrorKind::kUnavailable ? Status(std::move(error))
                                                       : std::move(status);
      }
      constraint_ = connection_->last_constraint();
      unusable = sqlstate_.starts_with("57P");
      failed = std::move(error);
    }
    while (PGresult* more = next_result()) {
      PQclear(more);
      if (PQstatus(raw) != CONNECTION_OK) return lost(entry.statement->doing);
    }
  }
  PGresult* end = next_result();
  bool synced = end && PQresultStatus(end) == PGRES_PIPELINE_SYNC;
  PQclear(end);
  entries_.clear();
  queued_ = 0;
  if (!synced && !failed) return lost("end a request");
  if (!synced || unusable) {
    close();
    return std::move(*failed);
  }
  if (!failed) return {};
  end_failed_transaction();
  return std::move(*failed);
}

void Channel::end_failed_transaction() {
  if (!connection_ || PQtransactionStatus(connection_->raw()) == PQTRANS_IDLE) return;
  PGconn* raw = connection_->raw();
  std::string sqlstate = sqlstate_, constraint = constraint_;
  bool ended = PQsendQueryParams(raw, "ROLLBACK", 0, nullptr, nullptr, nullptr, nullptr, 1) &&
               PQpipelineSync(raw);
  for (int nulls = 0; ended && nulls < 2;) {
    PGresult* result = next_result();
    if (!result) {
      ++nulls;
      continue;
    }
    nulls = 0;
    bool sync = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    PQclear(result);
    if (sync) break;
  }
  if (!ended || PQtransactionStatus(raw) != PQTRANS_IDLE) close();
}

}  // namespace offramp::target::postgres
