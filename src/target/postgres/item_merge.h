// ItemMerge: the rows of one parent table and of its child tables, merged by key into one item
// after the other.
//
// All streams come in the order of the parent's key (children: key, ordinal), from one snapshot.
// With RowOrigin::kTold each row begins with its ctid and xmin, and a child belongs to the parent
// with the same key and xmin (see loader.h). Child rows that belong to no parent are kCorrupt:
// found at the end, never dropped silently. Memory: the rows of one item. Not thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ddb/item_batch.h"
#include "target/postgres/binding.h"
#include "target/postgres/copy_decoder.h"
#include "target/postgres/row_messages.h"
#include "target/target.h"

namespace offramp::target::postgres {

enum class RowOrigin { kPlain, kTold };

class ItemMerge {
 public:
  ItemMerge(std::shared_ptr<const Binding> binding, uint32_t table, RowOrigin origin,
            std::unique_ptr<RowMessages> parent,
            std::vector<std::unique_ptr<RowMessages>> children);

  // Moves to the next parent row and its child rows; false at the end.
  Result<bool> next();
  const mapping::Cell* row() const { return row_.data(); }
  const std::vector<mapping::TableRows>& children() const { return child_rows_; }
  // Bytes of the current item's rows on the wire.
  size_t row_bytes() const { return row_bytes_; }
  // kTold only: "(block,offset)" of the parent row, and of its rows of child table i.
  std::string ctid() const { return ctid_text(decoder_.prefix(0)); }
  const std::vector<std::string>& child_ctids(size_t i) const { return children_[i].ctids; }

 private:
  struct Child {
    std::unique_ptr<RowMessages> messages;
    CopyDecoder decoder;
    uint32_t columns;
    RowMessage head;  // read, not yet taken
    bool has_head = false, ended = false;
    std::vector<RowMessage> taken;  // own the bytes of the current item's rows
    std::vector<std::string> ctids;
  };
  static std::string ctid_text(std::string_view wire);
  Status collect(Child& child, mapping::TableRows& rows);
  Status check_ended();

  const std::shared_ptr<const Binding> binding_;
  const mapping::Table& table_;
  const RowOrigin origin_;
  std::unique_ptr<RowMessages> messages_;
  CopyDecoder decoder_;
  RowMessage message_;
  std::vector<mapping::Cell> row_;
  std::vector<Child> children_;
  std::vector<mapping::TableRows> child_rows_;
  base::Arena bytes_, members_;
  size_t row_bytes_ = 0;
};

// The SELECT whose rows ItemMerge wants of `table` (named t); `joins_and_where` stands between FROM
// and ORDER BY.
enum class RowOrder { kAny, kKey };
std::string item_rows_select(const Binding& binding, const mapping::Table& table, RowOrigin origin,
                             RowOrder order, const std::string& joins_and_where);

// RowReader over an ItemMerge: batches of rebuilt items.
std::unique_ptr<RowReader> make_item_reader(std::shared_ptr<const Binding> binding, uint32_t table,
                                            std::unique_ptr<ItemMerge> merge);

}  // namespace offramp::target::postgres
