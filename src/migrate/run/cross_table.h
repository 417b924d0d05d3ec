// Keys of which images lie in more than one parent table.
//
// A dump that holds two images of one key may map them to different tables, where the target's own
// keys cannot see it. What is true afterwards: every key lies in one table; the image that the
// source gave last stayed, each other one is a dead letter "item.duplicate_key" (C7) that was
// durable before its rows went away. Killed anywhere and called again, it ends the same (C9).
// Memory is bounded (C10): a table of 2^24 marks, then only suspicious keys, in a private scratch
// file.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "ddb/value.h"
#include "migrate/migration.h"
#include "migrate/progress.h"

namespace offramp::migrate {

// After finish_load(). The number of keys that lay in more than one table. Costs nothing when only
// one parent table has rows; otherwise it reads the target once, and again where marks meet.
Result<uint64_t> separate_tables(Migration& migration, Progress& progress, int threads,
                                 const std::stop_token& stop);

// An image that had to leave `table` because another one is in `kept_in`; named by its content, so
// that filing it again changes nothing.
Status file_duplicate_letter(Migration& migration, ddb::ItemView item, const std::string& table,
                             const std::string& kept_in);

}  // namespace offramp::migrate
