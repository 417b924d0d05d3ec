// Range: a page's request as conditions on values that PostgreSQL can compare, and as a check of
// one item.
//
// PostgreSQL's text has no NUL. A bound with one is replaced by a bound without that means the same
// for all rows: what begins like it up to the NUL and goes on is larger, what ends there is
// smaller. Belongs to one request; points into it.
#pragma once

#include <string>
#include <vector>

#include "target/postgres/serve/access_path.h"
#include "target/postgres/serve/read_sql.h"

namespace offramp::target::postgres {

class Range {
 public:
  // kInternal when `after` lacks an attribute of the order.
  Status set(const AccessPath& path, const PageRequest& request);
  // Goes on behind another item.
  Status set_after(ddb::ItemView after);

  // Conditions on the rows of one parent table: the partition's attributes; then the sort
  // attributes' and the place to go on from, which are also told to `shape`. False: none of its
  // rows can be in the range.
  bool add_partition(const AccessPath::Parent& parent, Params& params) const;
  bool add_sort(const AccessPath::Parent& parent, ReadShape& shape, Params& params);

  // Whether an item belongs to the range, the place to go on from and the segment included.
  enum class Segment { kChecked, kUnchecked };
  bool takes(ddb::ItemView item, Segment segment) const;
  // < 0: `a` comes first, in the direction of reading.
  std::strong_ordering compare(ddb::ItemView a, ddb::ItemView b) const;

 private:
  struct Bound {
    Compare compare = Compare::kNone;
    ddb::Type type = ddb::Type::kS;
    std::string_view bytes;
  };
  static bool set_bound(const AttributeSql& sql, const SortBound& bound, bool lower, Bound& out);
  bool set_prefix(const AttributeSql& sql, ddb::ValueView prefix, Bound& lower, Bound& upper);
  bool add_after(const AccessPath::Parent& parent, ReadShape& shape, Params& params) const;
  bool in_segment(ddb::ItemView item) const;

  const AccessPath* path_ = nullptr;
  const PageRequest* request_ = nullptr;
  ddb::ItemView after_;
  bool query_ = false;
  std::string prefix_end_;  // the least text behind all that begin with the prefix
};

}  // namespace offramp::target::postgres
