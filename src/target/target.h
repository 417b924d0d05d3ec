// Target: a database that takes the rows of a compiled mapping and gives them back as items.
//
// Capabilities, not names, tell targets apart. A position becomes durable in the same transaction
// as its rows (C5). Every method returns kUnavailable when the server is lost (resumable), kConfig
// for wrong credentials or address, kConflict when something is in the way that is not ours.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "mapping/compiled_mapping.h"
#include "mapping/rows.h"
#include "model/position.h"
#include "target/load_batch.h"

namespace offramp::target {

struct Capabilities {
  mapping::Limits limits;
  bool folds_case = false;   // identifiers that differ only in case collide
  int loaders_default = 2;   // parallel loaders that make sense
  int appliers_default = 1;  // lanes of changes that make sense at once
  bool one_writer = false;   // who loads keeps all others from writing: several migrations load one
                             // after the other
  bool temporal_types = true;  // timestamptz and date are types of its own, not text
  bool uuid_type = true;       // likewise uuid
};

class Loader {
 public:
  virtual ~Loader() = default;
  // Takes the batch's rows. They and the position become durable together, in the order of append()
  // per partition, at the latest with flush(). May block for back-pressure. An error is sticky.
  virtual Status append(std::unique_ptr<LoadBatch> batch) = 0;
  // All that was appended through this loader is durable when this returns.
  virtual Status flush() = 0;
};

// Changes into tables that have their keys and indexes (after finish_load). One thread at a time;
// each lane of changes has its own.
class Applier {
 public:
  virtual ~Applier() = default;
  // Makes each key's state be the given image and the lane's position be `after`, in one
  // transaction (C5): old rows of the key go away in every table, the new image's rows (if any)
  // come in. `keys` as Splitter::key_rows gives them, no key twice; `rows` as Splitter::split gives
  // them, for some of those keys; a key without rows is deleted. Durable when it returns.
  // `expected_token` is the token of the lane's stored position ("" when there is none yet):
  // kConflict "applier.superseded" when another one is stored, and then nothing is changed.
  // kBadItem when the target refuses a row for what it holds (out of range, a constraint that its
  // owner added): nothing is changed, and the caller looks for the row. After kUnavailable or
  // kRetry this object is of no further use; a new one is asked for, and it is the only writer of
  // its lane then: what the lost one had begun is over.
  virtual Status apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows,
                       std::string_view expected_token, const model::Position& after) = 0;
};

struct ReadPartition {
  uint32_t table = 0;  // parent or overflow table
  std::string range;   // the target's own token
};

class RowReader {
 public:
  virtual ~RowReader() = default;
  // Appends the next items (rebuilt) to `batch` (reset first); false at the end with an empty
  // batch.
  virtual Result<bool> next(ddb::ItemBatch& batch) = 0;
};

// A row that had to leave the table so that its key could become unique.
struct Duplicate {
  std::string table;
  std::string item_json;  // DynamoDB JSON of the copy that was taken out
};

class Target {
 public:
  virtual ~Target() = default;
  virtual Capabilities capabilities() const = 0;
  // "postgresql 15.20 at db.internal/app" or "SQLite 3.40 demo.sqlite": for people, without
  // secrets.
  virtual std::string description() const = 0;

  // Creates the tables (no indexes) and the bookkeeping, labelled with `migration`. Called on every
  // start: the second call for the same migration changes nothing. kConflict when a table of that
  // name exists and is not this migration's; kGap when `resuming` but the target has no trace of
  // this migration (it was replaced or emptied).
  enum class Start { kFirst, kResuming };
  virtual Status prepare(std::shared_ptr<const mapping::CompiledMapping> mapping,
                         const std::string& migration, Start start) = 0;
  // For commands that only look (status, verify, dump): binds the mapping, creates nothing.
  virtual Status attach(std::shared_ptr<const mapping::CompiledMapping> mapping,
                        const std::string& migration) = 0;

  // The durable positions, by partition id.
  virtual Result<std::map<std::string, model::Position>> positions() = 0;
  virtual Result<std::unique_ptr<Loader>> loader() = 0;

  // Makes keys unique and builds indexes; idempotent (after a kill it goes on). For every key that
  // occurs more than once, one copy stays (the last loaded where the target can tell) and each
  // other is passed to `duplicate` before it is removed (it may be passed again after a kill);
  // identical copies are removed silently and counted. `step` is called with a sentence per step.
  struct FinishOutcome {
    uint64_t identical_copies_removed = 0;
    uint64_t duplicates = 0;
  };
  virtual Result<FinishOutcome> finish_load(
      const std::function<Status(const Duplicate&)>& duplicate,
      const std::function<void(const std::string&)>& step) = 0;

  // `lane` names the position that is kept with the changes; positions() gives it under that name.
  virtual Result<std::unique_ptr<Applier>> applier(const std::string& lane) = 0;
  // As Applier::apply, without a position: for repair and letters.
  virtual Status apply(const mapping::RowBatch& keys, const mapping::RowBatch& rows) = 0;

  // Cuts the target's content for parallel reading into about `pieces` parts.
  virtual Result<std::vector<ReadPartition>> read_partitions(int pieces) = 0;
  virtual Result<std::unique_ptr<RowReader>> read(const ReadPartition& partition) = 0;
  // The items whose keys are given as Splitter::key_rows gives them (few: letters, repair,
  // differing keys).
  virtual Status get(const mapping::RowBatch& keys, ddb::ItemBatch& batch) = 0;

  // Rows per table, exact, for people.
  virtual Result<std::vector<std::pair<std::string, uint64_t>>> row_counts() = 0;
};

}  // namespace offramp::target
