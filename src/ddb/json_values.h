// What both JSON readers do with scalars, sets and maps: numbers to canonical text, base64 to bytes, duplicates.
//
// Scratch is kept between items. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ddb/item_batch.h"

namespace offramp::ddb {

class JsonValues {
 public:
  // The canonical text: `text` itself where it is canonical, else in the batch's arena. On false `complaint` says why.
  bool number(std::string_view text, ItemBatch& batch, std::string_view& out);
  // The decoded bytes, in the batch's arena.
  bool binary(std::string_view text, ItemBatch& batch, std::string_view& out);

  // True when two of the `count` siblings that start at node `first` have the same name.
  bool names_repeat(const std::vector<Node>& nodes, uint32_t first, uint32_t count);
  // Real dumps hold sets written by hand with a member twice ("5.0","5.0"): a set is what its members are, so the
  // copies collapse. `set` is the newest container; `count` its members, corrected.
  void remove_duplicate_members(std::vector<Node>& nodes, uint32_t set, uint32_t& count);

  std::string complaint;

 private:
  template <class BytesOf>
  bool repeats(const Node* first, uint32_t count, BytesOf bytes_of);

  std::vector<uint64_t> hashes_;
};

}  // namespace offramp::ddb
