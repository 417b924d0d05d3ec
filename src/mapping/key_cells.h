// The key attributes of an item ⇄ the key cells of a row.
//
// C8: an item fits a table only if its key cells give the same key attributes back. Not
// thread-safe: scratch inside.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "mapping/convert.h"
#include "mapping/row_shape.h"

namespace offramp::mapping {

// Partition and sort key of one item; the second is empty when the table has none.
using KeyValues = std::array<ddb::ValueView, 2>;

// Finds the key attributes; false with a reason when one is missing or of another type.
bool find_key(const model::KeySchema& schema, ddb::ItemView item, KeyValues& key, std::string& why);

enum class KeyFit {
  kNo,  // the templates or the columns' types do not take it
  kYes,
  kNul,      // a text column would hold a NUL, which this target cannot
  kTooLong,  // more bytes than Limits::key_bytes_max
};

class KeyCells {
 public:
  // Writes one cell per key column to `cells`.
  KeyFit split(const TableShape& shape, const Limits& limits, const KeyValues& key,
               base::Arena& bytes, Cell* cells);

  // As split(), of the partition key alone: the leading key cells, those of its template's
  // placeholders, of every item with this partition key that the table can hold.
  KeyFit split_partition(const TableShape& shape, const Limits& limits, ddb::ValueView partition,
                         base::Arena& bytes, Cell* cells);

  // Appends key attribute `number` (0 or 1), rebuilt from a row's key cells, under `name`.
  Status join(const TableShape& shape, const model::KeyAttribute& attribute, size_t number,
              const Cell* cells, std::string_view name, ddb::ItemBatch& batch);

 private:
  KeyFit split_parts(const TableShape& shape, const Limits& limits, const KeyValues& key,
                     size_t parts, base::Arena& bytes, Cell* cells);

  std::vector<std::string_view> taken_;  // text of each key column
  CellReader reader_;
  base::Arena unused_cells_;
};

}  // namespace offramp::mapping
