// A PartiQL statement: parsed once, bound to its parameters, then asked for what it reads or
// writes.
//
// What is true:
// - The language is the service's: one table or index, no joins, no aliases, no aggregates. Source:
// the developer
//   guide's "PartiQL reference", answers of DynamoDB Local and of the service.
// - The text, the arena and the parameters must outlive the statement, and the statement what it
// makes.
// - Text, nesting and numbers of operators are bounded, so parsing and evaluating are (C10).
// Errors are ValidationExceptions with the service's words. Not thread-safe; conditions, updates
// and selections that it has made are constant.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "ddb/expression/condition.h"
#include "ddb/expression/update.h"
#include "ddb/item_batch.h"
#include "ddb/partiql/returning.h"
#include "ddb/value.h"

namespace offramp::ddb::partiql {

constexpr size_t kStatementBytesMax = 8192;

struct Syntax;
class Values;

// What a WHERE clause demands of one top-level attribute, whatever else it says: one of the
// conditions that AND joins.
struct KeyTerm {
  enum class Kind : uint8_t {
    kEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kBetween,
    kBeginsWith,
    kIn,
  };
  Kind kind;
  std::string_view attribute;
  std::vector<ValueView> values;  // kBetween: two; kIn: one or more; else one
};

// The list of a SELECT that has one.
class Selection {
 public:
  // Appends the selected values as a new root; what is not there is left out. kFlat: each under the
  // last name of its path; kDocument: where it is in the item, as batches and transactions give it.
  // Bytes and names are not copied, and `item` must not live in `out`.
  enum class Form : uint8_t { kFlat, kDocument };
  void apply(ItemView item, Form form, ItemBatch& out) const;
  // The top-level attributes that it reads, in the order of the text, each once.
  std::vector<std::string> attributes() const;
  // The first of `names` that it reads below (`.` or `[]`).
  std::optional<std::string_view> reads_below(std::span<const std::string_view> names) const;

 private:
  friend class Statement;
  struct Plan;
  explicit Selection(std::shared_ptr<const Plan> plan) : plan_(std::move(plan)) {}
  std::shared_ptr<const Plan> plan_;
};

class Statement {
 public:
  enum class Kind : uint8_t { kSelect, kInsert, kUpdate, kDelete, kExists };
  struct Order {
    std::string_view attribute;
    bool descending;
  };

  static Result<Statement> parse(std::string_view text, base::Arena& arena);
  ~Statement();
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;

  Kind kind() const;
  bool reads() const { return kind() == Kind::kSelect; }
  std::string_view table() const;
  std::string_view index() const;  // empty: none is named
  Returning returning() const;
  // SELECT's ORDER BY.
  std::vector<Order> order() const;
  bool has_where() const;

  // Before everything below; once.
  Status bind(std::span<const ValueView> parameters);

  // The WHERE clause; none where there is none.
  Result<std::optional<expression::Condition>> condition();
  // Those of its terms that compare an attribute with values.
  Result<std::vector<KeyTerm>> key_terms();
  // How many conditions AND joins at the top of the WHERE clause.
  size_t conjuncts() const;
  // Of a SELECT; none for `*`.
  Result<std::optional<Selection>> selection() const;
  // Of an UPDATE.
  Result<expression::Update> update();
  // Of an INSERT.
  Result<ItemView> item();

 private:
  Statement(std::unique_ptr<Syntax> syntax, base::Arena& arena);
  std::unique_ptr<Syntax> syntax_;
  std::unique_ptr<Values> values_;
  base::Arena* arena_;
};

}  // namespace offramp::ddb::partiql
