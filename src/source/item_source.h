// ItemSource: a place that items come from, cut into partitions that can be read in parallel and
// resumed.
//
// Reading a partition again from a position gives the same records in the same order for files; for
// a scan, the items that the table has now. A reader that finds bytes contradicting a checksum or
// count fails with kCorrupt before it has given out a record of that file (C6).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "model/position.h"
#include "model/table_spec.h"

namespace offramp::source {

struct Partition {
  std::string id;                 // stable across runs: the resume key, shown in status
  std::optional<uint64_t> items;  // when known beforehand
  std::optional<uint64_t> bytes;  // size at the source, for progress
};

class ItemReader {
 public:
  virtual ~ItemReader() = default;
  // Fills `batch` (reset first) with the next records and sets `after` to the position behind them.
  // False at the end of the partition, with an empty batch and after.done = true. A batch is
  // bounded: at most about kBatchItemsMax items or kBatchBytesMax of text, one item at least.
  virtual Result<bool> next(ddb::ItemBatch& batch, model::Position& after) = 0;
};

constexpr size_t kBatchItemsMax = 1024;
constexpr size_t kBatchBytesMax = 512 * 1024;

class ItemSource {
 public:
  virtual ~ItemSource() = default;
  // What the source says about its table, as far as it knows.
  virtual Result<model::TableSpec> describe() = 0;
  // In a fixed order. Called once per run; checks what can be checked beforehand (manifest,
  // windows).
  virtual Result<std::vector<Partition>> partitions() = 0;
  // Thread-safe: readers of different partitions may be opened and used in parallel.
  virtual Result<std::unique_ptr<ItemReader>> open(const Partition& partition,
                                                   const model::Position& resume) = 0;
  // Stable text that identifies the content (export ARNs, file path and size…): a resume against
  // another content is refused.
  virtual Result<std::string> fingerprint() = 0;
  // The time (Unix s) whose state the items are; nothing for a scan, which reads each item as it is
  // then, and for files that do not say.
  virtual Result<std::optional<int64_t>> as_of_s() { return std::optional<int64_t>(); }
  // True when nothing keeps the source from holding a key more than once (a file that anyone may
  // have put together); a table and its exports cannot.
  virtual bool may_repeat_keys() const { return false; }
  // Things a person should know before they trust the source, one sentence each.
  virtual std::vector<std::string> remarks() { return {}; }
};

}  // namespace offramp::source
