// Session: point reads, pages and writes of one thread at a time.
//
// Reads borrow a connection; writes go through the write queue, so that another thread may run this
// session's decide() and use its memory while the caller waits.
#pragma once

#include "mapping/key_cells.h"
#include "target/sqlite/serve/core.h"
#include "target/store.h"

namespace offramp::target::sqlite::serve {

// What turns items of one served table into rows.
class TableRowsMaker {
 public:
  explicit TableRowsMaker(const ServedTable& table);

  // Resets `keys` and fills in the key's cells for every table that can have the item.
  Status key(const ServedTable& table, ddb::ItemView key, mapping::RowBatch& keys);
  // Appends.
  Status add_key(const ServedTable& table, ddb::ItemView key, mapping::RowBatch& keys);
  Status add_item(ddb::ItemView item, mapping::RowBatch& rows);

 private:
  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  mapping::Splitter splitter_;
  mapping::KeyCells keys_;
  std::vector<mapping::Cell> cells_;
  std::string why_;
};

class Session : public StoreSession {
 public:
  static Result<std::unique_ptr<StoreSession>> open(std::shared_ptr<Core> core);

  Status get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
             std::vector<ddb::ItemView>& found) override;
  Status read(const PageRequest& request, Page& page) override;
  Status write(std::span<const ItemRef> refs, const Decide& decide) override;
  Status write_blind(std::span<const ItemRef> refs, std::span<const Decision> decisions) override;
  Status set_origin(std::string_view origin) override;
  Status changes(const ServedTable& table, const ChangeLogName& log, uint64_t after, uint64_t until,
                 size_t changes_max, size_t bytes_max, ChangePage& page) override;

 private:
  friend class WriteItems;
  // The rows that a write leaves in one served table.
  struct Group {
    const ServedTable* table = nullptr;
    mapping::RowBatch keys, rows;
    size_t items = 0;
  };
  explicit Session(std::shared_ptr<Core> core) : core_(std::move(core)) {}

  TableRowsMaker& maker(const ServedTable& table) {
    return makers_.of(table,
                      [](const ServedTable& t) { return std::make_unique<TableRowsMaker>(t); });
  }
  Status find_keys(std::span<const ItemRef> refs);
  Status fetch(Connection& connection, std::span<const ItemRef> refs, ddb::ItemBatch& batch,
               std::vector<ddb::ItemView>& found);
  Group& group_of(const ServedTable& table);
  // Decisions → groups_.
  Status make_rows(std::span<const ItemRef> refs, std::span<const Decision> decisions);
  Status write_rows(Connection& connection);

  // Without the origin.
  Status write_groups(Connection& connection);

  const std::shared_ptr<Core> core_;
  std::string origin_;  // of the writes from now on
  ByMapping<TableRowsMaker> makers_;

  // Of the call in hand; memory is kept.
  std::vector<mapping::RowBatch> keys_;  // by ref
  std::vector<size_t> places_;           // by ref: index in the batch, or npos
  std::vector<Group> groups_;
  size_t groups_used_ = 0;
  ddb::ItemBatch old_batch_;
  std::vector<ddb::ItemView> old_;
  std::vector<Decision> decisions_;
};

}  // namespace offramp::target::sqlite::serve
