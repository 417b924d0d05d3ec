// Few items by their keys (get), read in one transaction with one snapshot.
//
// The keys go by COPY into staging tables, one per parent table; rows are then read by a join.
#pragma once

#include "ddb/item_batch.h"
#include "mapping/rows.h"
#include "target/postgres/binding.h"
#include "target/postgres/connection.h"
#include "target/postgres/staging.h"

namespace offramp::target::postgres {

// See Target::get. Appends to `batch`. `staging` is the connection's.
Status read_items(Connection& connection, Staging& staging, std::shared_ptr<const Binding> binding,
                  const mapping::RowBatch& keys, ddb::ItemBatch& batch);

}  // namespace offramp::target::postgres
