#include "target/postgres/item_merge.h"

#include <fmt/format.h>

#include "source/item_source.h"
#include "target/postgres/key_text.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {
namespace {

// Array members are cells: blocks of this many.
constexpr size_t kMemberBlock = 1024 * sizeof(mapping::Cell);

uint32_t prefix_columns(RowOrigin origin) { return origin == RowOrigin::kTold ? 2 : 0; }

class ItemReader : public RowReader {
 public:
  ItemReader(std::shared_ptr<const Binding> binding, uint32_t table,
             std::unique_ptr<ItemMerge> merge)
      : binding_(std::move(binding)),
        table_(table),
        merge_(std::move(merge)),
        assembler_(binding_->mapping) {}

  Result<bool> next(ddb::ItemBatch& batch) override {
    constexpr size_t kNodeBytesMax = 4u << 20;
    batch.reset();
    while (batch.size() < source::kBatchItemsMax && batch.source_bytes < source::kBatchBytesMax &&
           batch.nodes().size() * sizeof(ddb::Node) < kNodeBytesMax) {
      if (!TRY(merge_->next())) break;
      Status status =
          assembler_.assemble(table_, merge_->row(), merge_->children(), ordinal_, batch);
      if (!status.ok()) {
        const mapping::Table& table = binding_->tables()[table_];
        return std::move(status).error().with_context(fmt::format(
            "table {}, key {}", table.name, key_text(merge_->row(), table.key_columns)));
      }
      ++ordinal_;
      batch.source_bytes += merge_->row_bytes();
    }
    return batch.size() > 0;
  }

 private:
  const std::shared_ptr<const Binding> binding_;
  const uint32_t table_;
  std::unique_ptr<ItemMerge> merge_;
  mapping::Assembler assembler_;
  uint64_t ordinal_ = 0;
};

}  // namespace

std::string item_rows_select(const Binding& binding, const mapping::Table& table, RowOrigin origin,
                             RowOrder order, const std::string& joins_and_where) {
  std::string sql = fmt::format(
      "SELECT {}{} FROM {} t {}", origin == RowOrigin::kTold ? "t.ctid, t.xmin, " : "",
      column_list(table, table.column_count(), "t."), binding.name(table), joins_and_where);
  if (order == RowOrder::kAny) return sql;
  if (origin == RowOrigin::kPlain)
    return sql + " ORDER BY " + column_list(table, table.key_columns, "t.");
  // Newest copy first: a smaller age is a later transaction. The ordinal, a child's last key
  // column, comes after that.
  uint32_t parent_keys =
      table.role == mapping::TableRole::kChild ? table.key_columns - 1 : table.key_columns;
  sql += fmt::format(" ORDER BY {}, age(t.xmin)", column_list(table, parent_keys, "t."));
  return sql + (parent_keys < table.key_columns
                    ? ", t." + quote_identifier(table.columns[parent_keys].name)
                    : std::string(", t.ctid DESC"));
}

ItemMerge::ItemMerge(std::shared_ptr<const Binding> binding, uint32_t table, RowOrigin origin,
                     std::unique_ptr<RowMessages> parent,
                     std::vector<std::unique_ptr<RowMessages>> children)
    : binding_(std::move(binding)),
      table_(binding_->tables()[table]),
      origin_(origin),
      messages_(std::move(parent)),
      decoder_(table_, table_.column_count(), prefix_columns(origin)),
      child_rows_(children.size()),
      members_(kMemberBlock) {
  ASSERT(children.size() == table_.children.size());
  for (size_t i = 0; i < children.size(); ++i) {
    const mapping::Table& child = binding_->tables()[table_.children[i]];
    children_.push_back(
        Child{.messages = std::move(children[i]),
              .decoder = CopyDecoder(child, child.column_count(), prefix_columns(origin)),
              .columns = child.column_count()});
  }
}

std::string ItemMerge::ctid_text(std::string_view wire) {
  ASSERT(wire.size() == 6);
  return fmt::format("({},{})", get_u32(wire.data()), get_u16(wire.data() + 4));
}

Result<bool> ItemMerge::next() {
  row_.clear();
  bytes_.reset();
  members_.reset();
  if (!TRY(messages_->next(message_))) {
    TRY(check_ended());
    return false;
  }
  row_bytes_ = message_.size;
  TRY(decoder_.decode(message_.view(), row_, bytes_, members_));
  for (size_t i = 0; i < children_.size(); ++i) TRY(collect(children_[i], child_rows_[i]));
  return true;
}

Status ItemMerge::collect(Child& child, mapping::TableRows& rows) {
  rows.clear();
  child.taken.clear();
  child.ctids.clear();
  while (!child.ended) {
    if (!child.has_head && !TRY(child.messages->next(child.head))) {
      child.ended = true;
      break;
    }
    child.has_head = true;
    size_t start = rows.cells.size();
    TRY(child.decoder.decode(child.head.view(), rows.cells, bytes_, members_));
    bool belongs = same_key(row_.data(), rows.cells.data() + start, table_.key_columns) &&
                   (origin_ == RowOrigin::kPlain || child.decoder.prefix(1) == decoder_.prefix(1));
    if (!belongs) {
      rows.cells.resize(start);
      break;
    }
    if (origin_ == RowOrigin::kTold) child.ctids.push_back(ctid_text(child.decoder.prefix(0)));
    row_bytes_ += child.head.size;
    child.taken.push_back(std::move(child.head));
    child.has_head = false;
    ++rows.rows;
  }
  return {};
}

Status ItemMerge::check_ended() {
  for (size_t i = 0; i < children_.size(); ++i) {
    Child& child = children_[i];
    if (!child.has_head && (child.ended || !TRY(child.messages->next(child.head)))) continue;
    const mapping::Table& described = binding_->tables()[table_.children[i]];
    std::vector<mapping::Cell> cells;
    TRY(child.decoder.decode(child.head.view(), cells, bytes_, members_));
    return Error(
        ErrorKind::kCorrupt, "postgres.orphan",
        fmt::format("table {}: the row with key {} has no parent row in {}; delete it or restore "
                    "the parent",
                    described.name, key_text(cells.data(), described.key_columns), table_.name));
  }
  return {};
}

std::unique_ptr<RowReader> make_item_reader(std::shared_ptr<const Binding> binding, uint32_t table,
                                            std::unique_ptr<ItemMerge> merge) {
  return std::make_unique<ItemReader>(std::move(binding), table, std::move(merge));
}

}  // namespace offramp::target::postgres
