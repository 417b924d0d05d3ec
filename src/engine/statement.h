// What the three operations of PartiQL have in common: reading a statement of a request, the keys
// that it names, the write that it is.
//
// Nothing here runs a statement: reads are statement_reader.h, writes are WriteActions. Everything
// refers to the request, which must outlive it. Errors are the service's; those of one statement
// become an entry of a batch's or a transaction's answer.
#pragma once

#include <optional>
#include <vector>

#include "ddb/partiql/statement.h"
#include "engine/constraints.h"
#include "engine/operation.h"
#include "engine/write_action.h"

namespace offramp::engine {

using ddb::partiql::KeyTerm;
using ddb::partiql::Statement;

// body.Statement, body.Parameters, and the one bound to the other.
Result<Statement> parse_statement(Context& context, Json body);
using Parameters = std::vector<ddb::ValueView>;
Result<Parameters> read_parameters(Context& context, Json body);
Result<Statement> read_statement(Context& context, Json body);

// The constraints of a statement of a batch or a transaction; `path` ends with a dot.
void constrain_statement(Json body, const std::string& path, Constraints& constraints);

// "EXISTS can only be used in ExecuteTransaction write requests."
Error exists_outside_transaction();

// ResourceNotFoundException when there is none.
Result<TableRef> statement_table(Context& context, const Statement& statement);

// "Key attribute's data type should match its data type in table's schema: Key pk"
Status check_term_type(const model::KeyAttribute& key, const KeyTerm& term);

// The item that a statement names by an equality for each key attribute. `nodes` gets the key and
// must outlive it; the view is empty when an attribute has no equality. Errors: values of another
// type, and two equalities that contradict each other.
Result<ddb::ItemView> named_key(const Table& table, std::span<const KeyTerm> terms,
                                std::vector<ddb::Node>& nodes);

// Whether the terms are all that a WHERE clause says and name nothing but the key, each attribute
// by equality.
bool only_names_key(const Table& table, std::span<const KeyTerm> terms, size_t conjuncts);

// A statement that writes, or an EXISTS, on its way to a WriteAction.
class StatementWrite {
 public:
  // What is wrong with the words: no table is needed.
  Status compile(Statement& statement, Json body);
  // ResourceNotFoundException.
  Status find_table(Context& context);
  // The item that is written: its key. Errors are of the item, not of the request.
  Status bind(Context& context);

  // After bind().
  WriteAction& action() { return action_; }
  // EXISTS: whether it names a whole key, and asks for more than that the item is there.
  bool is_check() const { return parts_.kind == WriteAction::Kind::kCheck; }
  bool checks_something() const { return parts_.key && !only_key_; }

 private:
  Status bind_key();

  Statement* statement_ = nullptr;
  std::vector<KeyTerm> terms_;
  std::vector<ddb::Node> key_;
  WriteAction::Parts parts_;
  bool only_key_ = false;
  WriteAction action_;
};

// Appends what a write gives back after `old` became `after`, as JSON; false when that is nothing.
// Uses context.shown.
bool append_returned(Context& context, ddb::partiql::Returning returning, const WriteAction& action,
                     ddb::ItemView old, ddb::ItemView after);

}  // namespace offramp::engine
