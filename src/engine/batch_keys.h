// What batches and transactions check of the keys they name: no item twice.
#pragma once

#include <vector>

#include "engine/keys.h"
#include "target/store.h"

namespace offramp::engine {

// Whether two of the references name one item. Up to 100, so each is compared with each.
inline bool names_item_twice(const std::vector<const Table*>& tables,
                             const std::vector<target::ItemRef>& refs) {
  for (size_t i = 1; i < refs.size(); ++i)
    for (size_t j = 0; j < i; ++j)
      if (refs[i].table == refs[j].table && same_key(*tables[i], refs[i].key, refs[j].key))
        return true;
  return false;
}

}  // namespace offramp::engine
