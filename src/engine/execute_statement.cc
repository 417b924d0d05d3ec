// ExecuteStatement: one PartiQL statement.
#include "engine/capacity.h"
#include "engine/constraints.h"
#include "engine/error.h"
#include "engine/next_token.h"
#include "engine/register.h"
#include "engine/statement_reader.h"

namespace offramp::engine {
namespace {

using namespace shapes;

constexpr Member kMembers[] = {{"Statement", &kString},
                               {"Parameters", &kAttributeValues},
                               {"ConsistentRead", &kBoolean},
                               {"NextToken", &kString},
                               {"ReturnConsumedCapacity", &kString},
                               {"Limit", &kInteger},
                               {"ReturnValuesOnConditionCheckFailure", &kString}};
constexpr Shape kShape = structure(kMembers, "ExecuteStatementInput");

constexpr size_t kTokenLengthMax = 32768;

class ExecuteStatement {
 public:
  explicit ExecuteStatement(Context& context)
      : context_(context),
        root_(context.request.root()),
        detail_(capacity_detail(root_["ReturnConsumedCapacity"])) {}

  Status run() {
    TRY(check_constraints());
    statement_ = TRY(read_statement(context_, root_));
    if (statement_->kind() == Statement::Kind::kExists) return exists_outside_transaction();
    return statement_->reads() ? read() : write();
  }

 private:
  Status check_constraints() {
    Constraints constraints;
    constrain_statement(root_, "", constraints);
    constraints.length(root_["NextToken"], "nextToken", 1, kTokenLengthMax);
    constraints.return_consumed_capacity(root_);
    constraints.at_least(root_["Limit"], "limit", 1);
    return constraints.done();
  }

  Status read() {
    StatementReader reader(context_, *statement_);
    TRY(reader.compile());
    ReadOptions options;
    options.consistent = root_["ConsistentRead"].boolean();
    options.limit = static_cast<size_t>(root_["Limit"].integer(INT64_MAX));
    TRY(reader.bind(options));
    const TokenScope scope{root_["Statement"].text(), root_["Parameters"],
                           reader.table().served.id};
    ddb::ItemBatch token;
    ddb::ItemView start;
    if (Json text = root_["NextToken"]) {
      TRY(read_next_token(scope, text.text(), token));
      start = token.item(0);
      if (!reader.may_start(start)) return foreign_next_token();
    }
    context_.capacity.reset(reader.table(), ConsumedCapacity::Kind::kRead);
    context_.out.append("{\"Items\":[");
    const ddb::ItemView last = TRY(reader.read(start, context_.capacity));
    JsonWriter write(context_.out);
    write.close(']');
    if (last) {
      std::string key;
      append_entry_key(reader.view(), last, key);
      write.text("NextToken", make_next_token(scope, key));
      write.name("LastEvaluatedKey");
      context_.out.append(key);
    }
    end(write);
    return {};
  }

  void end(JsonWriter& write) {
    if (detail_ != CapacityDetail::kNone) {
      write.name("ConsumedCapacity");
      context_.capacity.append_json(detail_, context_.out);
    }
    write.close('}');
  }

  Status write() {
    TRY(write_.compile(*statement_, root_));
    TRY(write_.find_table(context_));
    TRY(write_.bind(context_));
    const target::ItemRef ref = write_.action().ref();
    return context_.session->write({&ref, 1},
                                   [this](std::span<const ddb::ItemView> old, auto decisions) {
                                     return decide(old[0], decisions[0]);
                                   });
  }

  Status decide(ddb::ItemView old, target::Decision& decision) {
    context_.made.reset();
    context_.error_extra.clear();
    WriteAction& action = write_.action();
    Result<WriteAction::Effect> effect = action.decide(old, context_.made);
    if (!effect.ok()) {
      if (action.shows_item(effect.error()) && old) {
        context_.error_extra = ",\"Item\":";
        ddb::append_item_json(old, context_.error_extra);
      }
      return std::move(effect).error();
    }
    const ddb::ItemView after = effect->apply(old, context_.made, decision);
    context_.out.assign("{\"Items\":[");
    append_returned(context_, statement_->returning(), action, old, after);
    JsonWriter write(context_.out);
    write.close(']');
    context_.capacity.reset(action.table(), ConsumedCapacity::Kind::kWrite);
    context_.capacity.add_write(old, after);
    end(write);
    return {};
  }

  Context& context_;
  const Json root_;
  const CapacityDetail detail_;
  std::optional<Statement> statement_;
  StatementWrite write_;
};

}  // namespace

void register_execute_statement(Dispatch& dispatch) {
  dispatch["ExecuteStatement"] = {&kShape,
                                  [](Context& context) { return ExecuteStatement(context).run(); }};
}

}  // namespace offramp::engine
