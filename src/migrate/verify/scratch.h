// Scratch: keys of differing buckets on disk, compared key by key. A private file that is removed
// at the end.
//
// Thread-safe: one connection guarded by a mutex.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/digest.h"
#include "io/sqlite_db.h"
#include "migrate/verify/side_reader.h"
#include "migrate/verify/verify.h"

namespace offramp::migrate::verify {

struct ScratchRow {
  std::string key_digest;   // 16 bytes
  std::string item_digest;  // 16 bytes
  std::string key_json;
};

class Scratch {
 public:
  static Result<std::unique_ptr<Scratch>> create(const std::string& path);
  ~Scratch();

  Status add(Side side, const std::vector<ScratchRow>& rows);
  // Compares what was added. `each` gets every key that is not equal; the sum of further copies of
  // keys at the source is returned.
  using EachFinding = std::function<Status(Finding finding, const std::string& key_digest,
                                           const std::string& key_json)>;
  Result<uint64_t> compare(const EachFinding& each);

  // The findings, kept for repair: written by remember(), looked up by digest.
  Status remember(Finding finding, const std::string& key_digest, const std::string& key_json);
  Result<std::optional<Finding>> finding(const std::string& key_digest);
  // Keys of one finding, a page at a time; `after` is the last digest of the page before.
  Result<std::vector<ScratchRow>> page(Finding finding, const std::string& after, size_t count);

 private:
  Scratch(io::SqliteDb db, std::string path) : db_(std::move(db)), path_(std::move(path)) {}
  std::mutex mutex_;
  io::SqliteDb db_;  // guarded by mutex_
  const std::string path_;
};

}  // namespace offramp::migrate::verify
