// BatchExecuteStatement: up to 25 PartiQL statements, each on its own: all of them reads of one
// item, or all writes.
//
// Reads are one read of the store. Writes are done one after the other; what is wrong with one of
// them is an entry of the answer and does not touch the others.
#include <deque>

#include "ddb/item_size.h"
#include "engine/batch_keys.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/statement_reader.h"
#include "engine/transact_capacity.h"

namespace offramp::engine {
namespace {

using namespace shapes;
using ddb::partiql::Selection;

constexpr size_t kStatementsMax = 25;

constexpr Member kStatementMembers[] = {{"Statement", &kString},
                                        {"Parameters", &kAttributeValues},
                                        {"ConsistentRead", &kBoolean},
                                        {"ReturnValuesOnConditionCheckFailure", &kString}};
constexpr Shape kStatement = structure(kStatementMembers, "BatchStatementRequest");
constexpr Shape kStatements = list_of(kStatement);
constexpr Member kMembers[] = {{"Statements", &kStatements}, {"ReturnConsumedCapacity", &kString}};
constexpr Shape kShape = structure(kMembers, "BatchExecuteStatementInput");

// The code that an entry has for an error of the service.
std::string_view entry_code(std::string_view type) {
  struct Named {
    std::string_view type, code;
  };
  constexpr Named kCodes[] = {{"ValidationException", "ValidationError"},
                              {"ConditionalCheckFailedException", "ConditionalCheckFailed"},
                              {"DuplicateItemException", "DuplicateItem"},
                              {"ResourceNotFoundException", "ResourceNotFound"},
                              {"TransactionConflictException", "TransactionConflict"},
                              {"ThrottlingException", "ThrottlingError"},
                              {"RequestLimitExceeded", "RequestLimitExceeded"}};
  for (const Named& named : kCodes)
    if (named.type == type) return named.code;
  return "InternalServerError";
}

struct Entry {
  Json body;
  std::optional<Statement> statement;
  std::optional<StatementReader> reader;
  StatementWrite write;
  std::optional<Error> error;
  std::string item;  // JSON of what it gives back, or of the item that a condition has failed on
  ConsumedCapacity units;  // of a write
  bool executed = false;   // the table is named in the answer
};

class Batch {
 public:
  explicit Batch(Context& context)
      : context_(context),
        root_(context.request.root()),
        capacity_(ConsumedCapacity::Kind::kRead, capacity_detail(root_["ReturnConsumedCapacity"])),
        written_(ConsumedCapacity::Kind::kWrite, capacity_detail(root_["ReturnConsumedCapacity"])) {
  }

  Status run() {
    TRY(check_constraints());
    bool reads = false, writes = false;
    TRY(for_each_element(root_["Statements"], [&](Json body) -> Status {
      Entry& entry = entries_.emplace_back();
      entry.body = body;
      fail(entry, parse(entry));
      if (!entry.statement || entry.statement->kind() == Statement::Kind::kExists) return {};
      (entry.statement->reads() ? reads : writes) = true;
      return {};
    }));
    if (reads && writes)
      return validation("Read and write requests together in the same batch is not supported.");
    for (Entry& entry : entries_)
      if (!entry.error)
        fail(entry, entry.statement->reads() ? bind_read(entry) : bind_write(entry));
    TRY(check_repeated());
    TRY(reads ? read() : write());
    answer(reads ? capacity_ : written_);
    return {};
  }

 private:
  Status check_constraints() {
    Constraints constraints;
    const Json statements = root_["Statements"];
    constraints.return_consumed_capacity(root_);
    if (constraints.not_null(statements, "statements"))
      constraints.length(statements, "statements", 1, kStatementsMax);
    size_t number = 0;
    TRY(for_each_element(statements, [&](Json body) -> Status {
      constrain_statement(body, "statements." + std::to_string(++number) + ".member.", constraints);
      return {};
    }));
    return constraints.done();
  }

  static void fail(Entry& entry, Status status) {
    if (!status.ok()) entry.error = std::move(status).error();
  }

  Status parse(Entry& entry) {
    entry.statement = TRY(read_statement(context_, entry.body));
    if (entry.statement->kind() == Statement::Kind::kExists) return exists_outside_transaction();
    return {};
  }

  Status bind_read(Entry& entry) {
    entry.reader.emplace(context_, *entry.statement);
    TRY(entry.reader->compile());
    ReadOptions options;
    options.consistent = entry.body["ConsistentRead"].boolean();
    TRY(entry.reader->bind(options));
    if (entry.reader->only_key()) return {};
    return validation(
        "Select statements within BatchExecuteStatement must specify the primary key in the where "
        "clause.");
  }

  Status bind_write(Entry& entry) {
    TRY(entry.write.compile(*entry.statement, entry.body));
    TRY(entry.write.find_table(context_));
    return entry.write.bind(context_);
  }

  const Table& table_of(Entry& entry) {
    return entry.statement->reads() ? entry.reader->table() : entry.write.action().table();
  }
  target::ItemRef ref_of(Entry& entry) {
    if (entry.statement->reads()) return {&table_of(entry).served, entry.reader->only_key()};
    return entry.write.action().ref();
  }

  Status check_repeated() {
    std::vector<const Table*> tables;
    for (Entry& entry : entries_) {
      if (entry.error) continue;
      tables.push_back(&table_of(entry));
      refs_.push_back(ref_of(entry));
    }
    if (names_item_twice(tables, refs_))
      return validation("Provided list of item keys contains duplicates");
    return {};
  }

  Status read() {
    if (!refs_.empty()) TRY(context_.session->get(refs_, context_.read, context_.found));
    size_t at = 0;
    for (Entry& entry : entries_) {
      if (entry.error) continue;
      const ddb::ItemView item = context_.found[at++];
      capacity_.add_read(table_of(entry), item ? ddb::item_size(item) : 0,
                         entry.body["ConsistentRead"].boolean());
      entry.executed = true;
      if (!item) continue;
      context_.out.clear();
      entry.reader->append(item, Selection::Form::kDocument);
      entry.item = context_.out;
    }
    return {};
  }

  Status write() {
    bool any = false;
    for (Entry& entry : entries_) {
      if (entry.error) continue;
      const target::ItemRef ref = ref_of(entry);
      Status status = context_.session->write(
          {&ref, 1}, [&](std::span<const ddb::ItemView> old, auto decisions) {
            return decide(entry, old[0], decisions[0]);
          });
      // The tables were changed under the request: it starts again, unless some of it is done.
      if (!status.ok() && status.error().code() == "store.no_table" && !any) return status;
      if (!status.ok() && !is_service_error(status.error()) && context_.options.log)
        context_.options.log(status.error());
      entry.executed = true;
      any |= status.ok();
      if (status.ok()) written_.add(entry.units);
      fail(entry, std::move(status));
    }
    return {};
  }

  Status decide(Entry& entry, ddb::ItemView old, target::Decision& decision) {
    context_.made.reset();
    context_.out.clear();
    WriteAction& action = entry.write.action();
    Result<WriteAction::Effect> effect = action.decide(old, context_.made);
    if (!effect.ok()) {
      if (action.shows_item(effect.error()) && old) ddb::append_item_json(old, context_.out);
      entry.item = context_.out;
      return std::move(effect).error();
    }
    const ddb::ItemView after = effect->apply(old, context_.made, decision);
    append_returned(context_, entry.statement->returning(), action, old, after);
    entry.item = context_.out;
    entry.units.reset(action.table(), ConsumedCapacity::Kind::kWrite);
    entry.units.add_write(old, after);
    return {};
  }

  void answer(const TransactCapacity& capacity) {
    context_.out.clear();
    JsonWriter write(context_.out);
    write.open('{');
    write.name("Responses");
    write.open('[');
    for (Entry& entry : entries_) {
      write.open('{');
      if (entry.error) write_error(entry, write);
      if (entry.executed) write.text("TableName", table_of(entry).served.name);
      if (!entry.error) write_item(entry, write);
      write.close('}');
    }
    write.close(']');
    capacity.append_json(write);
    write.close('}');
  }

  void write_error(const Entry& entry, JsonWriter& write) {
    const Error error = as_service_error(*entry.error);
    write.name("Error");
    write.open('{');
    write.text("Code", entry_code(error.code()));
    write.text("Message", error.message());
    write_item(entry, write);
    write.close('}');
  }

  void write_item(const Entry& entry, JsonWriter& write) {
    if (entry.item.empty()) return;
    write.name("Item");
    write.out().append(entry.item);
  }

  Context& context_;
  const Json root_;
  std::deque<Entry> entries_;
  std::vector<target::ItemRef> refs_;  // of the entries without an error
  TransactCapacity capacity_, written_;
};

}  // namespace

void register_batch_execute_statement(Dispatch& dispatch) {
  dispatch["BatchExecuteStatement"] = {&kShape,
                                       [](Context& context) { return Batch(context).run(); }};
}

}  // namespace offramp::engine
