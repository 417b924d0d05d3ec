// The mapping of a table that CreateTable makes: key and index attributes as columns, all else in `extra`.
#pragma once

#include "target/store.h"

namespace offramp::target {

// Table and column names are made from DynamoDB's names so that any database takes them: characters that need care
// become '_', what is too long or differs only in case from another one ends in a hash. `id` makes names of this
// creation different from those of an older one where the plain name is not enough. Fills `mapping` of `table`.
// kConfig when the attributes cannot be mapped (a defect: CreateTable has checked them).
Status make_mapping(ServedTable& table, const mapping::Limits& limits);

}  // namespace offramp::target
