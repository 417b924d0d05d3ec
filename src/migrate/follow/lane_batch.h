// LaneBatch: the newest change of each key of one lane in a run of changes, and what becomes of it
// at the target.
//
// A lane owns its keys (C4): all changes of a key go through the same lane, one batch after the
// other. Only the newest image of a key in a batch counts, since images replace each other.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ddb/item_batch.h"
#include "ddb/wire_json.h"
#include "mapping/compiled_mapping.h"
#include "migrate/item_key.h"
#include "migrate/spool/spool.h"
#include "model/change.h"

namespace offramp::migrate::follow {

struct Refusal {
  size_t change;  // index into LaneBatch::changes
  std::string code, why;
};

struct LaneBatch {
  model::ChangeBatch changes;  // one per key
  ddb::ItemBatch items;        // of the images; owns the bytes of the rows
  mapping::RowBatch keys, rows;
  std::vector<Refusal> refused;  // by the mapping: neither keys nor rows are in the batch
  uint64_t captured = 0;         // changes it stands for, overtaken ones included
  spool::Place after;
  void reset(size_t tables) {
    changes.reset();
    items.reset();
    keys.reset(tables);
    rows.reset(tables);
    refused.clear();
    captured = 0;
    after = {};
  }
};

// Which lane a key belongs to. Stored positions depend on it: never change.
inline int lane_of(const ddb::Digest& key, int lanes) {
  return static_cast<int>((key.high >> 16) % static_cast<uint64_t>(lanes));
}

// Changes → keys and rows. One per thread.
class Preparer {
 public:
  explicit Preparer(std::shared_ptr<const mapping::CompiledMapping> mapping);

  // Puts the newest change of each of lane `lane`'s keys into the batch (reset before) and prepares
  // them.
  Status take(const model::ChangeBatch& from, int lane, int lanes, LaneBatch& out);
  // Prepares the changes that are in the batch; those for which `leave_out` is true are left out.
  template <class LeaveOut>
  Status prepare(LaneBatch& batch, LeaveOut leave_out) {
    begin(batch);
    for (size_t i = 0; i < batch.changes.changes.size(); ++i)
      if (!leave_out(batch.changes.changes[i])) TRY(add(batch, i));
    return {};
  }
  // The rows of an image read from the source, for a key that is given; an empty view: the item is
  // gone. `why` says so when the mapping refuses it (then false).
  Result<bool> add_image(ddb::ItemView key, ddb::ItemView image, mapping::RowBatch& keys,
                         mapping::RowBatch& rows, std::string& why);
  // A key's JSON as a view into `batch`.
  Result<ddb::ItemView> decode_key(std::string_view key_json, ddb::ItemBatch& batch);

 private:
  void begin(LaneBatch& batch) const;
  Status add(LaneBatch& batch, size_t index);
  Result<uint32_t> decode(std::string_view json, ddb::ItemBatch& batch);

  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  mapping::Splitter splitter_;
  ItemKey item_key_;
  ddb::JsonDecoder decoder_;
  std::vector<uint32_t> slots_;  // open addressing over the changes taken; index + 1
};

}  // namespace offramp::migrate::follow
