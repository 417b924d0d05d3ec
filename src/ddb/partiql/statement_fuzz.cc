// Any text as a statement: it parses or is refused; what parses is bound to values of every type,
// compiled and asked of an item, and none of that may crash or hang.
#include "ddb/expression/request_test.h"
#include "ddb/partiql/statement.h"

namespace {

using namespace offramp;
using ddb::partiql::Selection;
using ddb::partiql::Statement;

constexpr size_t kParametersMax = 64;

void ask(Statement& statement, ddb::ItemView item) {
  ddb::ItemBatch out;
  if (auto condition = statement.condition(); condition.ok() && *condition) {
    (void)(*condition)->evaluate(item);
    (void)(*condition)->attributes();
  }
  (void)statement.key_terms().ok();
  (void)statement.conjuncts();
  (void)statement.order();
  if (statement.kind() == Statement::Kind::kInsert) (void)statement.item().ok();
  if (statement.kind() == Statement::Kind::kUpdate)
    if (auto update = statement.update(); update.ok()) {
      (void)update->apply(item, item, out).ok();
      (void)update->touched(item, ddb::expression::Update::Touched::kOld, out);
    }
  if (auto selection = statement.selection(); selection.ok() && *selection) {
    ddb::ItemBatch flat, document;
    (*selection)->apply(item, Selection::Form::kFlat, flat);
    (*selection)->apply(item, Selection::Form::kDocument, document);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ddb::expression::TestItem item(ddb::expression::kEveryType);
  static std::vector<ddb::ValueView> parameters;
  if (parameters.empty())
    while (parameters.size() < kParametersMax)
      for (ddb::ValueView value : item.view()) parameters.push_back(value);
  const std::string text(reinterpret_cast<const char*>(data), size);
  base::Arena arena;
  auto statement = Statement::parse(text, arena);
  if (!statement.ok() || !statement->bind(parameters).ok()) return 0;
  ask(*statement, item.view());
  return 0;
}
