// Duplicates first, then indexes.
//
// Which rows are one copy of an item: the writer gives parent rows of tables with children growing
// rowids R, and child rows the rowids R * 2^18 + ordinal (schema.h), in the transaction of their
// parent. So the children of copy R are exactly the child rows with rowids in [R * 2^18, (R + 1) *
// 2^18), whatever the keys of their neighbours are and however many copies have no children; two
// copies cannot share one. Removing a copy removes its parent row and that range in one
// transaction, so a kill leaves every remaining copy whole and the same assignment holds
// afterwards. The last copy loaded has the largest rowid and stays.
#include "target/sqlite/finish.h"

#include "ddb/wire_json.h"
#include "target/sqlite/cells.h"
#include "target/sqlite/item_rows.h"
#include "target/sqlite/schema.h"

namespace offramp::target::sqlite {

using mapping::Table;
using mapping::TableRole;

namespace {

constexpr int kKeysPerTransaction = 1000;

class DuplicateRemover {
 public:
  DuplicateRemover(io::SqliteDb& db, const Options& options,
                   std::shared_ptr<const mapping::CompiledMapping> mapping, uint32_t table,
                   const std::function<Status(const Duplicate&)>& duplicate,
                   Target::FinishOutcome& outcome)
      : db_(db),
        options_(options),
        mapping_(std::move(mapping)),
        table_(table),
        spec_(mapping_->tables()[table]),
        duplicate_(duplicate),
        outcome_(outcome) {}

  Status run() {
    // A plain index finds the copies of a key; it goes away once there are none.
    std::string index = quote_name(spec_.name + "_copies");
    TRY(db_.execute("CREATE INDEX IF NOT EXISTS " + index + " ON " + quote_name(spec_.name) + " (" +
                    column_list(spec_, spec_.key_columns) + ")"));
    TRY(remove_all());
    return db_.execute("DROP INDEX IF EXISTS " + index);
  }

 private:
  Status remove_all() {
    TRY(prepare());
    // The keys come from a snapshot on a connection of their own, so that deleting does not disturb
    // the scan.
    io::SqliteDb reader = TRY(open_connection(options_, Access::kRead));
    std::string keys = column_list(spec_, spec_.key_columns);
    io::SqliteStatement repeated = TRY(reader.prepare(
        "SELECT " + keys + " FROM " + quote_name(spec_.name) + " INDEXED BY " +
        quote_name(spec_.name + "_copies") + " GROUP BY " + keys + " HAVING count(*) > 1"));
    bool more = TRY(repeated.step());
    while (more) {
      TRY(in_transaction(db_, [&]() -> Status {
        for (int keys_done = 0; more && keys_done < kKeysPerTransaction; ++keys_done) {
          TRY(remove_copies(repeated));
          more = TRY(repeated.step());
        }
        return {};
      }));
    }
    return {};
  }

  Status prepare() {
    std::string rowid(rowid_name(spec_));
    fetcher_ = TRY(ItemFetcher::create(db_, mapping_, table_, ItemFetcher::By::kRowid));
    copies_ = TRY(db_.prepare("SELECT " + rowid + " FROM " + quote_name(spec_.name) +
                              " INDEXED BY " + quote_name(spec_.name + "_copies") + " WHERE " +
                              key_condition(spec_, spec_.key_columns, "=") + " ORDER BY " + rowid));
    deletes_.clear();
    deletes_.push_back(
        TRY(db_.prepare("DELETE FROM " + quote_name(spec_.name) + " WHERE " + rowid + " = ?1")));
    for (uint32_t index : spec_.children) {
      const Table& child = mapping_->tables()[index];
      std::string name(rowid_name(child)), bits = std::to_string(kOrdinalBits);
      deletes_.push_back(TRY(db_.prepare("DELETE FROM " + quote_name(child.name) + " WHERE " +
                                         name + " >= (?1 << " + bits + ") AND " + name +
                                         " < ((?1 + 1) << " + bits + ")")));
    }
    return {};
  }

  Status remove_copies(io::SqliteStatement& key) {
    for (uint32_t i = 0; i < spec_.key_columns; ++i)
      bind_cell(copies_.get(), static_cast<int>(i) + 1,
                storage_cell(key.get(), static_cast<int>(i)));
    rowids_.clear();
    while (TRY(copies_.step())) rowids_.push_back(copies_.int64(0));
    if (rowids_.size() < 2) return {};
    kept_.reset();
    TRY(fetcher_.by_rowid(rowids_.back(), 0, kept_));
    for (size_t i = 0; i + 1 < rowids_.size(); ++i) {
      other_.reset();
      TRY(fetcher_.by_rowid(rowids_[i], 0, other_));
      if (ddb::equal(kept_.item(0), other_.item(0))) {
        ++outcome_.identical_copies_removed;
      } else {
        ++outcome_.duplicates;
        Duplicate out{spec_.name, {}};
        ddb::append_item_json(other_.item(0), out.item_json);
        TRY(duplicate_(out));
      }
      for (io::SqliteStatement& remove : deletes_) {
        remove.bind(1, rowids_[i]);
        TRY(remove.run());
      }
    }
    return {};
  }

  io::SqliteDb& db_;
  const Options& options_;
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const uint32_t table_;
  const Table& spec_;
  const std::function<Status(const Duplicate&)>& duplicate_;
  Target::FinishOutcome& outcome_;
  ItemFetcher fetcher_;
  io::SqliteStatement copies_;
  std::vector<io::SqliteStatement> deletes_;
  std::vector<int64_t> rowids_;
  ddb::ItemBatch kept_, other_;
};

// False: not there. kConflict when the name belongs to something else.
Result<bool> index_exists(io::SqliteDb& db, const std::string& name, const std::string& table) {
  io::SqliteStatement find =
      TRY(db.prepare("SELECT type = 'index' AND tbl_name = ?2 COLLATE NOCASE FROM sqlite_master "
                     "WHERE name = ?1 COLLATE NOCASE"));
  find.bind(1, std::string_view(name));
  find.bind(2, std::string_view(table));
  if (!TRY(find.step())) return false;
  bool ours = find.int64(0) != 0;
  find.reset();
  if (!ours)
    return Error(ErrorKind::kConflict, "sqlite.index_exists",
                 "the name " + name + ", needed for an index of table " + table + ", is taken in " +
                     db.path() + "; rename that object, or name the index otherwise in the plan");
  return true;
}

}  // namespace

Result<Target::FinishOutcome> finish_load(io::SqliteDb& db, const Options& options,
                                          std::shared_ptr<const mapping::CompiledMapping> mapping,
                                          const std::string& migration,
                                          const std::function<Status(const Duplicate&)>& duplicate,
                                          const std::function<void(const std::string&)>& step) {
  Target::FinishOutcome outcome;
  const auto& tables = mapping->tables();
  // Parents first: a child's key is unique as soon as its parent's is.
  for (uint32_t t = 0; t < tables.size(); ++t) {
    if (tables[t].role == TableRole::kChild ||
        TRY(index_exists(db, key_index_name(tables[t]), tables[t].name)))
      continue;
    step("making the key of " + tables[t].name + " unique");
    Status made = db.execute(create_key_index_sql(tables[t]));
    if (made.ok()) continue;
    if (made.error().kind() != ErrorKind::kConflict) return std::move(made).error();
    step("taking repeated keys out of " + tables[t].name);
    TRY(DuplicateRemover(db, options, mapping, t, duplicate, outcome).run());
    TRY(db.execute(create_key_index_sql(tables[t])));
  }
  for (const Table& table : tables) {
    if (table.role == TableRole::kChild &&
        !TRY(index_exists(db, key_index_name(table), table.name))) {
      step("making the key of " + table.name + " unique");
      TRY(db.execute(create_key_index_sql(table)));
    }
    // Left behind by a kill between the removal and this point.
    TRY(db.execute("DROP INDEX IF EXISTS " + quote_name(table.name + "_copies")));
    for (const mapping::Index& index : table.indexes) {
      if (TRY(index_exists(db, index.name, table.name))) continue;
      step("building index " + index.name + " of " + table.name);
      TRY(db.execute(create_index_sql(table, index)));
    }
  }
  step("collecting statistics");
  TRY(db.execute("PRAGMA analysis_limit = 1000; ANALYZE"));
  io::SqliteStatement finished =
      TRY(db.prepare("UPDATE _offramp_migration SET finished = 1 WHERE migration = ?1"));
  finished.bind(1, std::string_view(migration));
  TRY(finished.run());
  // Empties the write-ahead log; only tidiness, so a reader in the way is no error.
  (void)db.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  return outcome;
}

}  // namespace offramp::target::sqlite
