// Overlay: what the incremental exports of a chain say, one row per key: the item's final image or
// its deletion.
//
// A file stage_dir/overlay.sqlite, built in a file beside it and renamed when it is whole, so that
// one that exists is complete; it carries the chain's fingerprint and is built anew for another
// chain (idempotent). Row: key = canonical DynamoDB JSON of the key attributes; of two records the
// newer by (window, write time) stays. Stored: format kOverlayVersion. The file holds items: mode
// 0600.
//
// Overlay itself is constant after build() and shared; OverlayReader owns a connection and belongs
// to one thread. Memory: a Bloom filter of at most kFilterBytesMax, so that keys that are not in
// the file cost no look-up.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "ddb/item_batch.h"
#include "io/sqlite_db.h"
#include "model/table_spec.h"

namespace offramp::source::exports {

constexpr int kOverlayVersion = 1;
constexpr size_t kFilterBytesMax = 64 * 1024 * 1024;

// The key attributes by name in byte order, whatever their roles are; learnt from the records'
// Keys.
using KeyNames = std::vector<model::KeyAttribute>;

// Appends the canonical JSON of an item's key attributes. False when one is missing or of another
// type.
bool append_key_json(ddb::ItemView item, const KeyNames& names, std::string& out);

class Overlay {
 public:
  // One record of an incremental export: `image` is empty for a deletion.
  struct Change {
    std::string_view key;
    size_t window;
    uint64_t write_micros;
    std::optional<std::string_view> image;
  };

  class Builder {
   public:
    static Result<Builder> start(const std::string& path, const std::string& fingerprint);
    Status add(const Change& change);
    // Makes the file complete.
    Status finish(const KeyNames& names);

   private:
    Builder() = default;
    std::string path_, fingerprint_;
    std::unique_ptr<io::SqliteDb> db_;
    io::SqliteStatement insert_;
  };

  // The complete overlay of this chain at `path`; empty when there is none.
  static Result<std::unique_ptr<Overlay>> open(const std::string& path,
                                               const std::string& fingerprint);

  const KeyNames& key_names() const { return key_names_; }
  uint64_t keys() const { return keys_; }
  uint64_t images() const { return images_; }
  const std::string& path() const { return path_; }
  // False: the key is certainly not here.
  bool may_hold(std::string_view key) const;

 private:
  Overlay() = default;
  Status load_filter(io::SqliteDb& db);
  void filter_add(uint64_t hash);

  std::string path_;
  KeyNames key_names_;
  uint64_t keys_ = 0, images_ = 0;
  std::vector<uint64_t> filter_;  // a power of two of 64-bit blocks
};

class OverlayReader {
 public:
  static Result<std::unique_ptr<OverlayReader>> open(const Overlay& overlay);
  // Whether a change of this key is in the overlay.
  Result<bool> holds(std::string_view key);

  struct Image {
    std::string_view key, json;
  };
  // Images in key order: start behind `key` (empty = from the first), then next() until it is
  // empty.
  void seek(std::string_view key);
  Result<std::optional<Image>> next();

 private:
  explicit OverlayReader(const Overlay& overlay) : overlay_(overlay) {}
  const Overlay& overlay_;
  std::unique_ptr<io::SqliteDb> db_;
  io::SqliteStatement find_, scan_;
  std::string from_;
};

}  // namespace offramp::source::exports
