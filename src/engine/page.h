// What Query and Scan have in common: the parameters of a page, its start key, its answer.
//
// What is true, observed at DynamoDB Local where the documentation is silent:
// - A page ends with the item that reaches Limit, or with the one that brings the items' sizes to 1
// MiB. Sizes are of
//   whole items, also in an index that projects less.
// - LastEvaluatedKey is there when Limit was reached, whether or not anything follows, and when
//   1 MiB was. It is not there when nothing can follow: a Query of a table without sort key, and a
//   Query of a table (not of an index) whose last item has the sort key of an inclusive bound.
//   `sk = :v` does not count as one.
// - A filter of a Query may only ask for attributes that the index projects; a filter of a Scan
// sees the others as
//   missing in a global index and reads them in a local one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ddb/expression/condition.h"
#include "ddb/expression/projection.h"
#include "engine/capacity.h"
#include "engine/constraints.h"
#include "engine/legacy.h"
#include "engine/operation.h"
#include "engine/page_view.h"

namespace offramp::engine {

// The filter and projection of a request, of either kind.
struct PageShape {
  std::optional<ddb::expression::Condition> filter;
  LegacyCondition legacy_filter;
  std::optional<ddb::expression::Projection> projection;

  bool filters() const { return filter || !legacy_filter.empty(); }
  bool keeps(ddb::ItemView item) const {
    return filter ? filter->evaluate(item) : legacy_filter.evaluate(item);
  }
};

// Constraints on members that both have.
Status constrain_page(Json root, Constraints& constraints);

// ExclusiveStartKey's values; an empty view when there is none.
Result<ddb::ItemView> read_start_key(Request& request);

// FilterExpression and ProjectionExpression, if any.
Status read_page_expressions(Context& context, PageShape& shape);
// AttributesToGet becomes a projection; the names must outlive the request.
Status read_page_attributes(Json root, PageShape& shape);

// The table or index that the request reads. "The table does not have the specified index: x".
// The table that a Query or Scan reads; as of now when the index that it names is not there or not
// ready: another process may have made it.
Result<TableRef> table_to_read(Context& context);
Result<IndexView> find_view(Json root, const Table& table);

// Select against what else the request says.
Status check_select(Json root, const IndexView& view);
// Projection and filter against keys and index.
Status check_shape(const PageShape& shape, const IndexView& view);
// Of a Query: "Secondary index x does not project one or more filter attributes: [a]".
Status check_filter_projected(const PageShape& shape, const IndexView& view);

// Whether the start key has as many attributes as the view's entries have key attributes.
bool start_key_fits(const IndexView& view, ddb::ItemView start);
// The table's own key in a start key, and the values of all its attributes.
Status check_start_values(const IndexView& view, ddb::ItemView start);
// A key attribute's value that is empty or too long: the service's words.
enum class KeyRole { kPartition, kSort };
Status check_key_value(const IndexView& view, std::string_view attribute, KeyRole role,
                       ddb::ValueView value);

// Whether an item of a Query's range may come after this one.
bool can_follow(const IndexView& view, const target::PageRequest& request, ddb::ItemView last);

// The key attributes of an entry as JSON: those of the table and those of the index.
void append_entry_key(const IndexView& view, ddb::ItemView item, std::string& out);

// Adds what reading a page costs. `fetches`: each item is read from the table too, because a local
// index does not have all that is asked for.
void add_page(ConsumedCapacity& capacity, const IndexView& view, const ddb::ItemBatch& items,
              bool consistent, bool fetches);

// Reads one page and writes the answer. `can_follow(last)` says whether an item may come after the
// last one.
class PageReader {
 public:
  PageReader(Context& context, const IndexView& view, const PageShape& shape)
      : context_(context), view_(view), shape_(shape), root_(context.request.root()) {}

  // `request`: what to read; limit and table are filled in here.
  template <class CanFollow>
  Status run(target::PageRequest& request, CanFollow&& can_follow) {
    TRY(read(request));
    const bool more = full_ || (at_limit_ && can_follow(last_));
    write_end(more);
    return {};
  }

 private:
  Status read(target::PageRequest& request);
  void write_items();
  void write_item(ddb::ItemView item);
  bool is_kept(ddb::ItemView item);
  void write_end(bool more);
  void count_capacity();
  bool whole_items() const;

  Context& context_;
  const IndexView& view_;
  const PageShape& shape_;
  const Json root_;
  size_t returned_ = 0;
  bool at_limit_ = false, full_ = false;
  ddb::ItemView last_;
};

}  // namespace offramp::engine
