// What each file of operations adds to the dispatch table.
#pragma once

#include "engine/operation.h"

namespace offramp::engine {

void register_write_items(Dispatch& dispatch);  // write_items.cc: PutItem, UpdateItem, DeleteItem
void register_get_item(Dispatch& dispatch);
void register_batch_get(Dispatch& dispatch);
void register_batch_write(Dispatch& dispatch);
void register_transact_get(Dispatch& dispatch);
void register_transact_write(Dispatch& dispatch);
void register_manage_tables(Dispatch& dispatch);  // manage_tables.cc
void register_describe(
    Dispatch& dispatch);  // describe.cc: DescribeTable, ListTables, DescribeLimits, …
void register_query(Dispatch& dispatch);  // query.cc
void register_scan(Dispatch& dispatch);   // scan.cc
void register_execute_statement(Dispatch& dispatch);
void register_batch_execute_statement(Dispatch& dispatch);
void register_execute_transaction(Dispatch& dispatch);
void register_streams(
    Dispatch& dispatch);  // stream_operations.cc: ListStreams, DescribeStream, GetShardIterator
void register_get_records(Dispatch& dispatch);      // get_records.cc
void register_tags(Dispatch& dispatch);             // tags.cc
void register_time_to_live(Dispatch& dispatch);     // time_to_live.cc
void register_absent_features(Dispatch& dispatch);  // absent_features.cc: backups, exports, …

}  // namespace offramp::engine
