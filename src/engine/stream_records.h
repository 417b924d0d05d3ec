// Records of a stream: a change of the log as GetRecords tells it.
#pragma once

#include <string_view>

#include "engine/json_writer.h"
#include "engine/stream.h"

namespace offramp::engine {

// A change whose items are equal as DynamoDB sees them is none: it has no record.
bool is_told(const target::Change& change, const ddb::ItemBatch& items);
// What the record counts for in the megabyte of an answer: SizeBytes.
size_t record_size(const Stream& stream, const target::Change& change, const ddb::ItemBatch& items);
// Appends the record as an element. `size`: of record_size().
void write_record(const Stream& stream, const target::Change& change, const ddb::ItemBatch& items,
                  size_t size, std::string_view region, JsonWriter& write);

// The item that tells the change's key: the new one, or the old one.
ddb::ItemView item_of(const target::Change& change, const ddb::ItemBatch& items);

}  // namespace offramp::engine
