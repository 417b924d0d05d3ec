// Checks of CreateTable's parameters, with the service's texts and in its order.
//
// Sources: the reference notes' §7 and texts that emulators collected from the service.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "engine/constraints.h"
#include "engine/json.h"
#include "engine/shape.h"

namespace offramp::engine {

extern const Shape kCreateTableShape;

// Everything that can be said about the request without knowing the tables.
Status check_create_table(Json root);

// One element of GlobalSecondaryIndexUpdates: the constraints of its parameters.
void constrain_index_update(Json update, const std::string& path, Constraints& constraints);
// A global index to be added by a request that defines these attributes, to a table whose indexes
// project `included` ones by name.
Status check_added_index(Json index, const std::vector<std::string>& defined, bool on_demand,
                         size_t included);
// Of UpdateTable too.
Status check_throughput_bounds(Json throughput);
void constrain_throughput(Json throughput, const std::string& path, Constraints& constraints);
void constrain_attributes(Json attributes, Constraints& constraints);

}  // namespace offramp::engine
