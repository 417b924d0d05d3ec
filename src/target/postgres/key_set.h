// KeySet: 64-bit hashes of row keys, to see at once that a key comes twice. Open addressing, memory
// kept by clear().
#pragma once

#include <xxhash.h>

#include <cstdint>
#include <vector>

#include "mapping/rows.h"

namespace offramp::target::postgres {

inline uint64_t key_hash(const mapping::Cell* cells, uint32_t columns, uint64_t table) {
  uint64_t hash = table + 1;
  for (uint32_t i = 0; i < columns; ++i) {
    const mapping::Cell& cell = cells[i];
    // Scalars of fixed size lie in the union's eight bytes; a boolean is no key.
    hash =
        cell.size || cell.kind == mapping::CellKind::kText || cell.kind == mapping::CellKind::kBytes
            ? XXH3_64bits_withSeed(cell.data, cell.size, hash)
            : XXH3_64bits_withSeed(&cell.integer, sizeof(cell.integer), hash);
  }
  return hash ? hash : 1;
}

class KeySet {
 public:
  KeySet() : slots_(1024) {}
  // False when the hash is already there.
  bool insert(uint64_t hash) {
    if (used_ * 2 >= slots_.size()) grow();
    return insert_into(slots_, hash) && ++used_;
  }
  void clear() {
    if (used_) std::fill(slots_.begin(), slots_.end(), 0);
    used_ = 0;
  }

 private:
  static bool insert_into(std::vector<uint64_t>& slots, uint64_t hash) {
    size_t mask = slots.size() - 1;
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      if (slots[at] == hash) return false;
      if (slots[at] == 0) {
        slots[at] = hash;
        return true;
      }
    }
  }
  void grow() {
    std::vector<uint64_t> larger(slots_.size() * 2);
    for (uint64_t hash : slots_)
      if (hash) insert_into(larger, hash);
    slots_.swap(larger);
  }

  std::vector<uint64_t> slots_;  // power of two; 0 = free
  size_t used_ = 0;
};

}  // namespace offramp::target::postgres
