// Where attribute values went, as the fidelity report wants it.
#pragma once

#include <vector>

#include "mapping/row_filler.h"
#include "mapping/row_shape.h"

namespace offramp::mapping {

// Appends one fate per place of the filler's shape, then one per attribute that the plan does not
// name and that was seen ("(others)" for all beyond AttributeSlots' bound).
void add_fates(const CompiledMapping::Impl& plan, const TableShape* table, const RowFiller& filler,
               std::vector<AttributeFate>& out);

}  // namespace offramp::mapping
