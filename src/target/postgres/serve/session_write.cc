// Writing: see session.h for the three ways.
#include <algorithm>
#include <cstring>

#include "mapping/extra.h"
#include "target/postgres/serve/retry.h"
#include "target/postgres/serve/session.h"
#include "target/postgres/wire.h"

namespace offramp::target::postgres {

using mapping::Cell;
using mapping::CellKind;
using mapping::Outcome;

namespace {

// Losses of a race for an absent item after which the whole table is locked.
constexpr int kDuplicatesMax = 3;

Statement lock_keys_statement() {
  // The rows of unnest come in its order, which is that of the locks.
  return {.sql = "SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::bigint[]) k",
          .types = {1016},
          .doing = "wait for the items"};
}

Error no_progress() {
  return Error(ErrorKind::kConflict, "store.conflict",
               "others wrote the same items, again and again");
}

}  // namespace

// The overflow table's row of `item`, in rows_.
void Session::divert(Work& work, ddb::ItemView item, std::string_view reason) {
  uint32_t overflow = work.state->mapping->overflow_table();
  mapping::ArenaText text(rows_.arena, 1024);
  mapping::write_extra_item(item, text);
  std::string_view json = text.finish();
  mapping::TableRows& rows = rows_.tables[overflow];
  rows.clear();
  rows.cells.push_back(Cell::text(CellKind::kBytes, work.overflow_key()));
  rows.cells.push_back(Cell::text(CellKind::kText, reason));
  rows.cells.push_back(Cell::text(CellKind::kJson, json));
  rows.rows = 1;
}

Result<uint32_t> Session::split(Work& work, ddb::ItemView item) {
  TableState& state = *work.state;
  rows_.reset(state.mapping->tables().size());
  uint32_t overflow = state.mapping->overflow_table();
  for (const std::string& name : state.text_attributes) {
    ddb::ValueView value = item.find(name);
    if (value && value.type() == ddb::Type::kS && mapping::has_nul(value.bytes())) {
      divert(work, item, "an index column would hold a NUL character");
      return overflow;
    }
  }
  switch (state.splitter.split(item, rows_, why_)) {
    case Outcome::kRow:
    case Outcome::kOverflow:
      return state.splitter.table();
    case Outcome::kSkipped:
      divert(work, item, "the plan leaves it behind");
      return overflow;
    case Outcome::kRefused:
      divert(work, item, "no table of the plan takes it");
      return overflow;
  }
  return overflow;
}

// The row in rows_ of the chosen table, and its children.
Status Session::queue_row(Work& work, uint32_t chosen, bool insert) {
  TableState& state = *work.state;
  ParentState* parent = &state.overflow;
  for (ParentState& candidate : state.parents)
    if (candidate.table == chosen) parent = &candidate;
  parent->rows.clear();
  TRY(parent->rows.append(rows_.tables[chosen], 0, 1));
  params_.clear();
  params_.add_row(parent->rows.row_bytes(0));
  channel_.queue(insert ? parent->insert : parent->upsert, params_);
  return queue_children(*parent);
}

Status Session::queue_children(ParentState& parent) {
  if (parent.children.empty()) return {};
  // The parent's row begins with its key.
  std::string_view row = parent.rows.row_bytes(0);
  size_t key_columns = parent.key_columns;
  for (ChildState& child : parent.children) {
    const mapping::TableRows& rows = rows_.tables[child.table];
    child.rows.clear();
    TRY(child.rows.append(rows, 0, rows.rows));
    for (uint32_t i = 0; i < rows.rows; ++i) {
      params_.clear();
      params_.add_row(child.rows.row_bytes(i));
      channel_.queue(child.upsert, params_);
    }
    params_.clear();
    params_.add_row(row, key_columns);
    params_.add_int64(rows.rows);
    channel_.queue(child.remove_from, params_);
  }
  return {};
}

// From every table that can hold the key but `except`: children first.
void Session::queue_removal(Work& work, uint32_t except) {
  auto remove = [&](ParentState& parent) {
    if (parent.table == except) return;
    for (ChildState& child : parent.children) {
      params_.clear();
      add_key(parent, work);
      params_.add_int64(0);
      channel_.queue(child.remove_from, params_);
    }
    params_.clear();
    add_key(parent, work);
    channel_.queue(parent.remove, params_);
  };
  for (ParentState& parent : work.state->parents)
    if (work.fits(parent.table)) remove(parent);
  remove(work.state->overflow);
}

Result<Session::Written> Session::queue_decision(Work& work, const Decision& decision,
                                                 Absent absent) {
  TableState& state = *work.state;
  if (decision.kind == Decision::Kind::kKeep) return Written::kDone;
  if (decision.kind == Decision::Kind::kDelete) {
    if (absent == Absent::kUnknown) queue_removal(work, UINT32_MAX);
    return Written::kDone;
  }
  uint32_t chosen = TRY(split(work, decision.item));
  if (state.simple() && chosen == state.overflow.table && work.fits(state.parents[0].table) &&
      !exclusive_.contains(state.id))
    return Written::kNeedsLock;
  if (absent == Absent::kUnknown) queue_removal(work, chosen);
  TRY(queue_row(work, chosen, absent == Absent::kSure));
  return Written::kDone;
}

void Session::queue_begin() {
  channel_.queue(begin_);
  if (origin_.empty()) return;
  params_.clear();
  params_.add(origin_);
  channel_.queue(set_origin_, params_);
}

// Locks that come before everything else in a transaction.
void Session::queue_locks() {
  locked_.clear();
  bool advisory = used_ > 1;
  for (size_t i = 0; i < used_; ++i) {
    TableState* state = works_[i]->state;
    if (!state->simple())
      advisory = true;
    else if (std::find(locked_.begin(), locked_.end(), state) == locked_.end())
      locked_.push_back(state);
  }
  std::sort(locked_.begin(), locked_.end(),
            [](TableState* a, TableState* b) { return a->id < b->id; });
  for (TableState* state : locked_)
    channel_.queue(exclusive_.contains(state->id) ? state->lock_exclusive : state->lock_shared);
  if (!advisory) return;
  if (lock_keys_.sql.empty()) lock_keys_ = lock_keys_statement();
  locks_.clear();
  for (uint32_t i : order_) locks_.push_back(works_[i]->lock);
  params_.clear();
  params_.add_int64_array(locks_);
  channel_.queue(lock_keys_, params_);
}

Status Session::rollback() {
  channel_.queue(rollback_);
  return channel_.run();
}

Result<bool> Session::is_primary_key(std::string constraint) {
  params_.clear();
  params_.add(constraint);
  TRY(channel_.connect());
  channel_.queue(find_primary_key_, params_);
  TRY(channel_.run());
  return channel_.result(0).rows() > 0;
}

Status Session::ask(const Decide& decide) {
  views_.assign(used_, {});
  for (size_t i = 0; i < used_; ++i)
    if (works_[i]->present) views_[i] = olds_.item(works_[i]->root);
  decisions_.assign(used_, {});
  Status status = decide(views_, decisions_);
  decided_ = !status.ok();
  return status;
}

Result<Session::Written> Session::attempt_locked(std::span<const ItemRef> refs,
                                                 const Decide& decide) {
  TRY(prepare(refs));
  order_works();
  queue_begin();
  queue_locks();
  for (uint32_t i : order_) queue_find(*works_[i], true);
  TRY(channel_.run());

  olds_.reset();
  Status status;
  for (size_t i = 0; i < used_ && status.ok(); ++i) status = take_found(*works_[i], olds_);
  if (status.ok()) status = ask(decide);
  for (size_t n = 0; n < used_ && status.ok(); ++n) {
    Work& work = *works_[order_[n]];
    auto queued = queue_decision(work, decisions_[order_[n]],
                                 work.present ? Absent::kUnknown : Absent::kSure);
    if (!queued.ok()) {
      status = std::move(queued).error();
    } else if (*queued == Written::kNeedsLock) {
      exclusive_.insert(work.state->id);
      TRY(rollback());
      return Written::kNeedsLock;
    }
  }
  if (!status.ok()) {
    if (!rollback().ok()) channel_.close();
    return std::move(status).error();
  }
  channel_.queue(commit_);
  sent_ = true;
  TRY(channel_.run());
  return Written::kDone;
}

// The one statement that writes the decision if the item is as it was read; false when there is
// none.
Result<bool> Session::queue_optimistic(Work& work, const Decision& decision,
                                       std::string_view version) {
  TableState& state = *work.state;
  ParentState& parent = state.parents[0];
  params_.clear();
  if (decision.kind == Decision::Kind::kDelete) {
    add_key(parent, work);
    params_.add(version);
    channel_.queue(state.remove_same, params_);
    return true;
  }
  if (TRY(split(work, decision.item)) != parent.table) return false;
  parent.rows.clear();
  TRY(parent.rows.append(rows_.tables[parent.table], 0, 1));
  params_.add_row(parent.rows.row_bytes(0));
  params_.add(work.present ? version : work.overflow_key());
  channel_.queue(work.present ? state.update_same : state.insert_absent, params_);
  return true;
}

Result<Session::Written> Session::attempt_optimistic(const ItemRef& ref, const Decide& decide) {
  TRY(prepare({&ref, 1}));
  Work& work = *works_[0];
  TableState& state = *work.state;
  if (!state.simple() || !work.fits(state.parents[0].table)) return Written::kNeedsLock;
  if (state.contended > 0) {
    --state.contended;
    return Written::kNeedsLock;
  }
  queue_find_simple(work, state.find_version);
  TRY(channel_.run());

  olds_.reset();
  const QueryResult& result = channel_.result(0);
  int version_field = static_cast<int>(state.table(state.parents[0].table).columns.size());
  char version[4] = {};
  if (result.rows() > 0) {
    if (result.is_null(0, version_field))
      return Written::kNeedsLock;  // it is in the overflow table
    std::memcpy(version, result.text(0, version_field).data(), sizeof version);
  }
  TRY(take_simple(work, result, olds_));
  TRY(ask(decide));
  const Decision& decision = decisions_[0];
  if (decision.kind == Decision::Kind::kKeep) return Written::kDone;
  if (decision.kind == Decision::Kind::kDelete && !work.present) return Written::kDone;
  if (!TRY(queue_optimistic(work, decision, {version, sizeof version}))) return Written::kNeedsLock;
  sent_ = true;
  TRY(channel_.run());
  if (channel_.result(0).affected() == 1) return Written::kDone;
  state.contended = kContendedWrites;
  return Written::kNeedsLock;
}

template <class Attempt>
Result<Session::Written> Session::repeat(Attempt attempt) {
  for (int attempts = 0, renewals = 0, duplicates = 0; attempts < kConflictRetries; ++attempts) {
    decided_ = sent_ = false;
    Result<Written> written = attempt();
    if (written.ok() || decided_) return written;
    const std::string sqlstate = channel_.sqlstate();
    bool lost = written.error().kind() == ErrorKind::kUnavailable;
    if (((lost && !sent_) || is_stale_statement(sqlstate)) && ++renewals < kRenewals) {
      channel_.close();
      continue;
    }
    if (is_conflict(sqlstate)) continue;
    // Someone inserted the item that was absent; else it is a constraint that the owner added.
    if (is_duplicate(sqlstate) && TRY(is_primary_key(channel_.constraint()))) {
      if (++duplicates == kDuplicatesMax)
        for (size_t i = 0; i < used_; ++i) exclusive_.insert(works_[i]->state->id);
      continue;
    }
    return store_error(std::move(written).error(), sqlstate);
  }
  return no_progress();
}

Status Session::write_locked(std::span<const ItemRef> refs, const Decide& decide) {
  exclusive_.clear();
  // Every round finds one more table that must be locked whole, at most.
  for (size_t rounds = 0; rounds <= refs.size(); ++rounds)
    if (TRY(repeat([&] { return attempt_locked(refs, decide); })) == Written::kDone) return {};
  return no_progress();
}

Status Session::write(std::span<const ItemRef> refs, const Decide& decide) {
  if (refs.size() == 1 && origin_.empty() &&
      TRY(repeat([&] { return attempt_optimistic(refs[0], decide); })) == Written::kDone)
    return {};
  return write_locked(refs, decide);
}

Result<Session::Written> Session::queue_blind(Work& work, const Decision& decision) {
  TableState& state = *work.state;
  if (!state.simple() || !work.fits(state.parents[0].table)) {
    // All of its rows before one is written: who holds one of them may be about to wait for the
    // item's place in a change log.
    if (state.has_children()) queue_find(work, true);
    return queue_decision(work, decision, Absent::kUnknown);
  }
  ParentState& parent = state.parents[0];
  params_.clear();
  if (decision.kind == Decision::Kind::kDelete) {
    add_key(parent, work);
    params_.add(work.overflow_key());
    channel_.queue(state.remove_simple, params_);
    return Written::kDone;
  }
  if (TRY(split(work, decision.item)) != parent.table) return Written::kNeedsLock;
  parent.rows.clear();
  TRY(parent.rows.append(rows_.tables[parent.table], 0, 1));
  params_.add_row(parent.rows.row_bytes(0));
  params_.add(work.overflow_key());
  channel_.queue(state.put_simple, params_);
  return Written::kDone;
}

Result<Session::Written> Session::attempt_blind(std::span<const ItemRef> refs,
                                                std::span<const Decision> decisions) {
  TRY(prepare(refs));
  order_works();
  bool alone = used_ == 1 && works_[0]->state->simple() && origin_.empty();
  if (!alone) {
    queue_begin();
    queue_locks();
  }
  for (uint32_t i : order_) {
    auto queued = queue_blind(*works_[i], decisions[i]);
    if (queued.ok() && *queued == Written::kDone) continue;
    // A part may be queued already.
    if (!alone || !queued.ok())
      if (alone || !rollback().ok()) channel_.close();
    return queued;
  }
  if (!alone) channel_.queue(commit_);
  sent_ = true;
  TRY(channel_.run());
  return Written::kDone;
}

Status Session::write_blind(std::span<const ItemRef> refs, std::span<const Decision> decisions) {
  if (refs.empty()) return {};
  exclusive_.clear();
  if (TRY(repeat([&] { return attempt_blind(refs, decisions); })) == Written::kDone) return {};
  return write_locked(refs, [&](auto, std::span<Decision> out) -> Status {
    std::copy(decisions.begin(), decisions.end(), out.begin());
    return {};
  });
}

}  // namespace offramp::target::postgres
