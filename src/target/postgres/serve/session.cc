// Items by key: one SELECT of a simple table; else the SELECTs of every table that can hold the
// key, in one snapshot and one round trip.
#include "target/postgres/serve/session.h"

#include <algorithm>

#include "target/postgres/serve/retry.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

using mapping::Cell;
using mapping::CellKind;

namespace {
constexpr size_t kStatesMax = 200;
}

Result<TableState*> Session::state_of(const ServedTable& table) {
  ++clock_;
  if (newest_ && newest_->id == table.id && newest_->mapping == table.mapping) {
    newest_->used = clock_;
    return newest_;
  }
  std::unique_ptr<TableState>& state = states_[table.id];
  // One call may know the table from before and from after a change of its indexes.
  if (state && state->mapping != table.mapping) replaced_.push_back(std::move(state));
  if (!state) state = std::make_unique<TableState>(table, schema_);
  state->used = clock_;
  newest_ = state.get();
  return newest_;
}

// Only between calls: works_ and what is queued point to states.
void Session::give_up_states() {
  auto forget = [&](TableState& state) {
    state.each_statement([&](Statement& statement) { channel_.forget(statement); });
  };
  for (const std::unique_ptr<TableState>& state : replaced_) forget(*state);
  replaced_.clear();
  if (states_.size() <= kStatesMax) return;
  auto oldest = std::min_element(states_.begin(), states_.end(), [](const auto& a, const auto& b) {
    return a.second->used < b.second->used;
  });
  if (newest_ == oldest->second.get()) newest_ = nullptr;
  forget(*oldest->second);
  states_.erase(oldest);
}

Status Session::prepare(std::span<const ItemRef> refs) {
  give_up_states();
  TRY(channel_.connect());
  used_ = 0;
  for (const ItemRef& ref : refs) {
    if (used_ == works_.size()) works_.push_back(std::make_unique<Work>());
    Work& work = *works_[used_++];
    work.state = TRY(state_of(*ref.table));
    work.keys.reset(work.state->mapping->tables().size());
    work.present = false;
    TRY(work.state->splitter.key_rows(ref.key, work.keys));
    // The overflow table's key is a hash of the whole key.
    uint64_t hash;
    std::memcpy(&hash, work.overflow_key().data(), 8);
    work.lock = static_cast<int64_t>(hash ^ work.state->lock_seed);
  }
  return {};
}

void Session::order_works() {
  order_.resize(used_);
  for (uint32_t i = 0; i < used_; ++i) order_[i] = i;
  std::sort(order_.begin(), order_.end(),
            [&](uint32_t a, uint32_t b) { return works_[a]->lock < works_[b]->lock; });
}

// Appends the key's cells in `parent` to params_.
void Session::add_key(ParentState& parent, const Work& work) {
  parent.keys.clear();
  Status encoded = parent.keys.append(work.keys.tables[parent.table], 0, 1);
  ASSERT(encoded.ok());  // key columns hold what the splitter converted
  params_.add_row(parent.keys.row_bytes(0));
}

void Session::queue_find(Work& work, bool lock) {
  work.first = channel_.queued();
  auto find = [&](ParentState& parent) {
    params_.clear();
    add_key(parent, work);
    channel_.queue(lock ? parent.lock : parent.find, params_);
    for (ChildState& child : parent.children)
      channel_.queue(lock ? child.lock : child.find, params_);
  };
  for (ParentState& parent : work.state->parents)
    if (work.fits(parent.table)) find(parent);
  find(work.state->overflow);
}

// The row that the statements from `result` on have found, with its children.
Status Session::assemble(TableState& state, ParentState& parent, size_t result,
                         ddb::ItemBatch& batch) {
  cells_.clear();
  memory_.reset(0);
  uint32_t columns = state.table(parent.table).column_count();
  TRY(decode_row(channel_.result(result).get(), 0, 0, columns, parent.decoder, cells_, memory_));
  children_.resize(parent.children.size());
  for (size_t i = 0; i < parent.children.size(); ++i) {
    ChildState& child = parent.children[i];
    const QueryResult& rows = channel_.result(result + 1 + i);
    children_[i].clear();
    uint32_t child_columns = state.table(child.table).column_count();
    for (int row = 0; row < rows.rows(); ++row, ++children_[i].rows)
      TRY(decode_row(rows.get(), row, 0, child_columns, child.decoder, children_[i].cells,
                     memory_));
  }
  return state.assembler.assemble(parent.table, cells_.data(), children_, batch.size(), batch);
}

Status Session::take_found(Work& work, ddb::ItemBatch& batch) {
  size_t at = work.first;
  auto look = [&](ParentState& parent) -> Status {
    if (channel_.result(at).rows() > 0 && !work.present) {
      work.root = static_cast<uint32_t>(batch.size());
      TRY(assemble(*work.state, parent, at, batch));
      work.present = true;
    }
    at += 1 + parent.children.size();
    return {};
  };
  for (ParentState& parent : work.state->parents)
    if (work.fits(parent.table)) TRY(look(parent));
  return look(work.state->overflow);
}

Status Session::take_simple(Work& work, const QueryResult& result, ddb::ItemBatch& batch) {
  if (result.rows() == 0) return {};
  TableState& state = *work.state;
  ParentState& parent = state.parents[0];
  cells_.clear();
  memory_.reset(0);
  uint32_t columns = state.table(parent.table).column_count();
  TRY(decode_row(result.get(), 0, 0, columns, parent.decoder, cells_, memory_));
  children_.clear();
  work.root = static_cast<uint32_t>(batch.size());
  work.present = true;
  if (cells_[0].kind != CellKind::kNull)
    return state.assembler.assemble(parent.table, cells_.data(), children_, batch.size(), batch);
  // The overflow table's row: its item stands in the last column.
  Cell row[3];
  row[2] = cells_[columns - 1];
  return state.assembler.assemble(state.overflow.table, row, children_, batch.size(), batch);
}

void Session::queue_find_simple(Work& work, Statement& statement) {
  params_.clear();
  add_key(work.state->parents[0], work);
  params_.add(work.overflow_key());
  work.first = channel_.queued();
  channel_.queue(statement, params_);
}

Status Session::get_once(std::span<const ItemRef> refs, ddb::ItemBatch& batch) {
  TRY(prepare(refs));
  // One statement sees one snapshot by itself.
  bool one = used_ == 1 && works_[0]->state->simple();
  if (!one) channel_.queue(begin_snapshot_);
  for (size_t i = 0; i < used_; ++i) {
    Work& work = *works_[i];
    TableState& state = *work.state;
    if (state.simple() && work.fits(state.parents[0].table)) {
      queue_find_simple(work, state.find_simple);
    } else {
      queue_find(work, false);
    }
  }
  if (!one) channel_.queue(commit_);
  TRY(channel_.run());
  for (size_t i = 0; i < used_; ++i) {
    Work& work = *works_[i];
    if (work.state->simple() && work.fits(work.state->parents[0].table))
      TRY(take_simple(work, channel_.result(work.first), batch));
    else
      TRY(take_found(work, batch));
  }
  return {};
}

Status Session::get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
                    std::vector<ddb::ItemView>& found) {
  for (int conflicts = 0, renewals = 0;;) {
    batch.reset();
    found.assign(refs.size(), {});
    Status status = refs.empty() ? Status() : get_once(refs, batch);
    if (status.ok()) break;
    const std::string sqlstate = channel_.sqlstate();
    bool renew = status.error().kind() == ErrorKind::kUnavailable || is_stale_statement(sqlstate);
    if (renew && ++renewals < kRenewals) {
      channel_.close();
      continue;
    }
    if (is_conflict(sqlstate) && ++conflicts < kConflictRetries) continue;
    return store_error(std::move(status).error(), sqlstate);
  }
  for (size_t i = 0; i < refs.size(); ++i)
    if (works_[i]->present) found[i] = batch.item(works_[i]->root);
  return {};
}

Status Session::read(const PageRequest& request, Page& page) {
  for (int conflicts = 0, renewals = 0;;) {
    page.items.reset();
    page.more = false;
    give_up_states();
    Status status = channel_.connect();
    if (status.ok()) status = reader_.read(*TRY(state_of(*request.table)), request, page);
    if (status.ok()) return {};
    const std::string sqlstate = channel_.sqlstate();
    bool renew = status.error().kind() == ErrorKind::kUnavailable || is_stale_statement(sqlstate);
    if (renew && ++renewals < kRenewals) {
      channel_.close();
      continue;
    }
    if (is_conflict(sqlstate) && ++conflicts < kConflictRetries) continue;
    return store_error(std::move(status).error(), sqlstate);
  }
}

}  // namespace offramp::target::postgres
