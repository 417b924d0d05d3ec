// WHERE clauses and changes as the conditions and updates of ddb/expression. Private to this
// folder.
//
// The expressions' own compilers check operands; here is what only PartiQL can say wrongly.
#pragma once

#include "ddb/expression/condition.h"
#include "ddb/expression/update.h"
#include "ddb/partiql/values.h"

namespace offramp::ddb::partiql {

// `node`: of the condition. Names and values must outlive what is made.
Result<expression::Condition> make_condition(const Syntax& syntax, uint32_t node, Values& values,
                                             base::Arena& arena);
// All changes of an UPDATE.
Result<expression::Update> make_update(const Syntax& syntax, Values& values, base::Arena& arena);

}  // namespace offramp::ddb::partiql
