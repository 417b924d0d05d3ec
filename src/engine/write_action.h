// WriteAction: one put, update, delete or condition check, alone or in a transaction.
//
// In three steps, as the service checks: read() what needs no table, bind() it to its table,
// decide() what to leave when the item that is there is known. decide() may be called again with
// another item; it changes nothing but `made`. Refers to the request, which must outlive it. A
// statement's write comes ready made (assemble()) and is only bound and decided.
#pragma once

#include <optional>

#include "ddb/expression/condition.h"
#include "ddb/expression/update.h"
#include "engine/legacy.h"
#include "engine/operation.h"

namespace offramp::engine {

class WriteAction {
 public:
  enum class Kind : uint8_t { kPut, kUpdate, kDelete, kCheck };
  enum class Legacy : uint8_t { kAllowed, kUnknown };  // Expected and the like: not in transactions

  // What a statement (PartiQL) demands of the item beside its condition.
  enum class Presence : uint8_t {
    kAny,
    kAbsent,   // INSERT: DuplicateItemException when there is one
    kPresent,  // UPDATE: ConditionalCheckFailedException when there is none
    kOptional  // DELETE: where there is none, nothing is asked or done
  };
  struct Parts {
    Kind kind = Kind::kPut;
    TableRef table;
    ddb::ItemView key;  // the item for a put
    std::optional<ddb::expression::Condition> condition;
    std::optional<ddb::expression::Update> update;
    Presence presence = Presence::kAny;
    bool item_on_failure = false;
  };
  void assemble(Context& context, Parts parts);

  // `body`: the object with TableName, Item or Key and the expressions; its constraints have
  // passed. Errors: ValidationException.
  Status read(Context& context, Kind kind, Json body, Legacy legacy);
  // Finds the table (ResourceNotFoundException).
  Status find_table(Context& context);
  // Checks the key, and what the expressions may not do with key attributes.
  Status bind();

  struct Effect {
    target::Decision::Kind kind = target::Decision::Kind::kKeep;
    ddb::ItemView put;       // kPut of the request's own item
    uint32_t made_root = 0;  // kPut of the newest item of `made`, when `put` is empty
    // Fills the decision; the item that is there afterwards. Only when nothing is made any more.
    ddb::ItemView apply(ddb::ItemView old, const ddb::ItemBatch& made,
                        target::Decision& decision) const;
  };
  // ConditionalCheckFailedException, or a ValidationException when the update cannot be applied.
  Result<Effect> decide(ddb::ItemView old, ddb::ItemBatch& made);

  Kind kind() const { return kind_; }
  const Table& table() const { return *table_; }
  target::ItemRef ref() const { return {&table_->served, key_}; }
  // The item for a put, the key for all others.
  ddb::ItemView key() const { return key_; }
  bool conditional() const { return condition_.has_value() || !expected_.empty(); }
  bool item_on_failure() const { return item_on_failure_; }
  // Whether the item goes with this error of decide().
  bool shows_item(const Error& error) const {
    return item_on_failure_ && error.code() == "ConditionalCheckFailedException";
  }
  // UPDATED_OLD and UPDATED_NEW, as ddb::expression::Update::touched().
  bool touched(ddb::ItemView item, ddb::expression::Update::Touched which,
               ddb::ItemBatch& out) const;

 private:
  Status read_expressions(Context& context, Legacy legacy);
  Status check_written() const;
  bool holds(ddb::ItemView old) const;
  bool is_given(ddb::ValueView value) const;
  Status check_made(ddb::ItemView old, ddb::ItemView item) const;

  Kind kind_ = Kind::kPut;
  Json body_;
  Request* request_ = nullptr;
  TableRef table_;
  ddb::ItemView key_;
  std::optional<ddb::expression::Condition> condition_;
  LegacyCondition expected_;
  std::optional<ddb::expression::Update> update_;
  std::optional<LegacyUpdate> legacy_update_;
  bool item_on_failure_ = false;
  Presence presence_ = Presence::kAny;
};

// An item without attributes: what a condition sees where there is none.
ddb::ItemView no_item();

// Appends the one member that ItemCollectionMetrics has for an item of a table with a local index.
void append_item_collection(const Table& table, ddb::ItemView key, std::string& out);

}  // namespace offramp::engine
