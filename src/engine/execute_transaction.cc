// ExecuteTransaction: up to 100 PartiQL statements, all or none: reads of one item each, or writes
// and EXISTS checks.
#include <deque>

#include "ddb/item_size.h"
#include "engine/batch_keys.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/register.h"
#include "engine/statement_reader.h"
#include "engine/write_transaction.h"

namespace offramp::engine {
namespace {

using namespace shapes;
using ddb::partiql::Returning;
using ddb::partiql::Selection;

constexpr size_t kStatementsMax = 100;
constexpr size_t kBytesMax = 4 << 20;

constexpr Member kStatementMembers[] = {{"Statement", &kString},
                                        {"Parameters", &kAttributeValues},
                                        {"ReturnValuesOnConditionCheckFailure", &kString}};
constexpr Shape kStatement = structure(kStatementMembers, "ParameterizedStatement");
constexpr Shape kStatements = list_of(kStatement);
constexpr Member kMembers[] = {{"TransactStatements", &kStatements},
                               {"ClientRequestToken", &kString},
                               {"ReturnConsumedCapacity", &kString}};
constexpr Shape kShape = structure(kMembers, "ExecuteTransactionInput");

struct Entry {
  Json body;
  std::optional<Statement> statement;
  std::optional<StatementReader> reader;
  StatementWrite write;
};

class ExecuteTransaction {
 public:
  explicit ExecuteTransaction(Context& context)
      : context_(context),
        root_(context.request.root()),
        detail_(capacity_detail(root_["ReturnConsumedCapacity"])) {}

  Status run() {
    TRY(check_constraints());
    bool reads = false, writes = false;
    TRY(for_each_element(root_["TransactStatements"], [&](Json body) -> Status {
      Entry& entry = entries_.emplace_back();
      entry.body = body;
      TRY(parse(entry));
      (entry.statement->reads() ? reads : writes) = true;
      return {};
    }));
    if (reads && writes)
      return validation(
          "ExecuteTransaction API does not support both read and write operations in the same "
          "request.");
    return reads ? read() : write();
  }

 private:
  Status check_constraints() {
    Constraints constraints;
    const Json statements = root_["TransactStatements"];
    constraints.return_consumed_capacity(root_);
    constraints.length(root_["ClientRequestToken"], "clientRequestToken", 1, 36);
    if (constraints.not_null(statements, "transactStatements"))
      constraints.length(statements, "transactStatements", 1, kStatementsMax);
    size_t number = 0;
    TRY(for_each_element(statements, [&](Json body) -> Status {
      constrain_statement(body, "transactStatements." + std::to_string(++number) + ".member.",
                          constraints);
      return {};
    }));
    return constraints.done();
  }

  // What is wrong with the words of the newest statement, as the service tells it.
  static Error located(size_t number, const Error& error) {
    if (error.code() != "ValidationException") return error;
    return validation("Validation failed in TransactStatements[" + std::to_string(number) +
                      "]: " + error.message());
  }
  static Error located(size_t number, std::string_view message) {
    return located(number, validation(std::string(message)));
  }

  Status parse(Entry& entry) {
    const size_t number = entries_.size() - 1;
    Parameters parameters = TRY(read_parameters(context_, entry.body));
    entry.statement = TRY(parse_statement(context_, entry.body));
    Status bound = entry.statement->bind(parameters);
    if (!bound.ok()) return located(number, bound.error());
    if (entry.statement->returning() != Returning::kNothing)
      return located(number, "RETURNING clause is not supported in ExecuteTransaction.");
    return {};
  }

  Status compile_reads() {
    for (size_t i = 0; i < entries_.size(); ++i) {
      Entry& entry = entries_[i];
      if (!entry.statement->index().empty())
        return located(i, "Reads on indices are not supported within transactions.");
      entry.reader.emplace(context_, *entry.statement);
      if (Status status = entry.reader->compile(); !status.ok()) return located(i, status.error());
    }
    return {};
  }

  Status read() {
    TRY(compile_reads());
    Cancellation cancelled(entries_.size());
    std::vector<const Table*> tables;
    std::vector<target::ItemRef> refs;
    for (size_t i = 0; i < entries_.size(); ++i) {
      StatementReader& reader = *entries_[i].reader;
      Status status = reader.bind({});
      if (!status.ok() && status.error().code() != "ValidationException") return status;
      if (!status.ok()) {
        cancelled.set(i, status.error());
        continue;
      }
      if (!reader.only_key())
        return located(i,
                       "Select statements within ExecuteTransaction must specify the primary key "
                       "in the where clause.");
      tables.push_back(&reader.table());
      refs.push_back({&reader.table().served, reader.only_key()});
    }
    if (names_item_twice(tables, refs))
      return validation("Transaction request cannot include multiple operations on one item");
    if (cancelled.any()) return cancelled.error(context_.error_extra);
    TRY(context_.session->get(refs, context_.read, context_.found));
    return answer_reads();
  }

  Status answer_reads() {
    TransactCapacity capacity(ConsumedCapacity::Kind::kTransactRead, detail_);
    size_t bytes = 0;
    for (size_t i = 0; i < entries_.size(); ++i) {
      const ddb::ItemView item = context_.found[i];
      const size_t size = item ? ddb::item_size(item) : 0;
      bytes += size;
      capacity.add_read(entries_[i].reader->table(), size);
    }
    if (bytes > kBytesMax)
      return validation("Collection size exceeded: the items of a transaction are limited to 4 MB");
    JsonWriter write(context_.out);
    write.open('{');
    write.name("Responses");
    write.open('[');
    for (size_t i = 0; i < entries_.size(); ++i) {
      write.open('{');
      if (context_.found[i]) {
        write.name("Item");
        entries_[i].reader->append(context_.found[i], Selection::Form::kDocument);
      }
      write.close('}');
    }
    write.close(']');
    capacity.append_json(write);
    write.close('}');
    return {};
  }

  Status compile_writes() {
    for (size_t i = 0; i < entries_.size(); ++i) {
      Entry& entry = entries_[i];
      if (!entry.statement->index().empty())
        return located(i, "Operations on indices are not supported in transactions");
      Status status = entry.write.compile(*entry.statement, entry.body);
      if (!status.ok()) return located(i, status.error());
    }
    return {};
  }

  Status write() {
    TRY(compile_writes());
    Cancellation cancelled(entries_.size());
    std::vector<WriteAction> actions;
    size_t bytes = 0;
    for (Entry& entry : entries_) TRY(entry.write.find_table(context_));
    for (size_t i = 0; i < entries_.size(); ++i) {
      StatementWrite& write = entries_[i].write;
      if (Status status = write.bind(context_); !status.ok()) {
        cancelled.set(i, status.error());
        continue;
      }
      if (write.is_check() && !write.checks_something())
        return located(i, "EXISTS() must contain a single item read with additional condition");
      bytes += ddb::item_size(write.action().key());
      actions.push_back(std::move(write.action()));
    }
    if (cancelled.any()) return cancelled.error(context_.error_extra);
    if (bytes > kBytesMax) return validation("Transaction request exceeds the limit of 4 MB");
    WriteTransaction transaction(context_, actions, detail_);
    TRY(transaction.bind());
    return transaction.run(root_["ClientRequestToken"], root_["TransactStatements"],
                           [this](const TransactCapacity& capacity) {
                             context_.out.assign("{\"Responses\":[]");
                             JsonWriter write(context_.out);
                             capacity.append_json(write);
                             write.close('}');
                           });
  }

  Context& context_;
  const Json root_;
  const CapacityDetail detail_;
  std::deque<Entry> entries_;
};

}  // namespace

void register_execute_transaction(Dispatch& dispatch) {
  dispatch["ExecuteTransaction"] = {
      &kShape, [](Context& context) { return ExecuteTransaction(context).run(); }};
}

}  // namespace offramp::engine
