// Table: what the items of a made-up table are. Item `index` in `version` depends on nothing else
// and the seed, so any item can be written at any time, in any order, by any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "generate/item_writer.h"

namespace offramp::generate {

class Table {
 public:
  virtual ~Table() = default;
  virtual std::string name() const = 0;
  // Writes the key attributes alone. They do not depend on the version.
  virtual void key(uint64_t index, ItemWriter& out) const = 0;
  // Writes all attributes, the key ones included.
  virtual void item(uint64_t index, uint64_t version, ItemWriter& out) const = 0;
};

std::unique_ptr<Table> shop_table(uint64_t seed);
std::unique_ptr<Table> bench_table(uint64_t seed);
// `partition` and `sort` are 'S', 'N' or 'B'; `sort` may be 0 for a table without a sort key.
std::unique_ptr<Table> random_table(uint64_t seed, char partition, char sort);

}  // namespace offramp::generate
