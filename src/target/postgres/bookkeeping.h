// The schema `offramp` at the target: which migrations loaded here, and how far each partition came
// (C5).
//
// Stored form, version 1:
//   offramp.migration (id text PRIMARY KEY, created timestamptz, version int)
//   offramp.checkpoint (migration text, partition text, records bigint, token text, done bool,
//                       PRIMARY KEY (migration, partition))
// (partition and token with bytes that text cannot hold written as \xHH, and '\' as \x5c)
// and a comment 'offramp migration ID' on each table of a migration, which tells ours from others'.
#pragma once

#include <map>
#include <string>

#include "model/position.h"
#include "target/postgres/binding.h"
#include "target/postgres/connection.h"
#include "target/target.h"

namespace offramp::target::postgres {

constexpr int kBookkeepingVersion = 1;
// Two offramp processes must not create the same objects at once. Any fixed number.
constexpr const char* kPrepareLock = "SELECT pg_advisory_xact_lock(7306861130427654)";

// Creates what is missing, in one transaction; see Target::prepare.
Status prepare_tables(Connection& connection, const Binding& binding, Target::Start start);

// kGap when the database has no trace of the migration.
Status check_migration(Connection& connection, const Binding& binding);

// Empty when nothing was ever loaded.
Result<std::map<std::string, model::Position>> read_positions(Connection& connection,
                                                              const Binding& binding);

// Records the positions inside the caller's transaction.
Status write_positions(Connection& connection, const Binding& binding,
                       const std::map<std::string, model::Position>& positions);

// The statement that moves a lane's position inside the caller's transaction, which waits for
// whoever is doing the same; it touches no row when another token than `expected` is stored.
std::string move_position_sql(const Binding& binding, const std::string& lane,
                              std::string_view expected, const model::Position& after);

}  // namespace offramp::target::postgres
