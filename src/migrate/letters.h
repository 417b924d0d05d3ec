// Retrying dead letters: the item goes through the mapping again and, if it fits now, into the
// target.
#pragma once

#include <vector>

#include "base/result.h"
#include "migrate/migration.h"

namespace offramp::migrate {

struct RetryOutcome {
  uint64_t applied = 0;
  std::vector<std::pair<int64_t, std::string>> still_refused;  // letter, why
};

// The given open or waived letters; with an empty list all open ones but duplicates, of which a
// person has to choose the copy that is to stay.
Result<RetryOutcome> retry_letters(Migration& migration, const std::vector<int64_t>& ids);

}  // namespace offramp::migrate
