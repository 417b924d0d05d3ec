// finish_load: unique keys, the plan's indexes, statistics. Killable at any instant; calling it
// again goes on.
#pragma once

#include "target/sqlite/connection.h"

namespace offramp::target::sqlite {

Result<Target::FinishOutcome> finish_load(io::SqliteDb& db, const Options& options,
                                          std::shared_ptr<const mapping::CompiledMapping> mapping,
                                          const std::string& migration,
                                          const std::function<Status(const Duplicate&)>& duplicate,
                                          const std::function<void(const std::string&)>& step);

}  // namespace offramp::target::sqlite
