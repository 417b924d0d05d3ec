// Few items by their keys: replacing them (apply) and reading them (get), in one transaction each.
//
// The keys go by COPY into temporary tables, one per parent table, that end with the transaction;
// rows are then deleted or read by a join.
#pragma once

#include "ddb/item_batch.h"
#include "mapping/rows.h"
#include "target/postgres/binding.h"
#include "target/postgres/connection.h"

namespace offramp::target::postgres {

// See Target::apply.
Status replace_items(Connection& connection, const Binding& binding, const mapping::RowBatch& keys,
                     const mapping::RowBatch& rows);

// The same inside the caller's transaction, which must be new to this connection's temporary tables.
Status replace_in_transaction(Connection& connection, const Binding& binding,
                              const mapping::RowBatch& keys, const mapping::RowBatch& rows);

// See Target::get. Appends to `batch`.
Status read_items(Connection& connection, std::shared_ptr<const Binding> binding,
                  const mapping::RowBatch& keys, ddb::ItemBatch& batch);

}  // namespace offramp::target::postgres
