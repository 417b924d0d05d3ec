// The key of an item: its view, digest and text. Everything that compares sides or files letters
// names keys this way.
#pragma once

#include <string>
#include <vector>

#include "ddb/digest.h"
#include "ddb/item_batch.h"
#include "ddb/value.h"
#include "model/table_spec.h"

namespace offramp::migrate {

// One per thread; the view and digest are of the newest take().
class ItemKey {
 public:
  explicit ItemKey(const model::KeySchema& schema) : schema_(schema) {}

  // False when a key attribute is missing or of another type. The view {pk, sk} points into the
  // item's bytes.
  bool take(ddb::ItemView item);
  ddb::ItemView view() const { return ddb::ItemView(nodes_.data()); }
  ddb::Digest digest() const { return ddb::digest(view()); }
  std::string json() const;

 private:
  const model::KeySchema schema_;
  std::vector<ddb::Node> nodes_;
};

// A digest as 16 bytes, for SQLite.
std::string digest_bytes(const ddb::Digest& digest);
// The way back; `bytes` are 16.
ddb::Digest digest_of_bytes(std::string_view bytes);

}  // namespace offramp::migrate
