// The parts of the plan reader; see README.md. All add to `mistakes` and go on.
#pragma once

#include "migrate/plan/map_reader.h"
#include "migrate/plan/plan.h"

namespace offramp::migrate::plan {

SourceSpec read_source(const YamlNode& node, Mistakes& mistakes);
// `what` names the map in messages: "source.limits", "limits".
LimitsSpec read_limits(const YamlNode& node, const std::string& what, Mistakes& mistakes);
// `moves` into file.moves; file.target and file.limits have been read.
void read_moves(const YamlNode& node, const YamlNode* shared_limits, PlanFile& file,
                Mistakes& mistakes);
model::MappingSpec read_tables(const YamlNode& node, const model::KeySchema& key,
                               Mistakes& mistakes);

// The placeholders of a key template in order; a mistake for a template that cannot be taken apart.
std::vector<std::string> template_placeholders(const YamlNode& pattern, Mistakes& mistakes);

}  // namespace offramp::migrate::plan
