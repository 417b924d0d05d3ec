// CopyLoader: batches → COPY BINARY, each transaction with its checkpoints (C5).
//
// append() encodes the rows at once and lets the batch go; a transaction is written when enough is
// pending. While one loader waits for its server process another encodes, so two loaders keep two
// cores busy without threads of their own.
//
// Invariant that finish_load() stands on: no two items with the same key in one table are written
// under one (sub)transaction id. So (key, xmin) names one copy of an item and its child rows, and a
// larger xmin is a later copy. Keys are watched as 64-bit hashes; a collision only cuts a
// transaction early.
//
// One thread at a time. The first error is sticky; the open transaction is rolled back with it.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "target/postgres/binding.h"
#include "target/postgres/connection.h"
#include "target/postgres/copy_encoder.h"
#include "target/postgres/key_set.h"
#include "target/target.h"

namespace offramp::target::postgres {

// What may be pending before it is written. Measured: smaller costs commits, larger only memory.
constexpr uint64_t kPendingRowsMax = 80'000;
constexpr size_t kPendingBytesMax = 16u << 20;
constexpr std::chrono::seconds kPendingTimeMax{5};

class CopyLoader : public Loader {
 public:
  CopyLoader(std::shared_ptr<const Binding> binding, Connection connection);
  Status append(std::unique_ptr<LoadBatch> batch) override;
  Status flush() override;

 private:
  Status append_rows(const LoadBatch& batch);
  // False when a key was there before or comes twice.
  bool insert_keys(const mapping::RowBatch& rows);
  // The rare path: the batch holds a key twice. Splits its items again, one by one, each in its own
  // rows.
  Status append_one_by_one(const LoadBatch& batch);
  Status encode(const mapping::RowBatch& rows);
  // Writes the pending rows into the open transaction (opened if need be), without a commit.
  Status write_wave();
  Status write_table(uint32_t table);
  // kLater: the server may lose the newest transactions if it crashes, rows and checkpoints
  // together, so a resume loads them again. kNow: all commits of this loader so far survive a
  // crash.
  enum class Durable { kLater, kNow };
  Status commit(Durable durable);
  Error name_refused_row(Error error, uint32_t table) const;
  Status stick(Status status);

  const std::shared_ptr<const Binding> binding_;
  Connection connection_;
  std::vector<CopyEncoder> encoders_;  // per table
  std::vector<std::string> copy_sql_;  // per table
  KeySet keys_;                        // of the pending rows
  std::map<std::string, model::Position> positions_;
  uint64_t pending_rows_ = 0;
  size_t pending_bytes_ = 0;
  bool commits_later_ = false;  // some commit may not be on the server's disk yet
  int waves_ = 0;               // subtransactions written into the open transaction
  std::optional<std::chrono::steady_clock::time_point> pending_since_;
  std::optional<Error> error_;
};

}  // namespace offramp::target::postgres
