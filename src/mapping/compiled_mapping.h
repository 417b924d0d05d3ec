// CompiledMapping: the plan's tables compiled once; item → rows and rows → the identical item (C8).
//
// A value goes into a typed column only if converting it back gives the same value; otherwise it
// goes, typed, into the `extra` column of the same row (a JSON column, see extra.h). An item whose
// key the target cannot index (too long, a NUL byte in text) goes whole into the overflow table,
// which every mapping has as its last table. Constant after compile(): any number of threads may
// use one mapping, each with its own Splitter/Assembler.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "mapping/rows.h"
#include "model/mapping_spec.h"
#include "model/table_spec.h"

namespace offramp::mapping {

// What the compiler must know of a target. Filled by the target's capabilities().
struct Limits {
  size_t identifier_bytes_max = 63;
  size_t columns_max = 1600;
  size_t key_bytes_max = 2600;  // sum of a row's text, numeric and bytes key cells
  size_t cell_bytes_max = 512u << 20;
  bool text_allows_nul = false;
  // Of a row with its long values elsewhere (row_limits.h), and of the values of one index.
  size_t row_bytes_max = SIZE_MAX;
  size_t index_bytes_max = SIZE_MAX;
  std::vector<std::string> column_names_reserved;  // lower case; no column can have them
};

enum class TableRole { kParent, kChild, kOverflow };

struct Column {
  std::string name;
  model::ColumnType type;
  model::TimeFormat time_format = model::TimeFormat::kIso;
  bool key = false;    // part of the primary key: never NULL
  bool extra = false;  // the `extra` column
};

struct Index {
  std::string name;
  std::vector<uint32_t> columns;
};

// A table as the target must make it. Column order = cell order. Key columns come first, in primary
// key order; a child's key is its parent's key columns followed by the ordinal (bigint).
struct Table {
  std::string name;
  TableRole role = TableRole::kParent;
  uint32_t parent = 0;             // of a child: index into tables()
  std::vector<uint32_t> children;  // of a parent
  std::vector<Column> columns;
  uint32_t key_columns = 0;  // the first key_columns columns
  std::vector<Index> indexes;
  uint32_t source_mapping = 0;  // index into the MappingSpec

  uint32_t column_count() const { return static_cast<uint32_t>(columns.size()); }
};

// What became of one item.
enum class Outcome : uint8_t { kRow, kOverflow, kSkipped, kRefused };

// Counters of where attribute values went, per mapped attribute; feeds the fidelity report.
struct AttributeFate {
  std::string table;
  std::string attribute;  // document path, for people
  std::string column;     // empty: goes to `extra` by design
  std::string type;
  uint64_t values = 0;  // items that have the attribute
  uint64_t through_extra =
      0;  // of these: kept in `extra` because the column could not hold them exactly
  uint64_t dropped = 0;
};

class CompiledMapping {
 public:
  // kConfig errors name line, column and the nearest valid name. `overflow_of`: the source's table,
  // when several of them move into one database, so that each has an overflow table of its own.
  static Result<std::shared_ptr<const CompiledMapping>> compile(const model::MappingSpec& spec,
                                                                const model::KeySchema& key,
                                                                const Limits& limits,
                                                                std::string_view overflow_of = {});
  ~CompiledMapping();

  const std::vector<Table>& tables() const;
  uint32_t overflow_table()
      const;  // index of the overflow table: (key_hash bytea PRIMARY KEY, reason text, item jsonb)
  const model::KeySchema& key() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }

 private:
  explicit CompiledMapping(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Item → rows. One per thread.
class Splitter {
 public:
  explicit Splitter(std::shared_ptr<const CompiledMapping> mapping);
  ~Splitter();

  // Appends the item's rows. kRefused (with `why`) when the item has no usable key or no table
  // takes it.
  Outcome split(ddb::ItemView item, RowBatch& rows, std::string& why);
  // The index of the parent table that the newest split() chose (overflow included).
  uint32_t table() const;
  // The index into the MappingSpec of the table mapping that took the newest item (kRow, kOverflow,
  // kSkipped).
  uint32_t source_mapping() const;
  // Fate counters since construction, one per mapped attribute.
  std::vector<AttributeFate> fates() const;

  // The rows' key cells of an item's key alone, for every parent table whose key templates fit it:
  // what apply() must delete before it inserts. Appended as rows of key_columns cells in
  // `keys.tables[t]`. `overflow_key` gets the key's row in the overflow table, always.
  Status key_rows(ddb::ItemView key, RowBatch& keys);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Rows → item. One per thread.
class Assembler {
 public:
  explicit Assembler(std::shared_ptr<const CompiledMapping> mapping);
  ~Assembler();

  // Rebuilds the item of one parent (or overflow) row and its child rows; appends it to `batch`
  // with its root. `children[i]` are the rows, in order of the ordinal, of the table's children[i];
  // cells need only live during the call (bytes are copied into batch.arena). kCorrupt when a row
  // holds something this mapping cannot have written.
  Status assemble(uint32_t table, const Cell* row, const std::vector<TableRows>& children,
                  uint64_t ordinal, ddb::ItemBatch& batch);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace offramp::mapping
