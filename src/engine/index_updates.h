// GlobalSecondaryIndexUpdates of UpdateTable: what it may say, and what it makes of the table's
// entry.
//
// Creating and deleting go on in the background (index_builds.h); the entry says how far they are.
// Texts are observed ones of the service.
#pragma once

#include "base/result.h"
#include "engine/operation.h"

namespace offramp::engine {

// What can be said without the table.
Status check_index_updates(Json root);
// `changed` is the table as the rest of the request wants it.
Status change_indexes(Context& context, Json root, Table& changed);

}  // namespace offramp::engine
