// The operations, by the files that have them.
#include "engine/operation.h"
#include "engine/register.h"

namespace offramp::engine {

const Dispatch& dispatch() {
  static const Dispatch all = [] {
    Dispatch made;
    register_write_items(made);
    register_get_item(made);
    register_batch_get(made);
    register_batch_write(made);
    register_transact_get(made);
    register_transact_write(made);
    register_manage_tables(made);
    register_describe(made);
    register_query(made);
    register_scan(made);
    register_execute_statement(made);
    register_batch_execute_statement(made);
    register_execute_transaction(made);
    register_streams(made);
    register_get_records(made);
    register_tags(made);
    register_time_to_live(made);
    register_absent_features(made);
    return made;
  }();
  return all;
}

}  // namespace offramp::engine
