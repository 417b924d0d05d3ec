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
#include "engine/operation.h"
#include "engine/write_action.h"

namespace offramp::engine {

using ddb::partiql::KeyTerm;
using ddb::partiql::Statement;

// Parses body.Statement and binds body.Parameters.
Result<Statement> read_statement(Context& context, Json body);

// ResourceNotFoundException when there is none.
Result<TableRef> statement_table(Context& context, const Statement& statement);

// "Key attribute's data type should match its data type in table's schema: Key pk"
Status check_term_type(const model::KeyAttribute& key, const KeyTerm& term);

// The item that a statement names by an equality for each key attribute. `nodes` gets the key and
// must outlive it; the view is empty when an attribute has no equality. Errors: values of another
// type, and two equalities that contradict each other.
Result<ddb::ItemView> named_key(const Table& table, std::span<const KeyTerm> terms,
                                std::vector<ddb::Node>& nodes);

// A statement that is a write, or an EXISTS: what it is and what it does. Not moved: the write's
// key lives here.
struct StatementWrite {
  std::optional<Statement> statement;
  TableRef table;
  std::vector<ddb::Node> key;
  WriteAction::Parts parts;

  // `returned`: body.ReturnValuesOnConditionCheckFailure is read.
  // Fills `parts`: checks and compiles everything that needs the table but no item.
  Status prepare(Context& context, Json body);
};

// What a write gives back after `old` became `after`: an empty view when it is nothing. Uses
// `shown`.
ddb::ItemView returned_item(ddb::partiql::Returning returning, const WriteAction& action,
                            ddb::ItemView old, ddb::ItemView after, ddb::ItemBatch& shown);

}  // namespace offramp::engine
