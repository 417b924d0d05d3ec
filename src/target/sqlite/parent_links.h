// Which parent row of a batch each child row belongs to, exactly.
//
// A RowBatch keeps the rows of a table in the order of the items, so the child rows of one item
// follow each other and carry their parent's key. As long as no parent key occurs twice in the
// batch, the key alone decides. When one does, the key cannot tell the copies apart (an item
// without the list leaves no child rows, and its parent row need not show that), so the batch's
// items are split once more, one at a time, and the rows counted. One per thread.
#pragma once

#include <vector>

#include "base/result.h"
#include "mapping/compiled_mapping.h"
#include "target/target.h"

namespace offramp::target::sqlite {

class ParentLinks {
 public:
  explicit ParentLinks(std::shared_ptr<const mapping::CompiledMapping> mapping);
  // parents[t][r]: index of the parent row, in its table's rows, of row r of child table t. Empty
  // for other tables.
  Status find(const LoadBatch& batch, std::vector<std::vector<uint32_t>>& parents);

 private:
  bool has_repeated_key(const mapping::Table& table, const mapping::TableRows& rows);
  Status merge_by_key(uint32_t child, const mapping::RowBatch& rows,
                      std::vector<uint32_t>& parents) const;
  Status split_again(const LoadBatch& batch, std::vector<std::vector<uint32_t>>& parents);

  const std::shared_ptr<const mapping::CompiledMapping> mapping_;
  mapping::Splitter splitter_;
  mapping::RowBatch scratch_;
  std::vector<uint64_t> hashes_;
};

}  // namespace offramp::target::sqlite
