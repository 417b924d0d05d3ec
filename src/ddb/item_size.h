// The size of an item as AWS counts it (limit 409,600 bytes; capacity units).
// Source: developer guide, "item sizes"; the exact size of a number is the reverse-engineered form
// that dynalite uses.
#pragma once

#include <cstddef>

#include "ddb/value.h"

namespace offramp::ddb {

constexpr size_t kItemBytesMax = 400 * 1024;

// Bytes of the item: names and values of its top-level attributes.
size_t item_size(ItemView item);
// Bytes of one value without its name.
size_t value_size(ValueView value);

}  // namespace offramp::ddb
