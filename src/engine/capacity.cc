#include "engine/capacity.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "ddb/item_size.h"
#include "ddb/wire_json.h"
#include "engine/page_view.h"

namespace offramp::engine {
namespace {

constexpr size_t kReadUnitBytes = 4096, kWriteUnitBytes = 1024;

double rounded_up(size_t bytes, size_t unit) {
  return static_cast<double>(std::max<size_t>(1, (bytes + unit - 1) / unit));
}

// Units are multiples of a half; the service always writes one decimal.
void append_number(double units, std::string& out) {
  const auto halves = static_cast<uint64_t>(units * 2);
  fmt::format_to(std::back_inserter(out), "{}.{}", halves / 2, halves % 2 ? 5 : 0);
}

}  // namespace

double read_units(size_t bytes, bool consistent, bool transactional) {
  const double units = rounded_up(bytes, kReadUnitBytes);
  return transactional ? units * 2 : consistent ? units : units / 2;
}

double write_units(size_t old_bytes, size_t new_bytes, bool transactional) {
  return rounded_up(std::max(old_bytes, new_bytes), kWriteUnitBytes) * (transactional ? 2 : 1);
}

double index_write_units(const Table& table, size_t index, ddb::ItemView before,
                         ddb::ItemView after, bool transactional) {
  const IndexView view(table, static_cast<int>(index));
  const bool was = before && view.has_entry(before), is = after && view.has_entry(after);
  if (!was && !is) return 0;
  const size_t old_bytes = was ? view.entry_size(before) : 0;
  const size_t new_bytes = is ? view.entry_size(after) : 0;
  if (was && is) {
    if (!view.same_key(before, after))
      return write_units(old_bytes, 0, transactional) + write_units(0, new_bytes, transactional);
    if (view.same_entry(before, after)) return 0;
  }
  return write_units(old_bytes, new_bytes, transactional);
}

CapacityDetail capacity_detail(Json return_consumed_capacity) {
  const std::string_view text = return_consumed_capacity.text();
  return text == "TOTAL"     ? CapacityDetail::kTotal
         : text == "INDEXES" ? CapacityDetail::kIndexes
                             : CapacityDetail::kNone;
}

void ConsumedCapacity::reset(const Table& table, Kind kind) {
  table_ = &table;
  kind_ = kind;
  table_units_ = 0;
  index_units_.assign(table.served.indexes.size(), -1);
}

void ConsumedCapacity::add_read(size_t bytes, bool consistent) {
  table_units_ += read_units(bytes, consistent, transactional());
}

void ConsumedCapacity::add_write(ddb::ItemView before, ddb::ItemView after) {
  table_units_ += write_units(before ? ddb::item_size(before) : 0,
                              after ? ddb::item_size(after) : 0, transactional());
  for (size_t i = 0; i < index_units_.size(); ++i)
    if (double units = index_write_units(*table_, i, before, after, transactional()))
      add_index_units(i, units);
}

void ConsumedCapacity::add_index_units(size_t index, double units) {
  index_units_[index] = std::max(0.0, index_units_[index]) + units;
}

void ConsumedCapacity::add(const ConsumedCapacity& other) {
  add_units(other.table_units_);
  for (size_t i = 0; i < other.index_units_.size(); ++i)
    if (other.index_units_[i] >= 0) add_index_units(i, other.index_units_[i]);
}

double ConsumedCapacity::total() const {
  double units = table_units_;
  for (double of_index : index_units_) units += std::max(0.0, of_index);
  return units;
}

// Transactions also say which kind of units it was.
void ConsumedCapacity::append_units(double units, std::string& out) const {
  out.append("\"CapacityUnits\":");
  append_number(units, out);
  if (!transactional()) return;
  out.append(kind_ == Kind::kTransactRead ? ",\"ReadCapacityUnits\":" : ",\"WriteCapacityUnits\":");
  append_number(units, out);
}

void ConsumedCapacity::append_indexes(bool local, std::string& out) const {
  bool any = false;
  for (size_t i = 0; i < index_units_.size(); ++i) {
    const target::ServedIndex& index = table_->served.indexes[i];
    if (index_units_[i] < 0 || index.local != local) continue;
    if (any)
      out.push_back(',');
    else
      out.append(local ? ",\"LocalSecondaryIndexes\":{" : ",\"GlobalSecondaryIndexes\":{");
    any = true;
    ddb::append_json_string(index.name, out);
    out.append(":{");
    append_units(index_units_[i], out);
    out.push_back('}');
  }
  if (any) out.push_back('}');
}

void ConsumedCapacity::append_json(CapacityDetail detail, std::string& out) const {
  if (detail == CapacityDetail::kNone) return;
  out.append("{\"TableName\":");
  ddb::append_json_string(table_->served.name, out);
  out.push_back(',');
  append_units(total(), out);
  if (detail == CapacityDetail::kIndexes) {
    out.append(",\"Table\":{");
    append_units(table_units_, out);
    out.push_back('}');
    append_indexes(true, out);
    append_indexes(false, out);
  }
  out.push_back('}');
}

}  // namespace offramp::engine
