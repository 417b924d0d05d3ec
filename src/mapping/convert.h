// Value ⇄ typed cell, one pair per column type. A value becomes a cell only if the cell gives the
// same value back (C8).
//
// Cells of text, numbers and bytes point into the value's own bytes; all other bytes go into the
// arenas. Not thread-safe: one CellReader per thread. What does not fit is not an error: it stays
// in `extra`.
#pragma once

#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "ddb/item_batch.h"
#include "ddb/wire_json.h"
#include "mapping/rows.h"
#include "model/mapping_spec.h"

namespace offramp::mapping {

struct Conversion {
  model::ColumnType type = model::ColumnType::kText;
  model::TimeFormat time_format = model::TimeFormat::kIso;
  bool text_allows_nul = false;
};

// False, and `cell` untouched, when the column cannot give this value back.
bool to_cell(const Conversion& conversion, ddb::ValueView value, base::Arena& bytes,
             base::Arena& cells, Cell& cell);

// Bytes that a cell brings with it, array members included.
size_t cell_bytes(const Cell& cell);

class CellReader {
 public:
  // Appends the value of a cell that is not SQL NULL, under `name`. Bytes are copied into
  // batch.arena. kCorrupt when to_cell cannot have written the cell; then nothing is appended.
  Status read(const Conversion& conversion, const Cell& cell, std::string_view name,
              ddb::ItemBatch& batch);

 private:
  Status read_array(const Conversion& conversion, const Cell& cell, std::string_view name,
                    ddb::ItemBatch& batch);

  ddb::JsonDecoder decoder_;
  std::vector<std::string_view> sorted_;  // scratch
};

}  // namespace offramp::mapping
