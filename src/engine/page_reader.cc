// One page: read, filtered, written.
#include "ddb/item_size.h"
#include "ddb/wire_json.h"
#include "engine/page.h"

namespace offramp::engine {

Status PageReader::read(target::PageRequest& request) {
  request.table = &view_.table().served;
  request.index = view_.is_table() ? nullptr : &view_.index();
  const auto limit = static_cast<size_t>(root_["Limit"].integer(INT64_MAX));
  request.items_max = limit;
  TRY(context_.session->read(request, context_.page));
  const ddb::ItemBatch& items = context_.page.items;
  at_limit_ = items.size() > 0 && items.size() >= limit;
  full_ = context_.page.more && !at_limit_;
  if (items.size() > 0) last_ = items.item(items.size() - 1);
  write_items();
  return {};
}

// Whole items are in the answer: not what an index projects, not what was asked for.
bool PageReader::whole_items() const {
  return !shape_.projection &&
         (view_.whole() || (view_.is_local() && root_["Select"].text() == "ALL_ATTRIBUTES"));
}

bool PageReader::is_kept(ddb::ItemView item) {
  if (!shape_.filters()) return true;
  if (!view_.is_global() || view_.whole()) return shape_.keeps(item);
  // What the index does not project is missing for the filter.
  context_.made.reset();
  return shape_.keeps(view_.entry(item, context_.made));
}

void PageReader::write_item(ddb::ItemView item) {
  std::string& out = context_.out;
  if (shape_.projection) {
    context_.shown.reset();
    shape_.projection->apply(item, context_.shown);
    return ddb::append_item_json(context_.shown.item(0), out);
  }
  if (whole_items()) return ddb::append_item_json(item, out);
  out.push_back('{');
  bool first = true;
  for (ddb::ValueView value : item) {
    if (!view_.projects(value.name())) continue;
    if (!first) out.push_back(',');
    first = false;
    ddb::append_json_string(value.name(), out);
    out.push_back(':');
    ddb::append_value_json(value, out);
  }
  out.push_back('}');
}

void PageReader::write_items() {
  const ddb::ItemBatch& items = context_.page.items;
  std::string& out = context_.out;
  const bool only_count = root_["Select"].text() == "COUNT";
  out.append(only_count ? "{" : "{\"Items\":[");
  for (size_t i = 0; i < items.size(); ++i) {
    if (!is_kept(items.item(i))) continue;
    if (++returned_ > 1 && !only_count) out.push_back(',');
    if (!only_count) write_item(items.item(i));
  }
  if (!only_count) out.append("],");
}

void append_entry_key(const IndexView& view, ddb::ItemView item, std::string& out) {
  out.push_back('{');
  bool first = true;
  const auto write = [&](const model::KeyAttribute& key) {
    if (!first) out.push_back(',');
    first = false;
    ddb::append_json_string(key.name, out);
    out.push_back(':');
    ddb::append_value_json(item.find(key.name), out);
  };
  view.for_each_table_key(write);
  if (!view.is_table())
    view.for_each_key([&](const model::KeyAttribute& key) {
      if (!view.table().is_key(key.name)) write(key);
    });
  out.push_back('}');
}

void add_page(ConsumedCapacity& capacity, const IndexView& view, const ddb::ItemBatch& items,
              bool consistent, bool fetches) {
  size_t bytes = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    bytes += view.entry_size(items.item(i));
    if (fetches) capacity.add_read(ddb::item_size(items.item(i)), consistent);
  }
  if (view.is_table())
    capacity.add_read(bytes, consistent);
  else
    capacity.add_index_units(static_cast<size_t>(view.number()),
                             read_units(bytes, consistent, false));
}

// A local index that projects less than what is asked for costs a read of the table per item.
void PageReader::count_capacity() {
  const CapacityDetail detail = capacity_detail(root_["ReturnConsumedCapacity"]);
  if (detail == CapacityDetail::kNone) return;
  const bool consistent = root_["ConsistentRead"].boolean();
  bool fetches = view_.is_local() && !view_.whole() && whole_items();
  if (view_.is_local() && !view_.whole() && shape_.projection)
    for (const std::string& name : shape_.projection->attributes())
      fetches |= !view_.projects(name);
  ConsumedCapacity& capacity = context_.capacity;
  capacity.reset(view_.table(), ConsumedCapacity::Kind::kRead);
  add_page(capacity, view_, context_.page.items, consistent, fetches);
  context_.out.append(",\"ConsumedCapacity\":");
  capacity.append_json(detail, context_.out);
}

void PageReader::write_end(bool more) {
  std::string& out = context_.out;
  const size_t scanned = context_.page.items.size();
  out.append("\"Count\":").append(std::to_string(returned_));
  out.append(",\"ScannedCount\":").append(std::to_string(scanned));
  if (more) {
    out.append(",\"LastEvaluatedKey\":");
    append_entry_key(view_, last_, out);
  }
  count_capacity();
  out.push_back('}');
}

}  // namespace offramp::engine
