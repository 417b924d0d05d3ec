// Attribute values of a request → ddb nodes, with the service's rules for them.
//
// The JSON's types have been checked (engine/shape.h). Errors are ValidationExceptions with the
// service's text.
#pragma once

#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/result.h"
#include "ddb/value.h"
#include "engine/json.h"

namespace offramp::engine {

// Appends the value. `level`: 2 for an attribute of an item, see kNestingMax.
Status decode_attribute_value(Json json, std::string_view name, int level, base::Arena& arena,
                              std::vector<ddb::Node>& nodes);
// Appends a map of values as a map.
Status decode_attribute_map(Json json, std::string_view name, int level, base::Arena& arena,
                            std::vector<ddb::Node>& nodes);

}  // namespace offramp::engine
