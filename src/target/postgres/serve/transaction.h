// A transaction over one connection: all of it, or none.
#pragma once

#include <string>

#include "target/postgres/connection.h"
#include "target/postgres/serve/retry.h"

namespace offramp::target::postgres {

// Runs `steps` in one transaction; the error is the store's.
template <class Steps>
Status in_transaction(Connection& connection, Steps steps) {
  TRY(connection.execute("BEGIN", "begin"));
  Status status = steps();
  std::string sqlstate = connection.last_sqlstate();
  if (status.ok()) {
    status = connection.execute("COMMIT", "commit");
    if (!status.ok()) sqlstate = connection.last_sqlstate();
  }
  if (status.ok()) return {};
  connection.rollback();
  return store_error(std::move(status).error(), sqlstate);
}

}  // namespace offramp::target::postgres
