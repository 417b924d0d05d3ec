// Expiry: deletes the items whose time to live is over, in the background.
//
// What is true:
// - An item has expired when the attribute of its table's time to live is a number, in seconds
// since 1970, that is past but
//   not by more than five years. It stays readable until it is deleted, and is deleted only if it
//   still has expired then.
// - A pass looks at every item of every table with time to live, page by page, and rests four times
// as long as a page took,
//   so that requests keep most of the database; deletions are few in a transaction.
// - Several processes may do this at once: they look at the same items, and whoever comes second
// finds them gone.
// - Writes have the origin target::kExpiryOrigin where the store keeps a log of changes.
// One thread at a time. Errors of the store end a table's pass; the next one begins anew.
#pragma once

#include <memory>
#include <stop_token>

#include "engine/catalog.h"
#include "engine/engine.h"

namespace offramp::engine {

class Expiry {
 public:
  // All must outlive it.
  Expiry(const EngineOptions& options, target::Store& store, Catalog& catalog)
      : options_(options), store_(store), catalog_(catalog) {}

  // One pass; how many items were deleted. Ends early when `stop` is requested.
  uint64_t sweep(std::stop_token stop);

 private:
  Status sweep_all(std::stop_token stop);
  Status sweep_table(TableRef table, std::stop_token stop);
  Status delete_expired(const Table& table, const ddb::ItemBatch& items);

  const EngineOptions& options_;
  target::Store& store_;
  Catalog& catalog_;
  std::unique_ptr<target::StoreSession> session_;  // made when it is first needed
  uint64_t deleted_ = 0;                           // in this pass
  target::Page page_;
  ddb::ItemBatch last_;  // the key of the newest page's last item
};

}  // namespace offramp::engine
