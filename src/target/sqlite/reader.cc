// A ReadPartition's range is "SIZE:LOWER UPPER" (SIZE bytes of LOWER, then UPPER): SQL literals of
// a rowid, or of the key columns of a table with children (they bound the child tables too, whose
// keys begin with the same values). Either may be empty: open at that end, so that rows that come
// in meanwhile belong to a part. Made by cut_tables only.
#include "target/sqlite/reader.h"

#include <algorithm>
#include <charconv>

#include "target/sqlite/item_rows.h"
#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

using mapping::Cell;
using mapping::CellKind;
using mapping::Table;
using mapping::TableRole;

namespace {

constexpr size_t kBytesPerBatchMax = 4 << 20;

struct Range {
  std::string lower, upper;  // half open

  std::string to_text() const { return std::to_string(lower.size()) + ":" + lower + upper; }
  static Result<Range> parse(const std::string& text) {
    size_t colon = text.find(':'), size = 0;
    auto parsed = std::from_chars(text.data(), text.data() + text.size(), size);
    if (colon == text.npos || parsed.ptr != text.data() + colon || size > text.size() - colon - 1)
      return Error(ErrorKind::kInternal, "sqlite.bad_range",
                   "a read partition that read_partitions did not make");
    return Range{text.substr(colon + 1, size), text.substr(colon + 1 + size)};
  }
  // " WHERE (columns) >= (lower) AND (columns) < (upper)", or " WHERE (columns) > (behind) …"
  std::string where(const std::string& columns, const std::string& behind) const {
    std::string out;
    if (!behind.empty())
      out = " WHERE (" + columns + ") > (" + behind + ")";
    else if (!lower.empty())
      out = " WHERE (" + columns + ") >= (" + lower + ")";
    if (!upper.empty())
      out += (out.empty() ? " WHERE (" : " AND (") + columns + ") < (" + upper + ")";
    return out;
  }
};

class SqliteReader : public RowReader {
 public:
  SqliteReader(io::SqliteDb db, std::shared_ptr<const mapping::CompiledMapping> mapping,
               uint32_t table)
      : db_(std::move(db)), table_(table), spec_(mapping->tables()[table]), rows_(mapping) {}

  Status start(const Range& range) {
    bool by_key = !spec_.children.empty();
    place_columns_ = by_key ? spec_.key_columns : 1;
    std::string behind;
    for (uint32_t i = 0; i < place_columns_; ++i)
      behind += (i ? ", ?" : "?") + std::to_string(i + 1);
    auto make = [&](Rows& rows, const Table& table) -> Status {
      std::string bounded =
          by_key ? column_list(table, spec_.key_columns) : std::string(rowid_name(table));
      std::string select = "SELECT " + all_columns(table) + (by_key ? "" : ", " + bounded) +
                           " FROM " + quote_name(table.name);
      std::string order = " ORDER BY " + (by_key ? column_list(table, table.key_columns) : bounded);
      rows.first = TRY(db_.prepare(select + range.where(bounded, "") + order));
      rows.further = TRY(db_.prepare(select + range.where(bounded, behind) + order));
      return {};
    };
    TRY(make(parent_, spec_));
    children_.resize(spec_.children.size());
    for (size_t i = 0; i < children_.size(); ++i)
      TRY(make(children_[i], rows_.mapping().tables()[spec_.children[i]]));
    return {};
  }

  Result<bool> next(ddb::ItemBatch& batch) override {
    batch.reset();
    if (ended_) return false;
    TRY(db_.execute("BEGIN"));  // one snapshot for parents and children
    Status filled = fill(batch);
    for (Rows& child : children_) child.current(begun_).reset();
    parent_.current(begun_).reset();
    begun_ = begun_ || batch.size() > 0;
    Status ended = db_.execute("COMMIT");
    if (filled.ok()) filled = std::move(ended);
    if (!filled.ok()) {
      batch.reset();
      return std::move(filled).error();
    }
    return batch.size() > 0;
  }

 private:
  struct Rows {
    io::SqliteStatement first;    // from the range's lower bound
    io::SqliteStatement further;  // behind place_
    bool has_row = false;         // of a child: the current row is not taken yet
    io::SqliteStatement& current(bool begun) { return begun ? further : first; }
  };

  // The place behind which the next batch begins. Its bytes are copied.
  void keep_place() {
    place_bytes_.reset();
    place_.clear();
    sqlite3_stmt* row = parent_.current(begun_).get();
    for (uint32_t i = 0; i < place_columns_; ++i) {
      size_t column = spec_.children.empty() ? spec_.columns.size() : i;
      Cell cell = storage_cell(row, static_cast<int>(column));
      if (cell.kind == CellKind::kText || cell.kind == CellKind::kBytes)
        cell.data = place_bytes_.copy(cell.bytes());
      place_.push_back(cell);
    }
  }

  void bind_place(Rows& rows) {
    for (size_t i = 0; begun_ && i < place_.size(); ++i)
      bind_cell(rows.further.get(), static_cast<int>(i) + 1, place_[i]);
  }

  Status fill(ddb::ItemBatch& batch) {
    io::SqliteStatement& parent = parent_.current(begun_);
    bind_place(parent_);
    for (Rows& child : children_) {
      bind_place(child);
      child.has_row = TRY(child.current(begun_).step());
    }
    for (size_t bytes = 0; batch.size() < kReadItemsMax && bytes < kBytesPerBatchMax;
         bytes += rows_.bytes()) {
      if (!TRY(parent.step())) {
        ended_ = true;
        for (size_t i = 0; i < children_.size(); ++i)
          if (children_[i].has_row) return orphan(i);
        return {};
      }
      TRY(rows_.begin(table_, parent.get()));
      for (size_t i = 0; i < children_.size(); ++i) TRY(take_children(i));
      TRY(rows_.finish(ordinal_++, batch));
    }
    keep_place();
    return {};
  }

  int compare_keys(sqlite3_stmt* child) {
    for (int i = 0; i < static_cast<int>(spec_.key_columns); ++i) {
      int order =
          compare_storage(storage_cell(child, i), storage_cell(parent_.current(begun_).get(), i));
      if (order != 0) return order;
    }
    return 0;
  }

  Status take_children(size_t index) {
    Rows& child = children_[index];
    io::SqliteStatement& row = child.current(begun_);
    while (child.has_row) {
      int order = compare_keys(row.get());
      if (order > 0) return {};
      if (order < 0) return orphan(index);
      TRY(rows_.add_child(index, row.get()));
      child.has_row = TRY(row.step());
    }
    return {};
  }

  Error orphan(size_t index) const {
    return Error(ErrorKind::kCorrupt, "sqlite.orphan_rows",
                 "table " + rows_.mapping().tables()[spec_.children[index]].name + " in " +
                     db_.path() + " has rows whose key is not in " + spec_.name +
                     "; delete them, or run verify with --repair");
  }

  io::SqliteDb db_;
  const uint32_t table_;
  const Table& spec_;
  ItemRows rows_;
  Rows parent_;
  std::vector<Rows> children_;
  uint32_t place_columns_ = 0;  // the key, or the rowid of a table without children
  std::vector<Cell> place_;
  base::Arena place_bytes_;
  uint64_t ordinal_ = 0;
  bool begun_ = false;  // a batch has been given, and place_ is where it ended
  bool ended_ = false;
};

// Parts from sorted inner bounds.
void append_parts(uint32_t table, const std::vector<std::string>& bounds,
                  std::vector<ReadPartition>& out) {
  std::string lower;
  for (const std::string& bound : bounds) {
    out.push_back({table, Range{lower, bound}.to_text()});
    lower = bound;
  }
  out.push_back({table, Range{lower, ""}.to_text()});
}

std::vector<std::string> cut_rowids(int64_t first, int64_t last, int pieces) {
  std::vector<std::string> out;
  int64_t step = (last - first) / pieces + 1;
  for (int piece = 1; piece < pieces && step * piece <= last - first; ++piece)
    out.push_back(std::to_string(first + step * piece));
  return out;
}

// Keys that cut the table into `pieces` parts of about the same size: the keys of evenly spaced
// rowids, sorted.
Result<std::vector<std::string>> cut_keys(io::SqliteDb& db, const Table& table, int64_t first,
                                          int64_t last, int pieces) {
  // Rowids of loaded rows have nothing to do with the order of keys, so these are as good as random
  // samples; more are taken than needed to even out the parts.
  constexpr int kSamplesPerPiece = 16;
  std::string keys = column_list(table, table.key_columns), rowid(rowid_name(table)), literals;
  for (uint32_t i = 0; i < table.key_columns; ++i)
    literals +=
        (i ? " || ', ' || " : "") + std::string("quote(") + quote_name(table.columns[i].name) + ")";
  std::string sql = "SELECT DISTINCT " + literals + ", " + keys + " FROM " +
                    quote_name(table.name) + " WHERE " + rowid +
                    " IN (SELECT ?1 + (?2 - ?1) * value / ?3 FROM json_each(?4)) ORDER BY " + keys;
  int samples = pieces * kSamplesPerPiece;
  std::string numbers = "[";
  for (int i = 0; i < samples; ++i) numbers += (i ? "," : "") + std::to_string(i);
  numbers += "]";
  io::SqliteStatement statement = TRY(db.prepare(sql));
  statement.bind(1, first);
  statement.bind(2, last);
  statement.bind(3, int64_t{samples});
  statement.bind(4, std::string_view(numbers));
  std::vector<std::string> sorted, out;
  while (TRY(statement.step())) sorted.emplace_back(statement.text(0));
  for (int piece = 1; piece < pieces; ++piece) {
    size_t at = sorted.size() * piece / pieces;
    if (at > 0 && at < sorted.size() && (out.empty() || out.back() != sorted[at]))
      out.push_back(sorted[at]);
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<RowReader>> open_reader(
    const Options& options, std::shared_ptr<const mapping::CompiledMapping> mapping,
    const ReadPartition& partition) {
  auto reader = std::make_unique<SqliteReader>(TRY(open_connection(options, Access::kRead)),
                                               mapping, partition.table);
  TRY(reader->start(TRY(Range::parse(partition.range))));
  return std::unique_ptr<RowReader>(std::move(reader));
}

Result<std::vector<ReadPartition>> cut_tables(io::SqliteDb& db,
                                              const mapping::CompiledMapping& mapping, int pieces) {
  std::vector<ReadPartition> out;
  pieces = std::clamp(pieces, 1, 1024);
  for (uint32_t t = 0; t < mapping.tables().size(); ++t) {
    const Table& table = mapping.tables()[t];
    if (table.role == TableRole::kChild) continue;
    std::string rowid(rowid_name(table));
    io::SqliteStatement ends = TRY(db.prepare("SELECT ifnull(min(" + rowid + "), 0), ifnull(max(" +
                                              rowid + "), 0) FROM " + quote_name(table.name)));
    TRY(ends.step());
    int64_t first = ends.int64(0), last = ends.int64(1);
    ends.reset();
    append_parts(t,
                 table.children.empty() ? cut_rowids(first, last, pieces)
                                        : TRY(cut_keys(db, table, first, last, pieces)),
                 out);
  }
  return out;
}

}  // namespace offramp::target::sqlite
