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

  // No row of any table can be in the range (but items of the overflow table can).
  bool no_rows() const { return no_rows_; }
  // The parts of `shape` that are conditions on values.
  void shape(ReadShape& shape) const;
  // Their parameters, in order. The partition's are left to the caller where key columns stand for
  // them.
  void add_partition(const AccessPath::Parent& parent, Params& params) const;
  void add_sort(Params& params) const;

  // Whether an item belongs to the range, the place to go on from and the segment included.
  enum class Segment { kChecked, kUnchecked };
  bool takes(ddb::ItemView item, Segment segment) const;
  // < 0: `a` comes first, in the direction of reading.
  int compare(ddb::ItemView a, ddb::ItemView b) const;

 private:
  struct Value {
    ddb::Type type = ddb::Type::kS;
    std::string_view bytes;
  };
  struct Bound {
    Compare compare = Compare::kNone;
    Value value;
  };
  void set_bound(const SortBound& bound, bool lower);
  void set_prefix(ddb::ValueView prefix);
  bool in_segment(ddb::ItemView item) const;

  const AccessPath* path_ = nullptr;
  const PageRequest* request_ = nullptr;
  ddb::ItemView after_;
  bool query_ = false, no_rows_ = false;
  Bound lower_, upper_;
  std::string prefix_end_;  // the least text behind all that begin with the prefix
  std::vector<Value> after_values_;
  Compare after_compare_ = Compare::kStrict;
};

// The service's order of two values of one key type.
int compare_key_values(ddb::ValueView a, ddb::ValueView b);

}  // namespace offramp::target::postgres
