// Reading pages and writing items; what is read is found in statement_plan.cc.
#include "engine/statement_reader.h"

#include "ddb/item_size.h"
#include "ddb/wire_json.h"

namespace offramp::engine {

using ddb::partiql::Selection;

namespace {

constexpr size_t kPageBytesMax = 1 << 20;

}  // namespace

// A local index that projects less than what is asked for costs a read of the table per item.
bool StatementReader::fetches() const {
  if (!view_->is_local() || view_->whole()) return false;
  const auto outside = [&](const std::vector<std::string>& names) {
    for (const std::string& name : names)
      if (!view_->projects(name)) return true;
    return false;
  };
  return (selection_ && outside(selection_->attributes())) ||
         (condition_ && outside(condition_->attributes()));
}

bool StatementReader::keeps(ddb::ItemView item) {
  if (!condition_) return true;
  if (!view_->is_global()) return condition_->evaluate(item);
  context_.made.reset();
  return condition_->evaluate(view_->entry(item, context_.made));
}

void StatementReader::append(ddb::ItemView item, Selection::Form form) {
  context_.shown.reset();
  if (selection_) {
    selection_->apply(item, form, context_.shown);
    return ddb::append_item_json(context_.shown.item(0), context_.out);
  }
  ddb::append_item_json(view_->entry(item, context_.shown), context_.out);
}

Result<ddb::ItemView> StatementReader::read(ddb::ItemView start, ConsumedCapacity& capacity) {
  if (key_) return read_item(capacity);
  return read_partitions(start, capacity);
}

Result<ddb::ItemView> StatementReader::read_item(ConsumedCapacity& capacity) {
  const target::ItemRef ref{&table_->served, key_};
  TRY(context_.session->get({&ref, 1}, context_.read, context_.found));
  const ddb::ItemView item = context_.found[0];
  capacity.add_read(item ? ddb::item_size(item) : 0, options_.consistent);
  if (item && keeps(item)) append(item, Selection::Form::kFlat);
  return ddb::ItemView();
}

void StatementReader::append_page() {
  const ddb::ItemBatch& items = context_.page.items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!keeps(items.item(i))) continue;
    if (context_.out.back() != '[') context_.out.push_back(',');
    append(items.item(i), Selection::Form::kFlat);
  }
}

Result<ddb::ItemView> StatementReader::read_partitions(ddb::ItemView start,
                                                       ConsumedCapacity& capacity) {
  target::PageRequest request = range_;
  size_t items_left = options_.limit, bytes_left = kPageBytesMax;
  const size_t count = std::max<size_t>(partitions_.size(), 1);
  for (size_t i = start ? partition_of(start) : 0; i < count; ++i) {
    if (!partitions_.empty()) request.partition = partitions_[i];
    request.after = std::exchange(start, {});
    request.items_max = items_left;
    request.bytes_max = bytes_left;
    TRY(context_.session->read(request, context_.page));
    const ddb::ItemBatch& items = context_.page.items;
    append_page();
    add_page(capacity, *view_, items, options_.consistent, fetches());
    if (items.size() == 0) continue;
    const ddb::ItemView last = items.item(items.size() - 1);
    size_t bytes = 0;
    for (size_t n = 0; n < items.size(); ++n) bytes += ddb::item_size(items.item(n));
    items_left -= std::min(items_left, items.size());
    bytes_left -= std::min(bytes_left, bytes);
    if (items_left > 0 && bytes_left > 0 && !context_.page.more) continue;
    const bool follows = context_.page.more || i + 1 < count || partitions_.empty() ||
                         can_follow(*view_, request, last);
    return follows ? last : ddb::ItemView();
  }
  return ddb::ItemView();
}

}  // namespace offramp::engine
