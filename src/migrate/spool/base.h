// Base: the newest change of each key of a run of batches, in a RocksDB of its own.
//
// It holds what add() was given in the order of the batches: a later change of a key replaces the
// earlier one, and a deletion is a change like any other. Durable with flush(); what was added
// since may be there or not after a kill, so the caller notes what it was about to add
// (spool/base_note.h). Memory is bounded: two write buffers, a small cache, a bounded number of
// open files. RocksDB is named in base.cc only.
//
// Threads: one at a time. Errors: kUnavailable for I/O, kCorrupt for bytes that contradict their
// checksum.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ddb/digest.h"
#include "model/change.h"

namespace offramp::migrate::spool {

class Base {
 public:
  // Created when there is none.
  static Result<std::unique_ptr<Base>> open(const std::string& folder);
  ~Base();

  // `body` as in frame.h.
  Status add(const ddb::Digest& key, std::string_view body);
  // All that was added is on disk when it returns.
  Status flush();
  uint64_t keys_about() const;

  // Reading begins behind `after`, or at the first key.
  Status seek(const ddb::Digest* after);
  // The change at which reading stands, of views that live until advance(); false at the end.
  Result<bool> current(model::Change& change);
  void advance();

 private:
  struct State;
  explicit Base(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace offramp::migrate::spool
