// The parts of the plan reader; see README.md. All add to `mistakes` and go on.
#pragma once

#include "migrate/plan/map_reader.h"
#include "migrate/plan/plan.h"

namespace offramp::migrate::plan {

SourceSpec read_source(const YamlNode& node, Mistakes& mistakes);
model::MappingSpec read_tables(const YamlNode& node, const model::KeySchema& key,
                               Mistakes& mistakes);

// The placeholders of a key template in order; a mistake for a template that cannot be taken apart.
std::vector<std::string> template_placeholders(const YamlNode& pattern, Mistakes& mistakes);

}  // namespace offramp::migrate::plan
