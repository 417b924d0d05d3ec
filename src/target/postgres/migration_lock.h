// The lock that every writing connection of a migration holds, so that a new process can be sure
// that the server has ended what a killed one had begun (C9).
//
// A killed client's server process lives on until it notices: it may still commit a transaction, or
// go on building an index. So prepare() ends those sessions and waits for them before positions are
// read. The lock is a session's advisory lock (shared by writers); it goes with the connection.
#pragma once

#include <string>

#include "target/postgres/connection.h"

namespace offramp::target::postgres {

// Writers hold it as long as their connection lives. Calling it again changes nothing.
Status hold_migration_lock(Connection& connection, const std::string& migration);

// Ends sessions of earlier processes that still hold the lock and returns when they are gone.
// kUnavailable when one does not end within a minute.
Status end_earlier_sessions(Connection& connection, const std::string& migration);

// Makes this connection the only writer of the lane: an earlier session of the lane is ended, and
// what it had begun is over when this returns. Sessions of other lanes go on. kUnavailable when it
// does not end within a minute.
Status take_lane(Connection& connection, const std::string& migration, const std::string& lane);

}  // namespace offramp::target::postgres
