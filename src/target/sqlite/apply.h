// Changes as images: a key's old rows go away in every table, the new image's rows come in, in one
// transaction (C4).
#pragma once

#include "io/sqlite_db.h"
#include "mapping/compiled_mapping.h"

namespace offramp::target::sqlite {

// `keys`: rows of key_columns cells per parent table, as Splitter::key_rows gives them. Applying
// the same again changes nothing.
Status apply_rows(io::SqliteDb& db, const mapping::CompiledMapping& mapping,
                  const mapping::RowBatch& keys, const mapping::RowBatch& rows);

}  // namespace offramp::target::sqlite
