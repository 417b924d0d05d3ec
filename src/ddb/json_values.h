// What both JSON readers do with scalars, sets and maps: numbers to canonical text, base64 to
// bytes, duplicates.
//
// Scratch is kept between items. Not thread-safe.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "ddb/item_batch.h"

namespace offramp::ddb {

class JsonValues {
 public:
  // The canonical text: `text` itself where it is canonical, else in the batch's arena. On false
  // `complaint` says why.
  bool number(std::string_view text, ItemBatch& batch, std::string_view& out);
  // The decoded bytes, in the batch's arena.
  bool binary(std::string_view text, ItemBatch& batch, std::string_view& out);

  // True when two of the `count` siblings that start at `first` have the same name.
  bool names_repeat(const Node* first, uint32_t count);
  // Real dumps hold sets written by hand with a member twice ("5.0","5.0"): a set is what its
  // members are, so the copies collapse. `first` … `first + count` are the members; the number of
  // those that stay.
  uint32_t remove_duplicate_members(Node* first, uint32_t count);

  std::string complaint;

 private:
  // Cheap and certain when it says no: a slot per name's hash, stamped with the map's number.
  bool names_may_repeat(const Node* first, uint32_t count);
  template <class BytesOf>
  bool repeats(const Node* first, uint32_t count, BytesOf bytes_of);

  static constexpr size_t kSlots = 1024;
  std::vector<uint64_t> hashes_;
  std::array<uint32_t, kSlots> stamps_{};
  uint32_t stamp_ = 0;
};

}  // namespace offramp::ddb
