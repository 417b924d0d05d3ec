// Session: items by key, and writes; a StoreSession over one connection.
//
// How a write is made safe (other sessions, other processes, SQL writers):
// 1. An item of a simple table (table_state.h) is read, decided on, and written if the row still is
// the version that
//    was read, or is still absent: two round trips, no lock. When someone came between, 2.
// 2. Everything else locks: the keys' advisory locks in one global order (of several keys, or of a
//    table with several parents or children), then the rows by SELECT … FOR UPDATE, child rows too;
//    then decides, writes and commits.
// 3. An item that fits a simple table's key, but must go to the overflow table for another reason,
// is written under a
//    lock on the table that every other write of it respects. So no item is ever in two tables.
// Deadlocks and serialization failures roll back whole and are tried again, a bounded number of
// times. A write whose answer was lost is kUnavailable and never repeated. A write with an origin
// (change_log.h) always is a transaction of statements: 2. One thread at a time.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "target/postgres/serve/channel.h"
#include "target/postgres/serve/log_fields.h"
#include "target/postgres/serve/log_horizons.h"
#include "target/postgres/serve/page_reader.h"
#include "target/postgres/serve/plan_log_sql.h"
#include "target/postgres/serve/table_state.h"
#include "target/store.h"

namespace offramp::target::postgres {

// How long a request waits for a lock that another session holds.
constexpr const char* kLockTimeout = "8s";

// One statement about one item of a simple table, of a caller that shares its round trip.
struct PointJob {
  enum class Kind {
    kGet,        // → present, root, batch
    kGetNoted,   // as kGet, and → version
    kWrite,      // `decision`, whatever is there
    kWriteNoted  // `decision`, if the item still is what kGetNoted has found; → written
  };
  Kind kind;
  ItemRef ref;
  ddb::ItemBatch* batch = nullptr;  // kGet, kGetNoted: where the item goes, at the end
  Decision decision;                // kWrite, kWriteNoted; not kKeep
  bool present = false;
  uint32_t root = 0;
  char version[4] = {};
  bool written = false;
  bool contended = false;  // others write the same items: lock at once
  // Nothing was done: it needs more than one statement, or must be tried alone.
  bool apart = false;
  Status status;
};

class Session final : public StoreSession {
 public:
  Session(std::string url, std::string schema, std::shared_ptr<LogHorizons> horizons,
          std::string lock_timeout = kLockTimeout)
      : schema_(std::move(schema)),
        horizons_(std::move(horizons)),
        channel_(std::move(url), std::move(lock_timeout)),
        reader_(channel_) {}

  Status get(std::span<const ItemRef> refs, ddb::ItemBatch& batch,
             std::vector<ddb::ItemView>& found) override;
  Status read(const PageRequest& request, Page& page) override;
  Status write(std::span<const ItemRef> refs, const Decide& decide) override;
  Status write_blind(std::span<const ItemRef> refs, std::span<const Decision> decisions) override;
  Status set_origin(std::string_view origin) override;
  Status changes(const ServedTable& table, const ChangeLogName& log, uint64_t after, uint64_t until,
                 size_t changes_max, size_t bytes_max, ChangePage& page) override;

  // write() that locks at once.
  Status write_locked(std::span<const ItemRef> refs, const Decide& decide);
  // All jobs' statements in one round trip and one transaction, in the global order of locks.
  void run_points(std::span<PointJob* const> jobs);

  Status connect() { return channel_.connect(); }
  bool connected() const { return channel_.connected(); }
  // Another thread may use it next.
  void leave_thread() { channel_.leave_thread(); }

 private:
  // One of a call's items: its table, and its key's cells in each parent table that can hold it.
  struct Work {
    TableState* state = nullptr;
    mapping::RowBatch keys;
    int64_t lock = 0;  // the advisory lock's number
    size_t first = 0;  // of the statements that read it
    bool present = false;
    uint32_t root = 0;  // the item's index in the batch, when present

    bool fits(uint32_t table) const { return keys.tables[table].rows != 0; }
    std::string_view overflow_key() const {
      return keys.tables[state->mapping->overflow_table()].cells[0].bytes();
    }
  };
  // What is kept for one change log.
  struct LogState {
    std::string base;                                         // log_base_name()
    std::shared_ptr<const mapping::CompiledMapping> mapping;  // which `read` is made of
    Statement last_number, read;                              // `read`: of a table made here
    std::optional<PlanLogReading> plan;                       // of a plan's table
    RowEstimate rows;
  };
  enum class Written { kDone, kNeedsLock };
  enum class Absent { kUnknown, kSure };  // what is known of the key's old item

  Result<TableState*> state_of(const ServedTable& table);
  void give_up_states();
  Status prepare(std::span<const ItemRef> refs);
  // Numbers into works_, in the global order of locks.
  void order_works();
  void add_key(ParentState& parent, const Work& work);
  void queue_find(Work& work, bool lock);
  Status take_found(Work& work, ddb::ItemBatch& batch);
  Status assemble(TableState& state, ParentState& parent, size_t result, ddb::ItemBatch& batch);
  Status get_once(std::span<const ItemRef> refs, ddb::ItemBatch& batch);
  Status take_simple(Work& work, const QueryResult& result, ddb::ItemBatch& batch);
  void queue_find_simple(Work& work, Statement& statement);
  Status queue_point(Work& work, PointJob& job);
  Status take_point(Work& work, PointJob& job);

  Result<Written> attempt_optimistic(const ItemRef& ref, const Decide& decide);
  Result<bool> queue_optimistic(Work& work, const Decision& decision, std::string_view version);
  Result<Written> attempt_locked(std::span<const ItemRef> refs, const Decide& decide);
  Result<Written> attempt_blind(std::span<const ItemRef> refs, std::span<const Decision> decisions);
  Result<Written> queue_blind(Work& work, const Decision& decision);
  // Calls `attempt` until it has written, needs a lock, or fails for good.
  template <class Attempt>
  Result<Written> repeat(Attempt attempt);
  Status ask(const Decide& decide);
  Result<bool> is_primary_key(std::string constraint);
  // BEGIN of a transaction that writes, and whose it is.
  void queue_begin();
  void queue_locks();
  Result<Written> queue_decision(Work& work, const Decision& decision, Absent absent);
  Status queue_row(Work& work, uint32_t chosen, bool insert);
  Status queue_children(ParentState& parent);
  void queue_removal(Work& work, uint32_t except);
  // Splits `item` into rows_; the table that takes it.
  Result<uint32_t> split(Work& work, ddb::ItemView item);
  void divert(Work& work, ddb::ItemView item, std::string_view reason);
  Status rollback();

  LogState& log_of(const ChangeLogName& name, const ServedTable& served, const TableState& table);
  Result<LogHorizons::Known> known_until(LogState& log, uint64_t until);
  Result<bool> take_state(TableState& state, const QueryResult& rows, int row, int first, int item,
                          ddb::ItemBatch& batch);
  Status take_change(TableState& state, const QueryResult& rows, int row, ChangePage& page);
  Status changes_once(const ServedTable& table, const ChangeLogName& name, uint64_t after,
                      uint64_t until, size_t changes_max, size_t bytes_max, ChangePage& page);
  // The same of a plan's table, whose log is complete up to `until`.
  Status plan_changes(const ServedTable& table, TableState& state, LogState& log, uint64_t until,
                      size_t changes_max, size_t bytes_max, ChangePage& page);
  struct PlanEntry {
    uint64_t number;
    int64_t at_ms;
    std::string origin, item;
    Work* work;             // null: what was written has no DynamoDB key
    size_t next;            // of the same item, into entries_; SIZE_MAX: none
    size_t old_at, new_at;  // first result of the item's state before and after; SIZE_MAX: none
  };
  void take_entries(const ServedTable& table, TableState& state);
  void queue_state(LogState& log, const PlanEntry& entry, uint64_t number);
  Result<bool> take_plan_state(const ServedTable& table, const PlanEntry& entry, size_t result,
                               ddb::ItemBatch& batch);
  Status take_plan_change(const ServedTable& table, const PlanEntry& entry, ChangePage& page);

  const std::string schema_;
  const std::shared_ptr<LogHorizons> horizons_;  // the store's
  Channel channel_;
  PageReader reader_;
  std::unordered_map<std::string, std::unique_ptr<TableState>> states_;  // by ServedTable::id
  TableState* newest_ = nullptr;
  std::vector<std::unique_ptr<TableState>> replaced_;                // during a call
  std::unordered_map<std::string, std::unique_ptr<LogState>> logs_;  // by LogState::base
  std::vector<PlanEntry> entries_;                                   // of plan_changes()
  ddb::ItemBatch keys_;                                              // of entries_
  std::string origin_;
  uint64_t clock_ = 0;
  std::vector<std::unique_ptr<Work>> works_;  // the first `used_` of them
  size_t used_ = 0;
  std::vector<ItemRef> refs_;  // of run_points()
  std::vector<uint32_t> order_;
  std::set<std::string> exclusive_;  // ids of tables that must be locked whole
  std::vector<TableState*> locked_;  // scratch
  std::vector<int64_t> locks_;       // scratch
  Params params_;
  mapping::RowBatch rows_, memory_;
  std::vector<mapping::Cell> cells_;
  std::vector<mapping::TableRows> children_;
  ddb::ItemBatch olds_;
  std::vector<ddb::ItemView> views_;
  std::vector<Decision> decisions_;
  std::string why_;
  bool decided_ = false;  // the newest error is decide()'s
  bool sent_ =
      false;  // writes of the newest attempt were sent: only the server knows what became of them
  Statement begin_{.sql = "BEGIN", .doing = "begin"};
  Statement begin_snapshot_{.sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                            .doing = "begin to read"};
  Statement commit_{.sql = "COMMIT", .doing = "commit"};
  Statement rollback_{.sql = "ROLLBACK", .doing = "roll back"};
  Statement set_origin_{.sql = "SELECT set_config('offramp.origin', $1, true)",
                        .types = {25},
                        .doing = "say whose write it is"};
  Statement transactions_;
  Statement lock_keys_;
  Statement find_primary_key_{
      .sql = "SELECT 1 FROM pg_constraint WHERE conname = $1 AND contype = 'p' LIMIT 1",
      .types = {25},
      .doing = "look at a constraint"};
};

}  // namespace offramp::target::postgres
