// Keys and writes of statements.
#include "engine/statement.h"

#include "ddb/item_size.h"
#include "engine/error.h"
#include "engine/keys.h"

namespace offramp::engine {

using ddb::partiql::Returning;

Result<Statement> read_statement(Context& context, Json body) {
  Statement statement = TRY(Statement::parse(body["Statement"].text(), context.request.arena()));
  std::vector<ddb::ValueView> parameters;
  TRY(for_each_element(body["Parameters"], [&](Json json) -> Status {
    parameters.push_back(TRY(context.request.value(json)));
    return {};
  }));
  TRY(statement.bind(parameters));
  return statement;
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

Status StatementWrite::prepare(Context& context, Json body) {
  parts.kind = kind_of(*statement);
  parts.presence = presence_of(*statement);
  parts.item_on_failure = body["ReturnValuesOnConditionCheckFailure"].text() == "ALL_OLD";
  // What is wrong with the words comes before the table.
  if (statement->kind() == Statement::Kind::kInsert) {
    parts.key = TRY(statement->item());
    table = parts.table = TRY(statement_table(context, *statement));
    return check_inserted_keys(*table, parts.key);
  }
  if (statement->kind() == Statement::Kind::kUpdate) parts.update = TRY(statement->update());
  parts.condition = TRY(statement->condition());
  const std::vector<KeyTerm> terms = TRY(statement->key_terms());
  table = parts.table = TRY(statement_table(context, *statement));
  parts.key = TRY(named_key(*table, terms, key));
  if (!parts.key && statement->kind() != Statement::Kind::kExists)
    return validation("Where clause does not contain a mandatory equality on all key attributes");
  return {};
}

ddb::ItemView returned_item(Returning returning, const WriteAction& action, ddb::ItemView old,
                            ddb::ItemView after, ddb::ItemBatch& shown) {
  switch (returning) {
    case Returning::kNothing:
      return {};
    case Returning::kAllOld:
      return old;
    case Returning::kAllNew:
      return after;
    default:
      break;
  }
  // Whole attributes, also where only a part of one was changed.
  const ddb::ItemView from = returning == Returning::kModifiedOld ? old : after;
  if (!from) return {};
  shown.reset();
  ddb::ItemBuilder build(shown.nodes());
  const uint32_t root = build.open(ddb::Type::kM);
  uint32_t members = 0;
  for (std::string_view name : action.written_attributes())
    if (const ddb::ValueView value = from.find(name)) {
      build.copy(value, name);
      ++members;
    }
  build.close(root, members);
  shown.add_root(root, 0);
  return members == 0 ? ddb::ItemView() : shown.item(0);
}

}  // namespace offramp::engine
