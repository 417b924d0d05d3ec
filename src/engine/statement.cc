// Keys and writes of statements.
#include "engine/statement.h"

#include "ddb/item_size.h"
#include "engine/error.h"
#include "engine/keys.h"

namespace offramp::engine {

using ddb::partiql::Returning;

Result<Statement> parse_statement(Context& context, Json body) {
  return Statement::parse(body["Statement"].text(), context.request.arena());
}

Result<Parameters> read_parameters(Context& context, Json body) {
  Parameters parameters;
  TRY(for_each_element(body["Parameters"], [&](Json json) -> Status {
    parameters.push_back(TRY(context.request.value(json)));
    return {};
  }));
  return parameters;
}

Result<Statement> read_statement(Context& context, Json body) {
  const Parameters parameters = TRY(read_parameters(context, body));
  Statement statement = TRY(parse_statement(context, body));
  TRY(statement.bind(parameters));
  return statement;
}

void constrain_statement(Json body, const std::string& path, Constraints& constraints) {
  if (constraints.not_null(body["Statement"], path + "statement"))
    constraints.length(body["Statement"], path + "statement", 1, ddb::partiql::kStatementBytesMax);
  constraints.length(body["Parameters"], path + "parameters", 1, SIZE_MAX);
  constraints.one_of(body["ReturnValuesOnConditionCheckFailure"],
                     path + "returnValuesOnConditionCheckFailure", {"ALL_OLD", "NONE"});
}

Error exists_outside_transaction() {
  return validation("EXISTS can only be used in ExecuteTransaction write requests.");
}

Result<TableRef> statement_table(Context& context, const Statement& statement) {
  return context.table(statement.table());
}

Status check_term_type(const model::KeyAttribute& key, const KeyTerm& term) {
  for (ddb::ValueView value : term.values)
    if (value.type() != key.type)
      return validation(
          "Key attribute's data type should match its data type in table's schema: Key " +
          key.name);
  return {};
}

Result<ddb::ItemView> named_key(const Table& table, std::span<const KeyTerm> terms,
                                std::vector<ddb::Node>& nodes) {
  nodes.clear();
  ddb::ItemBuilder build(nodes);
  const uint32_t root = build.open(ddb::Type::kM);
  uint32_t members = 0, wanted = 0;
  Status status;
  const auto add = [&](const model::KeyAttribute& key) -> Status {
    ++wanted;
    const KeyTerm* found = nullptr;
    for (const KeyTerm& term : terms) {
      if (term.kind != KeyTerm::Kind::kEqual || term.attribute != key.name) continue;
      TRY(check_term_type(key, term));
      if (found != nullptr && !ddb::equal(found->values[0], term.values[0]))
        return validation("Multiple conditions on same key " + key.name +
                          ". Only single item Update/Insert/Delete are supported");
      if (found == nullptr) build.copy(term.values[0], key.name);
      found = &term;
    }
    if (found != nullptr) ++members;
    return {};
  };
  TRY(add(table.partition()));
  if (table.sort()) TRY(add(*table.sort()));
  if (members < wanted) return ddb::ItemView();
  build.close(root, members);
  return ddb::ItemView(&nodes[root]);
}

namespace {

// In PartiQL's words, which are not those of PutItem.
Status check_inserted_keys(const Table& table, ddb::ItemView item) {
  const auto check = [&](const model::KeyAttribute& key) -> Status {
    const ddb::ValueView value = item.find(key.name);
    if (!value) return validation("Key attribute should be present in the item: Key " + key.name);
    if (value.type() != key.type)
      return validation(
          "Key attribute's data type should match its data type in table's schema: Key " +
          key.name);
    return {};
  };
  TRY(check(table.partition()));
  if (table.sort()) TRY(check(*table.sort()));
  if (ddb::item_size(item) > ddb::kItemBytesMax)
    return validation("Item size has exceeded the maximum allowed size");
  return {};
}

WriteAction::Kind kind_of(const Statement& statement) {
  switch (statement.kind()) {
    case Statement::Kind::kInsert:
      return WriteAction::Kind::kPut;
    case Statement::Kind::kUpdate:
      return WriteAction::Kind::kUpdate;
    case Statement::Kind::kDelete:
      return WriteAction::Kind::kDelete;
    default:
      return WriteAction::Kind::kCheck;
  }
}

WriteAction::Presence presence_of(const Statement& statement) {
  switch (statement.kind()) {
    case Statement::Kind::kInsert:
      return WriteAction::Presence::kAbsent;
    case Statement::Kind::kDelete:
      return WriteAction::Presence::kOptional;
    default:
      return WriteAction::Presence::kPresent;
  }
}

}  // namespace

bool only_names_key(const Table& table, std::span<const KeyTerm> terms, size_t conjuncts) {
  if (terms.size() != conjuncts) return false;
  for (const KeyTerm& term : terms)
    if (term.kind != KeyTerm::Kind::kEqual || !table.is_key(term.attribute)) return false;
  return true;
}

Status StatementWrite::compile(Statement& statement, Json body) {
  statement_ = &statement;
  parts_.kind = kind_of(statement);
  parts_.presence = presence_of(statement);
  parts_.item_on_failure = body["ReturnValuesOnConditionCheckFailure"].text() == "ALL_OLD";
  if (statement.kind() == Statement::Kind::kInsert) {
    parts_.item_on_failure = false;  // a duplicate is told without the item
    parts_.key = TRY(statement.item());
    return {};
  }
  if (statement.kind() == Statement::Kind::kUpdate) parts_.update = TRY(statement.update());
  parts_.condition = TRY(statement.condition());
  terms_ = TRY(statement.key_terms());
  return {};
}

Status StatementWrite::find_table(Context& context) {
  parts_.table = TRY(statement_table(context, *statement_));
  return {};
}

Status StatementWrite::bind_key() {
  const Table& table = *parts_.table;
  if (statement_->kind() == Statement::Kind::kInsert) return check_inserted_keys(table, parts_.key);
  parts_.key = TRY(named_key(table, terms_, key_));
  if (is_check()) return {};
  if (!parts_.key)
    return validation("Where clause does not contain a mandatory equality on all key attributes");
  return {};
}

Status StatementWrite::bind(Context& context) {
  TRY(bind_key());
  only_key_ = only_names_key(*parts_.table, terms_, statement_->conjuncts());
  action_.assemble(context, parts_);
  return parts_.key ? action_.bind() : Status();
}

bool append_returned(Context& context, Returning returning, const WriteAction& action,
                     ddb::ItemView old, ddb::ItemView after) {
  using Touched = ddb::expression::Update::Touched;
  context.shown.reset();
  ddb::ItemView shown;
  switch (returning) {
    case Returning::kNothing:
      break;
    case Returning::kAllOld:
      shown = old;
      break;
    case Returning::kAllNew:
      shown = after;
      break;
    case Returning::kModifiedOld:
      if (old && action.touched(old, Touched::kOld, context.shown)) shown = context.shown.item(0);
      break;
    case Returning::kModifiedNew:
      if (after && action.touched(after, Touched::kNew, context.shown))
        shown = context.shown.item(0);
      break;
  }
  if (shown) ddb::append_item_json(shown, context.out);
  return static_cast<bool>(shown);
}

}  // namespace offramp::engine
