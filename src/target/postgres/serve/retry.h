// What an error of the database means for a request: try again, and how often; and the store's
// error in the end.
#pragma once

#include <chrono>
#include <string_view>

#include "base/error.h"

namespace offramp::target::postgres {

constexpr int kConflictRetries = 25;  // others wrote the same items meanwhile
constexpr int kRenewals = 2;          // the connection or its prepared statements were gone
// So long no further connection is asked for when the server, or the role, has as many as it may.
constexpr std::chrono::seconds kNoConnectionFor{1};
// So long, and so often, one is asked for by whoever cannot go on without.
constexpr std::chrono::seconds kConnectionPatience{2};
constexpr std::chrono::milliseconds kConnectionPause{20};

// Deadlock or serialization failure: the transaction is rolled back whole.
bool is_conflict(std::string_view sqlstate);
// The prepared statements no longer are what they were: a changed table, a pooler that forgot them.
bool is_stale_statement(std::string_view sqlstate);
// A key that was absent is there now, or a unique constraint that the owner added.
inline bool is_duplicate(std::string_view sqlstate) { return sqlstate == "23505"; }

// The server had no further connection to give.
bool is_no_connection_left(const Error& error);

// See target/store.h for the codes.
Error store_error(Error error, std::string_view sqlstate);

}  // namespace offramp::target::postgres
