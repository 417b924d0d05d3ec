// Connection: one libpq connection with errors as Error.
//
// Every error names the server and database ("db.internal:5432/app"), never a password: passwords
// come from PGPASSWORD or pgpass and the URL is not repeated. Notices are silenced, timeouts of the
// session are off, keepalives on. Not thread-safe: one thread at a time.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "target/postgres/script.h"

namespace offramp::target::postgres {

// The rows of a query in text form.
class QueryResult {
 public:
  explicit QueryResult(PGresult* result) : result_(result) {}
  int rows() const { return PQntuples(result_.get()); }
  bool is_null(int row, int column) const { return PQgetisnull(result_.get(), row, column); }
  std::string_view text(int row, int column) const {
    return {PQgetvalue(result_.get(), row, column),
            static_cast<size_t>(PQgetlength(result_.get(), row, column))};
  }
  const PGresult* get() const { return result_.get(); }
  // The number of rows that a command touched; 0 when it touches none.
  uint64_t affected() const;

 private:
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  std::unique_ptr<PGresult, Clear> result_;
};

class Connection {
 public:
  static Result<Connection> open(const std::string& url);

  // One or more statements; `doing` says what for ("add the primary key of orders").
  Status execute(const std::string& sql, std::string_view doing);
  // One statement with text parameters ($1 …).
  Result<QueryResult> query(const std::string& sql, const std::vector<std::string>& parameters,
                            std::string_view doing);

  // One result per step. After an error, `at` is the step that failed.
  Result<std::vector<QueryResult>> run(const Script& script, size_t& at);

  // COPY … FROM STDIN: begin, any number of puts, end. end() gives the server's verdict.
  Status begin_copy_in(const std::string& sql, std::string_view doing);
  Status put_copy(std::string_view bytes, std::string_view doing);
  Status end_copy_in(std::string_view doing);
  // COPY … TO STDOUT: then next_copy() per row; false at the end. The bytes live until the next
  // call on `row`.
  struct FreeCopyRow {
    void operator()(char* bytes) const { PQfreemem(bytes); }
  };
  using CopyRow = std::unique_ptr<char, FreeCopyRow>;
  Status begin_copy_out(const std::string& sql, std::string_view doing);
  Result<bool> next_copy(CopyRow& row, size_t& size, std::string_view doing);

  // False when the server has closed the connection, as far as this side has heard.
  bool alive();
  // Nothing but alive() and moving into it may follow.
  void close() { connection_.reset(); }
  // Ends a failed transaction; errors of a lost connection are left to the next call.
  void rollback();

  // For callers that speak libpq's pipeline mode themselves.
  PGconn* raw() { return connection_.get(); }
  // What a failed result means; also sets last_sqlstate() and its like. nullptr: the connection was
  // lost.
  Error error_of(const PGresult* result, std::string_view doing) {
    return result_error(result, doing);
  }

  // "db.internal:5432/app"
  const std::string& where() const { return where_; }
  int server_version() const { return PQserverVersion(connection_.get()); }
  // The SQLSTATE and the COPY row (1-based; 0 = not said) of the newest error.
  const std::string& last_sqlstate() const { return last_sqlstate_; }
  // The constraint and column that the newest error names; may be empty.
  const std::string& last_constraint() const { return last_constraint_; }
  const std::string& last_column() const { return last_column_; }
  uint64_t last_copy_line() const { return last_copy_line_; }

 private:
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  explicit Connection(PGconn* connection) : connection_(connection) {}
  Status wait_connected(int timeout_seconds);
  Status check_and_configure();
  Error result_error(const PGresult* result, std::string_view doing);
  Error lost(std::string_view doing);
  // Reads the results of the newest command to their end; the first error of them.
  Status drain(std::string_view doing);

  std::unique_ptr<PGconn, Finish> connection_;
  std::string where_;
  std::string last_sqlstate_, last_constraint_, last_column_;
  uint64_t last_copy_line_ = 0;
};

}  // namespace offramp::target::postgres
