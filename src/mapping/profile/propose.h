// A mapping proposed from a sample, with comments for the plan file and the fidelity report.
//
// Pure: the same profile gives the same proposal. The mapping compiles (CompiledMapping::compile)
// for the same key and limits, takes every item that has a usable key, and loses nothing: what no
// column holds goes to `extra`.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "mapping/compiled_mapping.h"
#include "mapping/profile/comments.h"
#include "mapping/profile/fidelity.h"
#include "mapping/profile/profiler.h"
#include "model/mapping_spec.h"
#include "model/table_spec.h"

namespace offramp::mapping::profile {

struct ProposeOptions {
  Limits limits;
  std::vector<std::string> reserved_words;  // of the target, lower case, beside SQL's
  bool temporal_types = true;               // propose timestamptz and date
  bool uuid_type = true;                    // propose uuid
};

struct Proposal {
  model::MappingSpec tables;
  Comments comments;  // beside `tables`
  FidelityReport fidelity;
};

// kConfig when the table's key is unknown, or no sampled item has it.
Result<Proposal> propose(const Profile& profile, const model::TableSpec& table,
                         const ProposeOptions& options);

// For sources that do not say their key: attributes that every sampled item has as S, N or B and
// that tell all items apart, the likeliest names first. Empty when nothing does. A guess: a person
// has to agree.
std::optional<model::KeySchema> guess_key(const Profile& profile);

}  // namespace offramp::mapping::profile
