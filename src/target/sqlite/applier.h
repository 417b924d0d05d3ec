// Applier of SQLite: a connection of its own, one transaction per batch with the lane's position.
//
// SQLite has one writer, so the appliers of a target take turns over a mutex; another process in
// the way is waited for (busy timeout), then kRetry. Commits are synchronous=FULL: with NORMAL a
// power loss would take back transactions that apply() had acknowledged, after the spool had let go
// of their changes (C5).
#pragma once

#include <mutex>

#include "target/sqlite/connection.h"
#include "target/target.h"

namespace offramp::target::sqlite {

// `turn`: shared by all that write into this file in this process while changes are applied.
Result<std::unique_ptr<Applier>> make_applier(
    const Options& options, std::shared_ptr<const mapping::CompiledMapping> mapping,
    const std::string& migration, const std::string& lane, std::shared_ptr<std::mutex> turn);

}  // namespace offramp::target::sqlite
