// Settle: the second look at keys that differed while both sides were moving.
//
// A difference is a suspect until it has outlived every change that could explain it. A round: read
// the source's item (strongly consistent); wait until every change up to then, and kSlackMs more,
// is at the target; read the target's. Equal: settled. Different: read the source again and wait
// again; if the source's item is the same and no change of the key came in between, nothing can
// explain the difference. Two such rounds make a finding. A key that changes in every round stays
// unsettled. Only digests are held (C10).
#pragma once

#include <functional>
#include <stop_token>

#include "base/result.h"
#include "migrate/verify/scratch.h"
#include "migrate/verify/verify.h"

namespace offramp::migrate::verify {

// ApproximateCreationDateTime has whole seconds, and a record may come a moment after its write.
constexpr int64_t kSlackMs = 2000;
constexpr int kRoundsMax = 12;
constexpr size_t kSuspectsAtOnce = 20'000;

// Settles the suspects of `scratch`; `each` gets what is different for good. Gives the number of
// unsettled keys.
Result<uint64_t> settle(Migration& migration, MovingTarget& moving, Scratch& scratch,
                        Progress& progress, const Scratch::EachFinding& each, std::stop_token stop);

// The items of both sides of one key as they are now, for naming attributes. Either view may be
// empty.
struct BothSides {
  ddb::ItemBatch source_batch, target_batch;
  ddb::ItemView source, target;
};
Status read_both(Migration& migration, MovingTarget& moving, const std::string& key_json,
                 BothSides& out);

}  // namespace offramp::migrate::verify
