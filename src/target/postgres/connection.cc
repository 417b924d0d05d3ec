#include "target/postgres/connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <charconv>
#include <chrono>
#include <cstring>

#include "target/postgres/server_error.h"

namespace offramp::target::postgres {
namespace {

constexpr int kConnectSecondsDefault = 15;
constexpr int kServerVersionMin = 100000;

std::string first_line(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')));
}

std::string name_server(PGconn* connection) {
  auto text = [](const char* value) { return std::string(value ? value : ""); };
  std::string host = text(PQhost(connection));
  std::string port = text(PQport(connection));
  std::string database = text(PQdb(connection));
  return fmt::format("{}{}{}/{}", host.empty() ? "localhost" : host, port.empty() ? "" : ":", port,
                     database);
}

// libpq's own messages about a URL may repeat the URL with its password.
Status check_url(const std::string& url) {
  char* message = nullptr;
  PQconninfoOption* options = PQconninfoParse(url.c_str(), &message);
  if (options) {
    PQconninfoFree(options);
    return {};
  }
  std::string why = message ? first_line(message) : "out of memory";
  PQfreemem(message);
  if (why.find("://") != why.npos)
    why = "it is not of the form postgresql://[user@]host[:port]/database";
  return Error(ErrorKind::kConfig, "postgres.url", "the target URL cannot be used: " + why);
}

int connect_timeout_seconds(PGconn* connection) {
  int seconds = 0;
  PQconninfoOption* options = PQconninfo(connection);
  for (PQconninfoOption* option = options; option && option->keyword; ++option)
    if (std::string_view(option->keyword) == "connect_timeout" && option->val)
      std::from_chars(option->val, option->val + std::strlen(option->val), seconds);
  PQconninfoFree(options);
  return seconds > 0 ? seconds : kConnectSecondsDefault;
}

}  // namespace

uint64_t QueryResult::affected() const {
  std::string_view text = PQcmdTuples(result_.get());
  uint64_t count = 0;
  std::from_chars(text.data(), text.data() + text.size(), count);
  return count;
}

Result<Connection> Connection::open(const std::string& url) {
  TRY(check_url(url));
  // What stands before dbname can be overridden by the URL, what stands behind cannot.
  // tcp_user_timeout bounds a COPY whose bytes nobody acknowledges, where keepalives do not help.
  const char* keywords[] = {
      "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
      "tcp_user_timeout",          "dbname",          "client_encoding",     nullptr};
  const char* values[] = {"offramp", "30", "10", "3", "120000", url.c_str(), "UTF8", nullptr};
  PGconn* raw = PQconnectStartParams(keywords, values, 1);
  if (!raw)
    return Error(ErrorKind::kUnavailable, "postgres.memory",
                 "out of memory while connecting to PostgreSQL");
  Connection connection(raw);
  // Verbose messages carry the SQLSTATE, which libpq does not give otherwise when connecting fails.
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);
  PQsetNoticeProcessor(
      raw, [](void*, const char*) {}, nullptr);
  connection.where_ = name_server(raw);
  TRY(connection.wait_connected(connect_timeout_seconds(raw)));
  connection.where_ = name_server(raw);
  TRY(connection.check_and_configure());
  return connection;
}

Status Connection::wait_connected(int timeout_seconds) {
  PGconn* raw = connection_.get();
  auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_seconds);
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  while (PQstatus(raw) != CONNECTION_BAD && state != PGRES_POLLING_OK &&
         state != PGRES_POLLING_FAILED) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0)
      return Error(
          ErrorKind::kUnavailable, "postgres.connect_timeout",
          fmt::format("{}: no answer within {} s; check the address, or run the same command again",
                      where_, timeout_seconds));
    pollfd poll_for{PQsocket(raw),
                    static_cast<short>(state == PGRES_POLLING_READING ? POLLIN : POLLOUT), 0};
    if (poll(&poll_for, 1, static_cast<int>(left.count())) > 0) state = PQconnectPoll(raw);
  }
  if (PQstatus(raw) == CONNECTION_OK) return {};
  std::string_view message = PQerrorMessage(raw);
  std::string_view sqlstate = sqlstate_of_message(message);
  if (!sqlstate.empty()) {
    size_t at = message.find(sqlstate);
    return server_error(sqlstate, first_line(message.substr(at + 7)), "connect", where_);
  }
  if (message.find("could not translate host name") != message.npos ||
      message.find("no password supplied") != message.npos)
    return Error(
        ErrorKind::kConfig, "postgres.address",
        fmt::format("{}: cannot connect: {}; correct the target URL, PGPASSWORD or the pgpass file",
                    where_, first_line(message)));
  return Error(
      ErrorKind::kUnavailable, "postgres.connect",
      fmt::format(
          "{}: cannot connect: {}; check that the server is up, then run the same command again",
          where_, first_line(message)));
}

Status Connection::check_and_configure() {
  const char* encoding = PQparameterStatus(connection_.get(), "server_encoding");
  if (!encoding || std::string_view(encoding) != "UTF8")
    return Error(ErrorKind::kConfig, "postgres.encoding",
                 fmt::format("{}: the database's encoding is {}; create one with ENCODING 'UTF8'",
                             where_, encoding ? encoding : "unknown"));
  if (server_version() < kServerVersionMin)
    return Error(
        ErrorKind::kUnsupported, "postgres.version",
        fmt::format("{}: the server is older than PostgreSQL 10; use a newer one", where_));
  // A role or database may have synchronous_commit off: then no flush() would be durable (C5).
  return execute(
      "SET statement_timeout = 0; SET lock_timeout = 0; SET idle_in_transaction_session_timeout = "
      "0; "
      "SET client_min_messages = error; "
      "SELECT set_config('synchronous_commit', 'on', false) "
      "WHERE current_setting('synchronous_commit') = 'off'",
      "set up the session");
}

Error Connection::lost(std::string_view doing) {
  last_sqlstate_ = "08006";
  last_constraint_.clear();
  last_column_.clear();
  std::string message = first_line(PQerrorMessage(connection_.get()));
  return Error(
      ErrorKind::kUnavailable, "postgres.lost",
      fmt::format("{}: the connection was lost while trying to {}{}{}; run the same command again",
                  where_, doing, message.empty() ? "" : ": ", message));
}

Error Connection::result_error(const PGresult* result, std::string_view doing) {
  auto field = [&](int which) {
    const char* text = result ? PQresultErrorField(result, which) : nullptr;
    return std::string_view(text ? text : "");
  };
  std::string_view sqlstate = field(PG_DIAG_SQLSTATE);
  if (sqlstate.empty() && PQstatus(connection_.get()) != CONNECTION_OK) return lost(doing);
  last_sqlstate_ = sqlstate;
  last_constraint_ = field(PG_DIAG_CONSTRAINT_NAME);
  last_column_ = field(PG_DIAG_COLUMN_NAME);
  last_copy_line_ = 0;
  // "COPY orders, line 5, column total": which row it was.
  std::string_view context = field(PG_DIAG_CONTEXT);
  if (size_t at = context.find(", line "); at != context.npos)
    std::from_chars(context.data() + at + 7, context.data() + context.size(), last_copy_line_);
  if (sqlstate.empty())
    return Error(ErrorKind::kInternal, "postgres.protocol",
                 fmt::format("{}: cannot {}: {}", where_, doing,
                             first_line(PQerrorMessage(connection_.get()))));
  return server_error(sqlstate, field(PG_DIAG_MESSAGE_PRIMARY), doing, where_);
}

Status Connection::drain(std::string_view doing) {
  Status status;
  while (PGresult* raw = PQgetResult(connection_.get())) {
    QueryResult result(raw);
    ExecStatusType state = PQresultStatus(raw);
    if (state == PGRES_COPY_IN || state == PGRES_COPY_OUT) {
      // Only after a lost connection or a defect; ending here avoids an endless loop.
      return status.ok() ? Status(lost(doing)) : std::move(status);
    }
    if (status.ok() && state != PGRES_COMMAND_OK && state != PGRES_TUPLES_OK &&
        state != PGRES_EMPTY_QUERY)
      status = result_error(raw, doing);
  }
  return status;
}

Status Connection::execute(const std::string& sql, std::string_view doing) {
  if (!PQsendQuery(connection_.get(), sql.c_str())) return lost(doing);
  return drain(doing);
}

Result<QueryResult> Connection::query(const std::string& sql,
                                      const std::vector<std::string>& parameters,
                                      std::string_view doing) {
  std::vector<const char*> values;
  for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
  QueryResult result(PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                                  nullptr, values.data(), nullptr, nullptr, 0));
  // QueryResult owns it; status of a null result is PGRES_FATAL_ERROR.
  ExecStatusType state = PQresultStatus(result.get());
  if (state != PGRES_COMMAND_OK && state != PGRES_TUPLES_OK)
    return result_error(result.get(), doing);
  return result;
}

Status Connection::begin_copy_in(const std::string& sql, std::string_view doing) {
  QueryResult result(PQexec(connection_.get(), sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_COPY_IN) return result_error(result.get(), doing);
  return {};
}

Status Connection::put_copy(std::string_view bytes, std::string_view doing) {
  // Small pieces keep libpq's output buffer small; it copies them once.
  constexpr size_t kPieceBytes = 64 * 1024;
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, kPieceBytes);
    if (PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) != 1) {
      // The server may have said why before it closed the connection.
      TRY(drain(doing));
      return lost(doing);
    }
    bytes.remove_prefix(piece.size());
  }
  return {};
}

Status Connection::end_copy_in(std::string_view doing) {
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) {
    TRY(drain(doing));
    return lost(doing);
  }
  return drain(doing);
}

Status Connection::begin_copy_out(const std::string& sql, std::string_view doing) {
  QueryResult result(PQexec(connection_.get(), sql.c_str()));
  if (PQresultStatus(result.get()) != PGRES_COPY_OUT) return result_error(result.get(), doing);
  return {};
}

Result<bool> Connection::next_copy(CopyRow& row, size_t& size, std::string_view doing) {
  char* bytes = nullptr;
  int got = PQgetCopyData(connection_.get(), &bytes, 0);
  row.reset(bytes);
  size = got > 0 ? static_cast<size_t>(got) : 0;
  if (got > 0) return true;
  TRY(drain(doing));
  if (got == -1) return false;
  return lost(doing);
}

bool Connection::alive() {
  // Reads what has arrived, the server's last words and the stream's end included; does not wait.
  if (!connection_) return false;
  pollfd readable{PQsocket(connection_.get()), POLLIN, 0};
  while (PQstatus(connection_.get()) == CONNECTION_OK && poll(&readable, 1, 0) > 0)
    if (PQconsumeInput(connection_.get()) != 1) return false;
  return PQstatus(connection_.get()) == CONNECTION_OK;
}

void Connection::rollback() {
  if (PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
  Status ignored = execute("ROLLBACK", "roll back");
  static_cast<void>(ignored);
}

}  // namespace offramp::target::postgres
