// StatementReader: a SELECT over a table or an index, a page at a time.
//
// What is true:
// - With an equality (or IN) for the partition key it is a Query of each partition, in the order of
// their values; the
//   terms for the sort key narrow what is read. A whole key of the table is read as a GetItem.
//   Anything else is a Scan.
// - The whole WHERE clause is asked of each item that was read; Limit counts what was read.
// - What a global index does not project is missing for the WHERE clause and may not be selected; a
// local index reads it
//   from the table.
// Refers to the request and the statement, which must outlive it; for one request.
#pragma once

#include <optional>
#include <vector>

#include "engine/page.h"
#include "engine/statement.h"

namespace offramp::engine {

struct ReadOptions {
  bool consistent = false;
  size_t limit = SIZE_MAX;
};

class StatementReader {
 public:
  StatementReader(Context& context, Statement& statement)
      : context_(context), statement_(statement) {}

  // What is wrong with the words: no table is needed.
  Status compile();
  // Finds the table and the index and checks the statement against them.
  Status bind(const ReadOptions& options);

  // After bind(). The key of the one item that the WHERE clause names and says no more of, in the
  // table itself; an empty view otherwise.
  ddb::ItemView only_key() const { return only_key_; }
  const Table& table() const { return *table_; }
  const IndexView& view() const { return *view_; }

  // Reads a page behind `start` (an empty view: from the beginning), appends its items to
  // context.out and counts what it costs. The item after which more may follow, or an empty view;
  // it lives until the session reads again.
  Result<ddb::ItemView> read(ddb::ItemView start, ConsumedCapacity& capacity);
  // Whether this statement may go on behind `start`.
  bool may_start(ddb::ItemView start) const;
  // Appends what is selected of an item, as JSON.
  void append(ddb::ItemView item, ddb::partiql::Selection::Form form);

 private:
  using Partition = std::vector<ddb::ValueView>;

  Status find_view();
  Status check_parts() const;
  Status check_filter() const;
  const KeyTerm* find_term(std::string_view attribute,
                           std::initializer_list<KeyTerm::Kind> kinds) const;
  Status check_key_terms() const;
  void find_partitions();
  Status check_order() const;
  void narrow();
  void narrow_by(const KeyTerm& term);
  void raise_lower(ddb::ValueView value, bool inclusive);
  void drop_upper(ddb::ValueView value, bool inclusive);
  bool fetches() const;
  bool keeps(ddb::ItemView item);
  // The partition of an item of one of them, or their number.
  size_t partition_of(ddb::ItemView item) const;
  Result<ddb::ItemView> read_item(ConsumedCapacity& capacity);
  Result<ddb::ItemView> read_partitions(ddb::ItemView start, ConsumedCapacity& capacity);
  void append_page();

  Context& context_;
  Statement& statement_;
  ReadOptions options_;
  TableRef table_;
  std::optional<IndexView> view_;
  std::optional<ddb::expression::Condition> condition_;
  std::optional<ddb::partiql::Selection> selection_;
  std::vector<KeyTerm> terms_;
  std::vector<ddb::Node> key_nodes_;
  ddb::ItemView key_, only_key_;
  std::vector<Partition> partitions_;  // in the order of reading; empty: a Scan
  target::PageRequest range_;          // what all partitions share
};

}  // namespace offramp::engine
