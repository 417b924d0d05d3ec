// Tokens, decisions and conflicts of transactions.
#include "engine/write_transaction.h"

#include "ddb/item_size.h"
#include "engine/batch_keys.h"
#include "engine/error.h"

namespace offramp::engine {

WriteTransaction::WriteTransaction(Context& context, std::vector<WriteAction>& actions,
                                   CapacityDetail detail)
    : context_(context),
      actions_(actions),
      written_(ConsumedCapacity::Kind::kTransactWrite, detail),
      repeated_(ConsumedCapacity::Kind::kTransactRead, detail) {}

Status WriteTransaction::bind() {
  Cancellation cancelled(actions_.size());
  std::vector<const Table*> tables;
  for (size_t i = 0; i < actions_.size(); ++i) {
    refs_.push_back(actions_[i].ref());
    tables.push_back(&actions_[i].table());
    Status status = actions_[i].bind();
    if (!status.ok()) cancelled.set(i, status.error());
  }
  if (names_item_twice(tables, refs_))
    return validation("Transaction request cannot include multiple operations on one item");
  if (cancelled.any()) return cancelled.error(context_.error_extra);
  return {};
}

Status WriteTransaction::run(Json token_text, Json content, const Answer& answer) {
  std::optional<Token> token;
  if (token_text) token = TRY(Token::make(context_, token_text.text(), content));
  if (token) refs_.push_back(token->ref());
  Status status =
      context_.session->write(refs_, [&](std::span<const ddb::ItemView> old, auto decisions) {
        return decide(token ? &*token : nullptr, old, decisions, answer);
      });
  if (!status.ok() && status.error().code() == "store.conflict") return conflict();
  if (status.ok() && token) sweep_tokens(context_);
  return status;
}

Status WriteTransaction::decide(const Token* token, std::span<const ddb::ItemView> old,
                                std::span<target::Decision> decisions, const Answer& answer) {
  context_.made.reset();
  context_.error_extra.clear();
  written_.clear();
  repeated_.clear();
  if (token) {
    Token::Use use = token->judge(old.back());
    if (use == Token::Use::kMismatch)
      return service_error("IdempotentParameterMismatchException",
                           "DynamoDB rejected the request because you retried a request with a "
                           "different payload but "
                           "with an idempotent token that was already used.");
    if (use == Token::Use::kRepeated) {
      for (size_t i = 0; i < actions_.size(); ++i)
        repeated_.add_read(actions_[i].table(), old[i] ? ddb::item_size(old[i]) : 0);
      answer(repeated_);
      return {};
    }
    decisions.back() = token->decision();
  }
  TRY(decide_actions(old, decisions));
  answer(written_);
  return {};
}

Status WriteTransaction::decide_actions(std::span<const ddb::ItemView> old,
                                        std::span<target::Decision> decisions) {
  Cancellation cancelled(actions_.size());
  effects_.clear();
  for (size_t i = 0; i < actions_.size(); ++i) {
    Result<WriteAction::Effect> effect = actions_[i].decide(old[i], context_.made);
    if (!effect.ok() && !is_service_error(effect.error())) return std::move(effect).error();
    if (!effect.ok())
      cancelled.set(i, effect.error(), actions_[i].item_on_failure() ? old[i] : ddb::ItemView());
    effects_.push_back(effect.ok() ? *effect : WriteAction::Effect{});
  }
  if (cancelled.any()) return cancelled.error(context_.error_extra);
  // Only now do the made items stay where they are.
  for (size_t i = 0; i < actions_.size(); ++i) {
    const ddb::ItemView after = effects_[i].apply(old[i], context_.made, decisions[i]);
    written_.add_write(actions_[i].table(), old[i], after);
  }
  return {};
}

Error WriteTransaction::conflict() {
  Cancellation cancelled(actions_.size());
  for (size_t i = 0; i < actions_.size(); ++i)
    cancelled.set(i, "TransactionConflict", "Transaction is ongoing for the item");
  return cancelled.error(context_.error_extra);
}

}  // namespace offramp::engine
