// What the target must hold for an item of the source: the item itself, less what the plan leaves
// behind.
//
// Only `skip` and `drop` leave anything behind; a plan without them costs nothing here. One object
// per thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ddb/item_batch.h"
#include "mapping/compiled_mapping.h"
#include "model/mapping_spec.h"

namespace offramp::migrate::verify {

class ExpectedItem {
 public:
  ExpectedItem(std::shared_ptr<const mapping::CompiledMapping> mapping,
               const model::MappingSpec& spec);

  // The item as the target must have it; an empty view when the plan skips it. Valid until the next
  // call.
  ddb::ItemView of(ddb::ItemView item);
  uint64_t skipped() const { return skipped_; }
  uint64_t dropped_values() const { return dropped_values_; }

 private:
  // Copies `map` without the paths (each from its `depth`-th step on); the number of members kept.
  uint32_t copy_without(ddb::ValueView map,
                        const std::vector<const std::vector<std::string>*>& paths, size_t depth);

  std::shared_ptr<const mapping::CompiledMapping> mapping_;
  const model::MappingSpec& spec_;
  bool filters_ = false;
  mapping::Splitter splitter_;
  mapping::RowBatch rows_;
  std::vector<ddb::Node> nodes_;
  std::string why_;
  uint64_t skipped_ = 0, dropped_values_ = 0;
};

}  // namespace offramp::migrate::verify
