// Reading the change log of a plan's table: entries, then the states of their items, all in one
// snapshot. An item's state after an entry is that before its next one, or what is there now (see
// plan_log_sql.h).
#include <algorithm>
#include <unordered_map>

#include "ddb/number.h"
#include "target/postgres/serve/log_fields.h"
#include "target/postgres/serve/session.h"

namespace offramp::target::postgres {

namespace {

// Behind the fields of every entry.
constexpr int kItem = kEntryFields, kKey = kItem + 1;
// Of the statements that read them.
constexpr size_t kTriggers = 2, kEntries = 3;
// Entries in one round trip: each is some statements.
constexpr size_t kEntriesMax = 200;
constexpr size_t kNone = SIZE_MAX;

// A key attribute of `type` from the log's bytes; false when no item has it.
bool add_key_value(const model::KeyAttribute& attribute, std::string_view bytes,
                   ddb::ItemBatch& batch) {
  ddb::ItemBuilder builder(batch.nodes());
  if (attribute.type != ddb::Type::kN) {
    builder.scalar(attribute.type, {batch.arena.copy(bytes), bytes.size()}, attribute.name);
    return true;
  }
  auto number = ddb::Number::parse(bytes);
  if (!number.ok()) return false;
  char text[ddb::kNumberTextMax];
  size_t size = number->write(text);
  builder.scalar(attribute.type, {batch.arena.copy({text, size}), size}, attribute.name);
  return true;
}

bool has_key(const model::KeySchema& schema, ddb::ItemView item, ddb::ItemView key) {
  auto same = [&](const model::KeyAttribute& attribute) {
    ddb::ValueView value = item.find(attribute.name);
    return value && ddb::equal(value, key.find(attribute.name));
  };
  return same(schema.partition) && (!schema.sort || same(*schema.sort));
}

}  // namespace

// The entries that were read, into entries_, with their items' keys.
void Session::take_entries(const ServedTable& table, TableState& state) {
  const QueryResult& rows = channel_.result(kEntries);
  entries_.clear();
  keys_.reset();
  used_ = 0;
  std::unordered_map<std::string_view, size_t> newest;
  entries_.reserve(static_cast<size_t>(rows.rows()));  // `newest` points into it
  for (int row = 0; row < rows.rows(); ++row) {
    PlanEntry& entry = entries_.emplace_back(
        PlanEntry{.number = number_at(rows, row, kNumber),
                  .at_ms = milliseconds(number_at(rows, row, kAt)),
                  .origin = rows.is_null(row, kOrigin) ? "" : std::string(rows.text(row, kOrigin)),
                  .item = std::string(rows.text(row, kItem)),
                  .work = nullptr,
                  .next = kNone,
                  .old_at = kNone,
                  .new_at = kNone});
    size_t index = entries_.size() - 1;
    auto [before, added] = newest.try_emplace(entry.item, index);
    if (!added) {
      entries_[before->second].next = index;
      entry.work = entries_[before->second].work;
      before->second = index;
      continue;
    }
    ddb::ItemBuilder builder(keys_.nodes());
    uint32_t root = builder.open(ddb::Type::kM);
    bool known =
        add_key_value(table.key.partition, rows.text(row, kKey), keys_) &&
        (!table.key.sort || add_key_value(*table.key.sort, rows.text(row, kKey + 1), keys_));
    builder.close(root, table.key.sort ? 2 : 1);
    keys_.add_root(root, keys_.size());
    if (!known) continue;
    if (used_ == works_.size()) works_.push_back(std::make_unique<Work>());
    Work& work = *works_[used_];
    work.state = &state;
    work.keys.reset(state.mapping->tables().size());
    work.root = static_cast<uint32_t>(keys_.size() - 1);
    if (!state.splitter.key_rows(keys_.item(work.root), work.keys).ok()) continue;
    entry.work = &work;
    ++used_;
  }
}

// The item's state before `number`.
void Session::queue_state(LogState& log, const PlanEntry& entry, uint64_t number) {
  Work& work = *entry.work;
  TableState& state = *work.state;
  auto queue_part = [&](ParentState& parent, PlanLogReading::Part& part) {
    params_.clear();
    params_.add(entry.item);
    params_.add_int64(static_cast<int64_t>(number));
    add_key(parent, work);
    channel_.queue(part.row, params_);
    for (Statement& child : part.children) channel_.queue(child, params_);
  };
  for (size_t i = 0; i < state.parents.size(); ++i)
    if (work.fits(state.parents[i].table)) queue_part(state.parents[i], log.plan->parents[i]);
  queue_part(state.overflow, log.plan->overflow);
}

// False: there is none, or somebody wrote what is no item.
Result<bool> Session::take_plan_state(const ServedTable& table, const PlanEntry& entry,
                                      size_t result, ddb::ItemBatch& batch) {
  Work& work = *entry.work;
  TableState& state = *work.state;
  auto look = [&](ParentState& parent) -> Result<bool> {
    if (channel_.result(result).rows() == 0) return false;
    size_t nodes = batch.nodes().size();
    Status status = assemble(state, parent, result, batch);
    if (!status.ok()) {
      if (status.error().kind() != ErrorKind::kCorrupt) return std::move(status).error();
      batch.nodes().resize(nodes);
      return false;
    }
    if (has_key(table.key, batch.item(batch.size() - 1), keys_.item(work.root))) return true;
    batch.drop_last();
    return false;
  };
  for (ParentState& parent : state.parents) {
    if (!work.fits(parent.table)) continue;
    if (TRY(look(parent))) return true;
    result += 1 + parent.children.size();
  }
  return look(state.overflow);
}

Status Session::take_plan_change(const ServedTable& table, const PlanEntry& entry,
                                 ChangePage& page) {
  if (!entry.work) return {};
  size_t after = entry.next == kNone ? entry.new_at : entries_[entry.next].old_at;
  Change change;
  change.number = entry.number;
  change.at_ms = entry.at_ms;
  change.old_root = static_cast<uint32_t>(page.items.size());
  change.has_old = TRY(take_plan_state(table, entry, entry.old_at, page.items));
  change.new_root = static_cast<uint32_t>(page.items.size());
  change.has_new = TRY(take_plan_state(table, entry, after, page.items));
  if (!change.has_old && !change.has_new) return {};
  change.origin = entry.origin;
  page.changes.push_back(std::move(change));
  return {};
}

Status Session::plan_changes(const ServedTable& table, TableState& state, LogState& log,
                             uint64_t until, size_t changes_max, size_t bytes_max,
                             ChangePage& page) {
  while (page.next < until) {
    size_t limit =
        log.rows.rows(std::min(changes_max - page.changes.size(), kEntriesMax), bytes_max);
    params_.clear();
    params_.add_int64(static_cast<int64_t>(page.next));
    params_.add_int64(static_cast<int64_t>(std::min<uint64_t>(until, INT64_MAX)));
    params_.add_int64(static_cast<int64_t>(limit));
    channel_.queue(begin_snapshot_);
    channel_.queue(log.plan->lock);
    channel_.queue(log.plan->triggers_there);
    channel_.queue(log.plan->entries, params_);
    TRY(channel_.run());
    const bool complete =
        number_at(channel_.result(kTriggers), 0, 0) == state.mapping->tables().size();
    take_entries(table, state);
    for (PlanEntry& entry : entries_) {
      if (!entry.work) continue;
      entry.old_at = channel_.queued();
      queue_state(log, entry, entry.number);
      if (entry.next != kNone) continue;
      entry.new_at = channel_.queued();
      queue_state(log, entry, entry.number + 1);
    }
    channel_.queue(commit_);
    TRY(channel_.run());
    if (!complete)
      return Error(ErrorKind::kConfig, "store.no_log",
                   "the change log is lost: its tables were made anew, or their triggers removed");
    for (const PlanEntry& entry : entries_) {
      size_t items = page.items.size();
      TRY(take_plan_change(table, entry, page));
      page.next = entry.number;
      log.rows.add(page.items, items);
      if (log.rows.bytes() >= bytes_max || page.changes.size() >= changes_max) return {};
    }
    if (entries_.size() < limit) page.next = until;
  }
  return {};
}

}  // namespace offramp::target::postgres
