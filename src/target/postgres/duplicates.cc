#include "target/postgres/duplicates.h"

#include <fmt/format.h>

#include "ddb/wire_json.h"
#include "target/postgres/item_merge.h"
#include "target/postgres/key_text.h"
#include "target/postgres/snapshot.h"

namespace offramp::target::postgres {
namespace {

// Copies whose rows are deleted in one transaction.
constexpr size_t kCopiesPerDelete = 500;
constexpr size_t kRowsPerDelete = 20'000;

// The ctids that are to go, per table; the parent first.
class Deletion {
 public:
  Deletion(const Binding& binding, uint32_t table, Connection& connection)
      : binding_(binding), table_(binding.tables()[table]), connection_(connection) {
    sets_.push_back({&table_, ""});
    for (uint32_t child : table_.children) sets_.push_back({&binding.tables()[child], ""});
  }
  void add(const ItemMerge& merge) {
    ++copies_;
    add(sets_[0], merge.ctid());
    for (size_t i = 0; i < table_.children.size(); ++i)
      for (const std::string& ctid : merge.child_ctids(i)) add(sets_[i + 1], ctid);
  }
  bool full() const { return copies_ >= kCopiesPerDelete || rows_ >= kRowsPerDelete; }
  Status run() {
    if (copies_ == 0) return {};
    std::string sql = "BEGIN";
    for (Set& set : sets_) {
      if (!set.ctids.empty())
        sql += fmt::format("; DELETE FROM {} WHERE ctid = ANY ('{{{}}}'::tid[])",
                           binding_.name(*set.table), set.ctids);
      set.ctids.clear();
    }
    copies_ = rows_ = 0;
    return connection_.execute(sql + "; COMMIT", "delete duplicates from " + table_.name);
  }

 private:
  struct Set {
    const mapping::Table* table;
    std::string ctids;
  };
  void add(Set& set, const std::string& ctid) {
    ++rows_;
    set.ctids += fmt::format("{}\"{}\"", set.ctids.empty() ? "" : ",", ctid);
  }

  const Binding& binding_;
  const mapping::Table& table_;
  Connection& connection_;
  std::vector<Set> sets_;
  size_t copies_ = 0, rows_ = 0;
};

// Only rows whose parent's key occurs more than once.
std::string duplicated(const Binding& binding, const mapping::Table& parent,
                       const mapping::Table& table) {
  std::string keys = column_list(parent, parent.key_columns);
  std::string on;
  for (uint32_t i = 0; i < parent.key_columns; ++i)
    on += fmt::format("{}t.{} = d.{}", i ? " AND " : "", quote_identifier(table.columns[i].name),
                      quote_identifier(parent.columns[i].name));
  return fmt::format("JOIN (SELECT {} FROM {} GROUP BY {} HAVING count(*) > 1) d ON {}", keys,
                     binding.name(parent), keys, on);
}

// The key cells of the copy that stays, held beyond the row they came from.
void hold_key(const mapping::Cell* cells, uint32_t columns, std::vector<mapping::Cell>& held,
              std::vector<std::string>& bytes) {
  held.assign(cells, cells + columns);
  bytes.assign(columns, {});
  for (uint32_t i = 0; i < columns; ++i) {
    bool has_bytes = cells[i].kind == mapping::CellKind::kText ||
                     cells[i].kind == mapping::CellKind::kBytes ||
                     cells[i].kind == mapping::CellKind::kNumber;
    if (!has_bytes) continue;
    bytes[i] = cells[i].bytes();
    held[i].data = bytes[i].data();
  }
}

}  // namespace

Status remove_duplicates(std::shared_ptr<const Binding> binding, uint32_t table,
                         Connection& connection,
                         const std::function<Status(const Duplicate&)>& duplicate,
                         Target::FinishOutcome& outcome) {
  const mapping::Table& described = binding->tables()[table];
  Snapshot snapshot = TRY(Snapshot::take(binding->url));
  auto open = [&](const mapping::Table& of) -> Result<std::unique_ptr<RowMessages>> {
    std::string select = item_rows_select(*binding, of, RowOrigin::kTold, RowOrder::kKey,
                                          duplicated(*binding, described, of));
    return stream_rows(TRY(snapshot.open_reader()), select, "look for duplicates in " + of.name);
  };
  std::unique_ptr<RowMessages> parent = TRY(open(described));
  std::vector<std::unique_ptr<RowMessages>> children;
  for (uint32_t child : described.children) children.push_back(TRY(open(binding->tables()[child])));
  ItemMerge merge(binding, table, RowOrigin::kTold, std::move(parent), std::move(children));

  mapping::Assembler assembler(binding->mapping);
  Deletion deletion(*binding, table, connection);
  ddb::ItemBatch kept, copy;
  std::vector<mapping::Cell> kept_key;
  std::vector<std::string> kept_bytes;
  while (TRY(merge.next())) {
    // Rows come newest first within a key: the first one of a key stays.
    bool first = kept.size() == 0 || !same_key(kept_key.data(), merge.row(), described.key_columns);
    ddb::ItemBatch& into = first ? kept : copy;
    into.reset();
    Status status = assembler.assemble(table, merge.row(), merge.children(), 0, into);
    if (!status.ok())
      return std::move(status).error().with_context(fmt::format(
          "table {}, key {}", described.name, key_text(merge.row(), described.key_columns)));
    if (first) {
      hold_key(merge.row(), described.key_columns, kept_key, kept_bytes);
      continue;
    }
    if (ddb::equal(kept.item(0), copy.item(0))) {
      ++outcome.identical_copies_removed;
    } else {
      ++outcome.duplicates;
      Duplicate out{.table = described.name, .item_json = {}};
      ddb::append_item_json(copy.item(0), out.item_json);
      TRY(duplicate(out));
    }
    deletion.add(merge);
    if (deletion.full()) TRY(deletion.run());
  }
  return deletion.run();
}

}  // namespace offramp::target::postgres
